"""The code of a ticket: what its QR holds, and a gate checks without a server.

A MessagePack array of version, event, number, generation, kind, place, valid from and
key, and an Ed25519 signature over it, in base32: letters and digits alone, which a QR
packs tightly. It is opaque: no name of anybody is in it. Pure, but for the keys.
"""

import re
from base64 import b32encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Final, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from msgspec import Meta, Struct

VERSION: Final = 1
SIGNATURE_BYTES: Final = 64
CODE_LENGTH_MAX: Final = 160
"""Characters of a code; what is longer is not read."""

LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""What ticket numbers are written with: nothing that is read as something else."""

NUMBER_LENGTH: Final = 10
GENERATION_MAX: Final = 255
"""How often a ticket is issued, first and again: one byte, so that codes stay short."""

MARK_LENGTH: Final = 16
"""What stands for an event in a code: hexadecimal digits."""

KEY_LENGTH: Final = 8
"""A key's id: hexadecimal digits."""

Reason = Literal["malformed", "unknown_key", "bad_signature"]
"""Why a code is none: it does not look like one, no key here has the id that it names,
or it was not signed with that key."""

Kind = Literal["seat", "place"]
_KINDS: Final[tuple[Kind, Kind]] = ("seat", "place")
_DIGITS: Final = {letter: value for value, letter in enumerate(LETTERS)}
_BITS: Final = 5
_CODE: Final = re.compile(f"[A-Z2-7]{{1,{CODE_LENGTH_MAX}}}")
_TO_DIGITS: Final = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghijklmnopqrstuv"
)


class Claims(Struct, frozen=True):
    """What the code of a ticket says."""

    event: str
    """Hexadecimal digits of `event_mark`: 8 bytes of a hash of the event's id."""
    number: str
    generation: int
    kind: Kind
    place: int | None
    """Index of the seat, or of the area, in the map of the event."""
    valid_from_day: int
    """The day that this generation was issued on, in UTC, counted from 1970-01-01."""
    key: str
    """Id of the key that signed it."""


class Unverified(Struct, frozen=True):
    """A code that nobody should believe."""

    reason: Reason


class _Packed(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The claims as they are signed."""

    version: Literal[1]
    event: Annotated[int, Meta(ge=0)]
    number: Annotated[int, Meta(ge=0, lt=1 << _BITS * NUMBER_LENGTH)]
    generation: Annotated[int, Meta(ge=1, le=GENERATION_MAX)]
    kind: Annotated[int, Meta(ge=0, le=1)]
    place: Annotated[int, Meta(ge=0, lt=1 << 31)] | None
    valid_from_day: Annotated[int, Meta(ge=0, lt=1 << 16)]
    key: Annotated[int, Meta(ge=0, lt=1 << 4 * KEY_LENGTH)]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode


def event_mark(event: str) -> str:
    """Return what stands for an event in codes: hexadecimal digits of its id's hash."""
    return sha256(event.encode()).hexdigest()[:MARK_LENGTH]


def key_id(public: bytes) -> str:
    """Return the id of a key, which follows from its public half."""
    return sha256(public).hexdigest()[:KEY_LENGTH]


def sign(claims: Claims, private: Ed25519PrivateKey) -> str:
    """Return the code of a ticket. `claims.key` has to be the id of this key."""
    number = 0
    for letter in claims.number:
        number = number << _BITS | _DIGITS[letter]
    packed = _encode(
        _Packed(
            VERSION,
            int(claims.event, 16),
            number,
            claims.generation,
            _KINDS.index(claims.kind),
            claims.place,
            claims.valid_from_day,
            int(claims.key, 16),
        )
    )
    return b32encode(packed + private.sign(packed)).rstrip(b"=").decode("ascii")


def verify(code: str, keys: Mapping[str, Ed25519PublicKey]) -> Claims | Unverified:
    """Return what a code says, or why it is not to be believed.

    `keys` are those that are known, by id. Whether it was revoked, the code does not
    know: look for its number and generation in the list of what was.
    """
    claims = _read(code)
    if claims is None:
        return Unverified("malformed")
    read, signed, signature = claims
    public = keys.get(read.key)
    if public is None:
        return Unverified("unknown_key")
    try:
        public.verify(signature, signed)
    except InvalidSignature:
        return Unverified("bad_signature")
    return read


def _read(code: str) -> tuple[Claims, bytes, bytes] | None:
    """Return the claims of a code, what is signed and the signature."""
    data = _data_of(code)
    if data is None:
        return None
    signed, signature = data[:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:]
    try:
        packed = _decode(signed)
    except msgspec.DecodeError:
        return None
    claims = Claims(
        event=f"{packed.event:0{MARK_LENGTH}x}",
        number=_lettered(packed.number),
        generation=packed.generation,
        kind=_KINDS[packed.kind],
        place=packed.place,
        valid_from_day=packed.valid_from_day,
        key=f"{packed.key:0{KEY_LENGTH}x}",
    )
    return claims, signed, signature


def _data_of(code: str) -> bytes | None:
    """Return the bytes of a code; None for what is no base32 in its one spelling.

    As one number: `b32decode` takes longer than all the rest beside the signature.
    """
    if _CODE.fullmatch(code) is None:
        return None
    spare = _BITS * len(code) % 8
    value = int(code.translate(_TO_DIGITS), 1 << _BITS)
    if spare >= _BITS or value & (1 << spare) - 1:
        return None
    return (value >> spare).to_bytes(_BITS * len(code) // 8)


def _lettered(number: int) -> str:
    return "".join(
        LETTERS[number >> _BITS * place & 31]
        for place in reversed(range(NUMBER_LENGTH))
    )
