"""The command as one types it, with files as a server answers them.

Most is asked in this process: to start the command takes longer than all of its work.
"""

import json
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import structs

from server.ops.cli.ticket import app, verify_ticket
from server.shop.tickets.token import Claims, event_mark, key_id, sign
from tests.server.ops.cli.test_audit import onsale

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW = PRIVATE.public_key().public_bytes_raw()
KEY = key_id(RAW)
CLAIMS = Claims(event_mark("evt"), "K7QX2MABCD", 2, "seat", 812, 20_787, KEY)
CODE = sign(CLAIMS, PRIVATE)
# A letter of its signature is another.
FORGED = CODE[:100] + ("A" if CODE[100] != "A" else "B") + CODE[101:]
PUBLIC = urlsafe_b64encode(RAW).rstrip(b"=").decode()


def keys_file(folder: Path, **fields: object) -> Path:
    key = {"key": KEY, "organisation": "org_1", "public_key": PUBLIC} | fields
    path = folder / "keys.json"
    path.write_text(
        json.dumps({"keys": [key | {"signs_from": "2026-11-21T10:00:00Z"}]})
    )
    return path


def revoked_file(folder: Path, *items: tuple[str, int], **fields: object) -> Path:
    listed = {
        "event": "evt",
        "revision": 3,
        "complete": True,
        "items": [
            {"number": number, "generation": generation, "at": "2026-11-21T10:00:00Z"}
            for number, generation in items
        ],
    }
    path = folder / "revoked.json"
    path.write_text(json.dumps(listed | fields))
    return path


@pytest.fixture
def verified(capsys):
    def ask(*arguments, **named):
        status = verify_ticket(*arguments, **named)
        said = capsys.readouterr()
        return status, said.out + said.err

    return ask


def test_as_it_is_typed(tmp_path):
    keys = keys_file(tmp_path)
    done = onsale("ticket", "verify", CODE, "--key", str(keys))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "Valid: ticket K7QX2MABCD, generation 2, seat index 812 in the map of its event"
        f" ({event_mark('evt')}); issued on 2026-11-30; signed with key {KEY} of"
        " org_1.\n"
        "Whether it was revoked is not known: no --revoked given.\n"
    )
    done = onsale("ticket", "verify", FORGED, "--key", str(keys))
    assert done.returncode == 1
    assert done.stdout.startswith("NOT valid: ")


def test_only_the_generation_that_counts_goes_in(verified, tmp_path):
    keys = keys_file(tmp_path)
    of_before = revoked_file(tmp_path, ("K7QX2MABCD", 1), ("K7QX2MABCE", 2))
    status, said = verified(CODE, key=keys, revoked=of_before)
    assert (status, said.count("\n")) == (0, 1)
    now_too = revoked_file(tmp_path, ("K7QX2MABCD", 1), ("K7QX2MABCD", 2))
    status, said = verified(CODE, key=keys, revoked=now_too)
    assert (status, said) == (
        1,
        "NOT valid: ticket K7QX2MABCD, generation 2, was revoked.\n",
    )


def test_a_ticket_of_another_event_stays_out(verified, tmp_path):
    keys = keys_file(tmp_path)
    other = sign(structs.replace(CLAIMS, event=event_mark("another")), PRIVATE)
    assert verified(other, key=keys)[0] == 0
    status, said = verified(other, key=keys, revoked=revoked_file(tmp_path))
    assert (status, "is of another event than evt" in said) == (1, True)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("", "no code of a ticket"),
        ("K7QX2MABCD", "no code of a ticket"),
        (CODE.lower(), "no code of a ticket"),
        (FORGED, "forged"),
        (sign(structs.replace(CLAIMS, key="00000000"), PRIVATE), "not in the file"),
    ],
)
def test_what_is_no_ticket_of_ours_stays_out(verified, tmp_path, code, words):
    status, said = verified(code, key=keys_file(tmp_path))
    assert (status, said.startswith("NOT valid: ")) == (1, True)
    assert words in said


def test_a_key_under_the_name_of_another_is_told(verified, tmp_path):
    """Who may change one line of the file could else let forged tickets in."""
    own = Ed25519PrivateKey.generate()
    raw = own.public_key().public_bytes_raw()
    keys = keys_file(tmp_path, public_key=urlsafe_b64encode(raw).decode())
    status, said = verified(sign(CLAIMS, own), key=keys)
    assert (status, f"The key {KEY} is not what it says it is" in said) == (2, True)


def test_what_cannot_be_checked_ends_with_2_and_one_sentence(verified, tmp_path):
    keys, nothing, part = keys_file(tmp_path), tmp_path / "none", tmp_path / "empty"
    part.write_text('{"keys": []}')
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[]")
    cut = revoked_file(tmp_path, complete=False)
    for named, words in (
        ({"key": nothing}, "cannot read"),
        ({"key": tmp_path}, "cannot read"),
        ({"key": part}, "There is no key in the file"),
        ({"key": wrong}, "is not what the server answers"),
        ({"key": keys, "revoked": wrong}, "is not what the server answers"),
        ({"key": keys, "revoked": cut}, "only a part of the list"),
    ):
        status, said = verified(CODE, **named)
        assert (status, said.count("\n"), words in said) == (2, 1, True), said
    unreadable = keys_file(tmp_path, public_key="AAAA")
    status, said = verified(CODE, key=unreadable)
    assert (status, "cannot be read" in said) == (2, True)


def test_a_code_is_read_from_a_scanner(verified, tmp_path, monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(CODE + "\n"))
    assert verified("-", key=keys_file(tmp_path))[0] == 0


def test_a_hyphen_that_is_typed_stands_for_a_scanner():
    _, bound, _ = app.parse_args(["verify", "-", "--key", "keys.json"])
    assert bound.arguments == {"code": "-", "key": Path("keys.json")}
