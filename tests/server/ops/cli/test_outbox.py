import json

import pytest

from persistence.mail import Outbox
from server.ops.cli import outbox as module
from tests.database import complete
from tests.persistence.journals import open_store
from tests.persistence.persons import ANNA, accounts_of, mail
from tests.server.ops.cli.test_audit import onsale

pytestmark = pytest.mark.postgres


def put_mails(url: str) -> None:
    async def put() -> None:
        async with open_store(url) as store:
            await accounts_of(store.pool).create(ANNA, [mail("m1"), mail("m2")])
            await Outbox(store.pool).sent("m2")

    complete(put())


def test_the_command_shows_what_waits_and_what_is_gone(database_url):
    put_mails(database_url)
    shown = onsale("outbox", DATABASE_URL=database_url)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("anna@example.org") == 2
    assert "Choose a new password (waits)" in shown.stdout
    assert "reset_password (sent " in shown.stdout
    assert shown.stdout.count("  |     secret\n") == 1


def test_the_command_writes_json_for_programs(database_url, capsys):
    put_mails(database_url)
    assert module.outbox(json=True, limit=1, database_url=database_url) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["recipient"] == "anna@example.org"


def test_without_a_database_it_says_so(tmp_path, capsys):
    assert module.outbox(data_dir=str(tmp_path / "none")) == 2
    assert "There is no database" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "fate"),
    [
        ({"failed_at": 1, "reason": "550 no"}, "(refused: 550 no)"),
        ({"reason": "451 later"}, "(waits after 3 attempts: 451 later)"),
    ],
)
def test_why_a_mail_was_not_sent_is_told(row, fate, database_url):
    put_mails(database_url)

    async def told() -> str:
        async with open_store(database_url) as store:
            (first, *_) = await Outbox(store.pool).newest()
            known = {**first, "sent_at": None, "failed_at": None, "attempts": 3}
            return module._told(known | row, ("Hello", ""))

    assert fate in complete(told())


EVIL = "\x1b]0;owned\x07\x9b2J\u202etxt\r\nanother line"


def test_what_others_wrote_moves_no_cursor(database_url, capsys):
    put_mails(database_url)

    async def spoil() -> None:
        async with open_store(database_url) as store:
            sql = (
                "UPDATE mail SET subject = $1, reason = $1, body = $1, attempts = 1,"
                " kind = NULL"
            )
            await store.pool.fetch(sql, EVIL)

    complete(spoil())
    for json_too in (False, True):
        assert module.outbox(json=json_too, database_url=database_url) == 0
        out = capsys.readouterr().out
        assert out.isascii()
        assert not any(sign in out for sign in "\x1b\x07\x9b\r")
        assert "another line" in out
        if json_too:
            rows = [json.loads(line) for line in out.splitlines()]
            assert {row["subject"] for row in rows} == {EVIL}
        else:
            assert out.count("\\x1b]0;owned") >= 2
            # Nothing but the text itself begins a line of its own.
            starts = ("  | ", "  ", "20")
            assert all(line.startswith(starts) for line in out.splitlines() if line)


def test_a_mail_that_cannot_be_written_shows_what_there_is(database_url, capsys):
    put_mails(database_url)

    async def spoil() -> None:
        async with open_store(database_url) as store:
            await store.pool.fetch("""UPDATE mail SET data = '{"other": 1}'""")

    complete(spoil())
    assert module.outbox(database_url=database_url) == 0
    out = capsys.readouterr().out
    assert "It cannot be written: 'code' is undefined" in out
    assert '{"other": 1}' in out
