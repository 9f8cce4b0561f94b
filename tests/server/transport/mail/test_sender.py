"""Mails to a real SMTP server; the outbox is in Postgres."""

import socket
from typing import Any, cast

import pytest
from msgspec.structs import replace

from persistence.mail import Outbox
from persistence.postgres.pool import Pool
from persistence.postgres.prepare import prepare_database
from server.people.notices.composer import NoticeComposer
from server.transport.mail.sender import MailSender
from tests.persistence.persons import ANNA, accounts_of, mail
from tests.post_office import PostOffice, text_of

pytestmark = pytest.mark.postgres
SENDER = "Tickets <tickets@example.org>"


@pytest.fixture
async def pool(database_url):
    await prepare_database(database_url, unsafe=False)
    pool = await Pool.open(database_url)
    yield pool
    await pool.close()


@pytest.fixture
def office():
    office = PostOffice().open()
    yield office
    office.close()


@pytest.fixture
def outbox(pool):
    return Outbox(pool)


def sender_to(outbox, url, name=SENDER):
    """Return one that puts mails in words; none of them is about an event."""
    sender = MailSender(outbox, url, name)
    sender.composer = NoticeComposer(cast(Any, None), None)
    return sender


async def put(pool, *mails):
    await accounts_of(pool).create(ANNA, list(mails))


async def fates(outbox):
    return {
        row["mail_id"]: (row["sent_at"] is not None, row["failed_at"] is not None)
        for row in await outbox.newest()
    }


async def test_what_is_due_is_sent_once(office, outbox, pool):
    await put(pool, mail("m1"), mail("m2"))
    sender = sender_to(outbox, office.url)
    await sender.send_due()
    await sender.send_due()
    assert await fates(outbox) == {"m1": (True, False), "m2": (True, False)}
    assert sorted(one["Message-ID"] for one in office.mails) == [
        "<m1@example.org>",
        "<m2@example.org>",
    ]
    (first, _) = office.mails
    assert (first["From"], first["To"]) == (SENDER, "anna@example.org")
    assert first["Subject"] == "Choose a new password"
    assert first["Auto-Submitted"] == "auto-generated"
    assert "\n    secret\n" in text_of(first).replace("\r\n", "\n")
    assert first["Date"] is not None


async def test_a_mail_that_is_refused_for_good_is_not_tried_again(office, outbox, pool):
    await put(pool, mail("m1"), mail("m2"))
    office.answer = "550 no such mailbox"
    sender = sender_to(outbox, office.url)
    await sender.send_due()
    assert await fates(outbox) == {"m1": (False, True), "m2": (False, True)}
    assert sender.status == "ok"


async def test_a_mail_that_is_refused_for_now_waits_and_then_goes(office, outbox, pool):
    await put(pool, mail("m1"))
    office.answer = "451 come back later"
    sender = sender_to(outbox, office.url)
    await sender.send_due()
    assert await fates(outbox) == {"m1": (False, False)}
    assert sender.status == "degraded"
    office.answer = "250 taken"
    await pool.fetch("UPDATE mail SET due_at = now()")
    await sender.send_due()
    assert await fates(outbox) == {"m1": (True, False)}
    assert sender.status == "ok"
    assert len(office.mails) == 1


async def test_where_nobody_answers_mails_wait(outbox, pool):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    await put(pool, mail("m1"))
    sender = sender_to(outbox, f"smtp://127.0.0.1:{port}")
    await sender.send_due()
    assert sender.status == "degraded"
    (row,) = await outbox.newest()
    assert (row["attempts"], row["data"]) == (1, '{"code": "secret"}')
    assert row["reason"]


async def test_a_password_is_not_told_where_everybody_can_listen(office, outbox, pool):
    await put(pool, mail("m1"))
    url = f"smtp://user:s3cret@127.0.0.1:{office.port}"
    sender = sender_to(outbox, url)
    await sender.send_due()
    assert await fates(outbox) == {"m1": (False, False)}
    assert office.mails == []
    (row,) = await outbox.newest()
    assert "s3cret" not in row["reason"]


async def test_a_domain_goes_out_in_ascii(office, outbox, pool):
    umlaut = replace(mail("m1"), recipient="Olga@MÜNCHEN.de")
    await put(pool, umlaut)
    sender = sender_to(outbox, office.url, "Tickets <tickets@bücher.example>")
    await sender.send_due()
    assert await fates(outbox) == {"m1": (True, False)}
    (sent,) = office.mails
    assert sent["To"] == "Olga@xn--mnchen-3ya.de"
    assert sent["From"] == "Tickets <tickets@xn--bcher-kva.example>"
    assert sent["Message-ID"] == "<m1@xn--bcher-kva.example>"
    assert office.recipients == ["Olga@xn--mnchen-3ya.de"]


async def test_a_name_before_the_at_goes_out_as_it_is(office, outbox, pool):
    await put(pool, replace(mail("m1"), recipient="jürgen@münchen.de"))
    await sender_to(outbox, office.url).send_due()
    assert await fates(outbox) == {"m1": (True, False)}
    assert office.recipients == ["jürgen@xn--mnchen-3ya.de"]


async def test_a_mail_that_a_version_before_wrote_goes_as_it_is(office, outbox, pool):
    await pool.fetch(
        "INSERT INTO mail (mail_id, user_id, recipient, subject, body, expires_at)"
        " VALUES ('m1', 'u', 'anna@example.org', 'Hello', 'secret', now() + '1 h')"
    )
    await sender_to(outbox, office.url).send_due()
    (sent,) = office.mails
    assert (sent["Subject"], sent.get_content().strip()) == ("Hello", "secret")
