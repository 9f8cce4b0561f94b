"""`onsale verify`: whether a receipt, or a transcript of a line, can be believed.

It needs no server, no database and no network.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec
from cyclopts import Parameter

from server.base import limits
from server.base.log import plain
from server.events.audit.receipts import (
    Forged,
    NotAReceipt,
    PublicKey,
    check,
    read_public_key,
    read_receipt,
)
from server.events.line.beacon.relays import RoundAnswer
from server.events.line.place_token import is_place
from server.events.line.transcript.records import FORMAT
from server.events.line.verify import checker
from server.events.line.verify.holder import is_asked
from server.events.line.verify.options import Options, Witness
from server.events.line.verify.report import Broken
from server.events.line.verify.source import Source

OK: Final = 0
UNPROVEN: Final = 1
UNUSABLE: Final = 2

SMALL_BYTES_MAX: Final = 64 << 10
"""What a key, a place, a relay's answer or a witness never is longer than."""

T = TypeVar("T")
Flag = Annotated[bool, Parameter(negative=())]


class Unusable(Exception):
    """What was given beside the file cannot be used; the message says why."""


class _First(msgspec.Struct):
    """What tells a transcript from a receipt: its first line says so."""

    type: str
    format: str


def verify(
    receipt: Annotated[str, Parameter(allow_leading_hyphen=True)],
    *,
    key: str | None = None,
    place: str | None = None,
    beacon: Path | None = None,
    chain: str | None = None,
    witness: Path | None = None,
    strict: Flag = False,
) -> int:
    """Check a receipt of an audit, or the transcript of a line.

    A receipt, which `audit --json` or the server gave: ends with 0 when its signature
    holds and it says that all agrees, 1 when not, 2 when there is none to check.

    A transcript, which the server gave: prints a line for each check and the verdict.
    Ends with 0 when it is whole, 1 when it is broken, 2 when there is nothing to check:
    it is none, or the line is not drawn, or not all of it is there yet.

    Args:
        receipt: the file with either, a transcript packed or not; - reads it from
            standard input.
        key: the server's public key, from /v1/receipt-key: a file, or its digits.
        place: whose place in the line to look for: a place as the server gave it, or a
            file with one, the id of an entry, or its stub.
        beacon: what a relay answered for the round of the draw, where the library that
            checks it is missing.
        chain: a beacon to believe beside drand's quicknet, by its hash.
        witness: what a page was told when the list was fixed, as it kept it.
        strict: end with 1, too, where something is weak or was not checked.
    """
    try:
        with _opened(receipt) as file:
            source = Source(file)
            if not _is_transcript(source.first):
                return _verify_receipt(source.whole(limits.RECEIPT_BYTES_MAX), key)
            options = _options(key, place, beacon, chain, witness)
            report = checker.check(source.lines(), options)
    except (Unusable, NotAReceipt, Broken) as error:
        sys.stderr.write(f"onsale: {plain(error)}\n")
        return UNUSABLE
    except OSError as error:
        sys.stderr.write(f"onsale: cannot read {error.filename}: {error.strerror}.\n")
        return UNUSABLE
    for line in report.lines():
        sys.stdout.write(f"{plain(line)}\n")
    return report.status(strict=strict)


def _verify_receipt(text: bytes, key: str | None) -> int:
    """Check a receipt. Raises `NotAReceipt`."""
    if len(text) > limits.RECEIPT_BYTES_MAX:
        raise NotAReceipt("This is too long for a receipt, and no transcript.")
    expected = None if key is None else _read_key(key)
    try:
        found, signer = check(read_receipt(text), expected)
    except Forged as error:
        sys.stdout.write(f"Signature BAD: {plain(error)}\n")
        return UNPROVEN
    whose = "the given key" if expected else "the key that it names (no --key given)"
    agree = "agreed" if found.ok else "DIFFERED"
    sys.stdout.write(
        f"Signature ok: signed under {whose}, {plain(signer.key_id)}; at version"
        f" {found.version:,} of event {plain(found.event)}, journal and tables"
        f" {agree}.\n"
    )
    return OK if found.ok else UNPROVEN


def _is_transcript(line: bytes) -> bool:
    """Return whether a first line is that of a transcript, however it is spelled."""
    try:
        first = msgspec.json.decode(line, type=_First)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return (first.type, first.format) == ("head", FORMAT)


def _options(
    key: str | None,
    place: str | None,
    beacon: Path | None,
    chain: str | None,
    witness: Path | None,
) -> Options:
    """Return what is known beside a transcript. Raises `Unusable`, `NotAReceipt`."""
    return Options(
        key=None if key is None else _read_key(key),
        place=None if place is None else _read_place(place),
        beacon=None if beacon is None else _read_as(beacon, RoundAnswer),
        chain=None if chain is None else chain.lower(),
        witness=None if witness is None else _read_as(witness, Witness),
    )


def _read_key(key: str) -> PublicKey:
    path = Path(key)
    text = _read(path).decode("utf-8", "replace") if _is_file(path) else key
    return read_public_key(text)


def _read_place(place: str) -> str:
    """Return a place, an id or a stub, out of a file where it is one's name."""
    path = Path(place)
    text = _read(path).decode("utf-8", "replace").strip() if _is_file(path) else place
    if not is_place(text) and not is_asked(text):
        raise Unusable("That is no place, no id of an entry and no stub, nor a file.")
    return text


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False  # A place is too long for the name of a file.


def _read_as(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(_read(path), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unusable(f"{path} is not what it should be: {error}.") from error


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        text = file.read(SMALL_BYTES_MAX + 1)
    if len(text) > SMALL_BYTES_MAX:
        raise Unusable(f"{path} is too long.")
    return text


@contextmanager
def _opened(name: str) -> Iterator[BufferedReader]:
    own = sys.stdin.fileno() if name == "-" else Path(name)
    with open(own, "rb", closefd=name != "-") as file:
        yield file
