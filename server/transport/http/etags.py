"""Entity tags (RFC 9110, 8.8.3) of the answers to reads."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

DIGEST_BYTES: Final = 16
HEADER_LENGTH_MAX: Final = 4096


def of_parts(parts: Iterable[bytes]) -> str:
    """Return the strong tag of a body given in parts."""
    digest = blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        digest.update(part)
    return f'"{digest.hexdigest()}"'


def of_body(body: bytes) -> str:
    """Return the strong tag of a body."""
    return of_parts((body,))


def of_position(history_id: str, epoch: int, version: int) -> str:
    """Return the tag of whatever a committed position determines."""
    return f'"{history_id}.{epoch}.{version}"'


def weak(etag: str) -> str:
    """Return the tag for the same content in other bytes."""
    return etag if etag.startswith("W/") else f"W/{etag}"


def as_known(if_none_match: str | None, etag: str) -> str:
    """Return a tag in the form in which the client knows it: strong, or weak."""
    known = weak(etag)
    return known if if_none_match is not None and known in if_none_match else etag


def matches(if_none_match: str | None, etag: str) -> bool:
    """Return whether the client already has this tag, compared weakly as for reads."""
    if not if_none_match or len(if_none_match) > HEADER_LENGTH_MAX:
        return False
    if if_none_match.strip() == "*":
        return True
    known = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return etag in known
