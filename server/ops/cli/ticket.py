"""`onsale ticket verify`: may this code enter? It needs no server, and no database."""

import sys
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cyclopts import App, Parameter
from msgspec import Struct

from server.base.log import plain
from server.shop.tickets.token import (
    Claims,
    Reason,
    Unverified,
    event_mark,
    key_id,
    verify,
)

OK: Final = 0
NOT_VALID: Final = 1
UNUSABLE: Final = 2

FILE_BYTES_MAX: Final = 256 << 20
CODE_BYTES_MAX: Final = 1_024
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

WORDS: Final[dict[Reason, str]] = {
    "malformed": "this is no code of a ticket",
    "unknown_key": "it names a key that is not in the file; fetch /v1/ticket-keys anew",
    "bad_signature": "the signature is not of the key that it names: it is forged",
}

T = TypeVar("T")

app = App(name="ticket", help="Check tickets without a server.")


class Unusable(Exception):
    """There is nothing to check with; the message says why."""


class _Key(Struct):
    key: str
    organisation: str | None
    public_key: str


class _Keys(Struct):
    keys: list[_Key]


class _Revoked(Struct):
    number: str
    generation: int


class _RevokedList(Struct):
    event: str
    complete: bool
    items: list[_Revoked]


@app.command(name="verify")
def verify_ticket(
    code: Annotated[str, Parameter(allow_leading_hyphen=True)],
    *,
    key: Path,
    revoked: Path | None = None,
) -> int:
    """Say whether the code of a ticket may enter, as far as can be known here.

    Ends with 0 when it is signed and not known to be revoked, 1 when it may not enter,
    2 when a file cannot be used. Whether somebody went in with it already is known
    to the check-in alone.

    Args:
        code: what the QR holds; - reads it from standard input.
        key: the public keys, as /v1/ticket-keys answered.
        revoked: what is good no longer, as /v1/events/{event}/tickets/revoked answered.
            With it a ticket of another event is not let in.
    """
    try:
        keys = _read(key, _Keys)
        listed = None if revoked is None else _read(revoked, _RevokedList)
        if listed is not None and not listed.complete:
            raise Unusable(f"{revoked} is only a part of the list: it is not complete.")
        known = _opened(keys)
        read = sys.stdin.read(CODE_BYTES_MAX).strip() if code == "-" else code
    except Unusable as error:
        sys.stderr.write(f"onsale: {plain(error)}\n")
        return UNUSABLE
    except OSError as error:
        sys.stderr.write(f"onsale: cannot read {error.filename}: {error.strerror}.\n")
        return UNUSABLE
    found = verify(read, known)
    refused = _refusal(found, listed)
    if refused is not None or isinstance(found, Unverified):
        sys.stdout.write(f"NOT valid: {refused}.\n")
        return NOT_VALID
    sys.stdout.write(f"Valid: {_told(found, keys)}.\n")
    if listed is None:
        sys.stdout.write("Whether it was revoked is not known: no --revoked given.\n")
    return OK


def _refusal(found: Claims | Unverified, listed: _RevokedList | None) -> str | None:
    """Return why a code is not to be let in; None where nothing speaks against it."""
    if isinstance(found, Unverified):
        return WORDS[found.reason]
    if listed is None:
        return None
    which = f"ticket {found.number}, generation {found.generation}"
    if found.event != event_mark(listed.event):
        return f"{which}, is of another event than {plain(listed.event)}"
    if any(
        one.number == found.number and one.generation == found.generation
        for one in listed.items
    ):
        return f"{which}, was revoked"
    return None


def _told(found: Claims, keys: _Keys) -> str:
    """Return what a code says, in words."""
    issued = (_EPOCH + timedelta(days=found.valid_from_day)).date()
    what = "seat" if found.kind == "seat" else "a place of area"
    where = "of unknown index" if found.place is None else f"index {found.place}"
    owners = {one.key: one.organisation for one in keys.keys}
    owner = owners[found.key] or "the house"
    return (
        f"ticket {found.number}, generation {found.generation}, {what} {where} in the"
        f" map of its event ({found.event}); issued on {issued}; signed with key"
        f" {found.key} of {plain(owner)}"
    )


def _opened(keys: _Keys) -> dict[str, Ed25519PublicKey]:
    """Return the keys of a file. Raises `Unusable`."""
    opened = {}
    for one in keys.keys:
        try:
            raw = urlsafe_b64decode(one.public_key + "=" * (-len(one.public_key) % 4))
            opened[one.key] = Ed25519PublicKey.from_public_bytes(raw)
        except ValueError as error:
            raise Unusable(f"The key {one.key} cannot be read.") from error
        if key_id(raw) != one.key:
            raise Unusable(f"The key {one.key} is not what it says it is.")
    if not opened:
        raise Unusable("There is no key in the file.")
    return opened


def _read(path: Path, kind: type[T]) -> T:
    with path.open("rb") as file:
        text = file.read(FILE_BYTES_MAX + 1)
    if len(text) > FILE_BYTES_MAX:
        raise Unusable(f"{path} is too long.")
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise Unusable(f"{path} is not what the server answers: {error}.") from error
