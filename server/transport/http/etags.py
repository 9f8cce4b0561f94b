"""Entity tags (RFC 9110, 8.8.3) of the answers to reads: `"REVISION-DIGEST"`.

The digest is of the body. The revision counts the changes of what clients may edit, and
of nothing else: what is sold moves the digest of an event and not its revision. So who
edits what it read says `If-Match` with the tag, and is refused where somebody else
edited it meanwhile, but not where somebody bought a seat.
"""

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

DIGEST_BYTES: Final = 16
HEADER_LENGTH_MAX: Final = 4096

# Eighteen digits are a bigint for sure.
_TAG: Final = re.compile(r'(?:W/)?"([0-9]{1,18})-[!#-~]*"')


def of_parts(parts: Iterable[bytes], revision: int = 0) -> str:
    """Return the strong tag of a body given in parts."""
    digest = blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        digest.update(part)
    return f'"{revision}-{digest.hexdigest()}"'


def of_body(body: bytes, revision: int = 0) -> str:
    """Return the strong tag of a body."""
    return of_parts((body,), revision)


def of_position(history_id: str, epoch: int, version: int) -> str:
    """Return the tag of whatever a committed position determines, and nobody edits."""
    return f'"0-{history_id}.{epoch}.{version}"'


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


def revisions_of(if_match: str | None) -> tuple[int, ...] | None:
    """Return the revisions that an `If-Match` names; None where any will do.

    A tag that is none of ours names no revision, so it is that of nothing.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    if len(if_match) > HEADER_LENGTH_MAX:
        return ()
    tags = (_TAG.fullmatch(tag.strip()) for tag in if_match.split(","))
    return tuple({int(found[1]) for found in tags if found is not None})
