"""Codes of promotions: how they are made, read as people type them, and hashed."""

import hmac
from hashlib import blake2b
from typing import Final

import msgspec

LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""None that is taken for another one."""

CODE_LENGTH: Final = 10
"""50 bits: with ten guesses a minute nobody finds one of 100,000 in 10 centuries."""


ID_BYTES: Final = 10
"""Of a hash, in the name of a code: no two of an event have the same."""


def plain(code: str) -> str:
    """Return a code as all ways to type it come to: capitals, no blanks or hyphens."""
    return "".join(code.upper().split()).replace("-", "")


def hash_of(seed: bytes, event: str, code: str) -> bytes:
    """Return the hash under which an event has a code, however that is typed."""
    return hmac.digest(seed, f"code\n{event}\n{plain(code)}".encode(), "sha256")


def hash_of_address(seed: bytes, address: str) -> bytes:
    """Return the hash by which one who buys is told from others; of its normal form."""
    return hmac.digest(seed, f"address\n{address}".encode(), "sha256")


def id_of(code: bytes) -> str:
    """Return what a code is called that nobody can read any more; of its hash."""
    return f"cod_{code[:ID_BYTES].hex()}"


def codes_of(seed: bytes, asked: list[str], count: int) -> list[str]:
    """Return so many new codes, which follow from what was asked for, and how.

    So a request that comes again under its key gets the same ones, and nobody has to
    store what is only shown once. `asked` has something random where there is no key.
    """
    secret = hmac.digest(seed, msgspec.msgpack.encode(["codes", *asked]), "sha256")
    return [_code(secret, number) for number in range(count)]


def _code(secret: bytes, number: int) -> str:
    digest = blake2b(number.to_bytes(8), key=secret, digest_size=CODE_LENGTH).digest()
    return "".join(LETTERS[byte % len(LETTERS)] for byte in digest)
