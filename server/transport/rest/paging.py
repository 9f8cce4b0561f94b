"""Pages of a list: the limit, and the opaque cursor to the next one.

A cursor holds the position after the last item as MessagePack in URL-safe base64. It is
no secret and grants nothing; it is opaque so that its content may change.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Generic, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from server.transport.http.problems import bad_field
from server.transport.rest.query import bool_of

LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 200
CURSOR_LENGTH_MAX: Final = 512

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True):
    """A page of a list."""

    items: list[T]
    next_cursor: str | None
    total: int | UnsetType = UNSET
    """How many items all pages have together, where `count` asked for it."""


def read_limit(query: Mapping[str, str]) -> int:
    """Return the page size that was asked for."""
    text = query.get("limit")
    if text is None:
        return LIMIT_DEFAULT
    number = read_number("limit", text, least=1)
    if number > LIMIT_MAX:
        raise bad_field("limit", f"At most {LIMIT_MAX}.")
    return number


def read_number(field: str, text: str, least: int = 0) -> int:
    """Return a whole number from a query."""
    # Not int(), which takes signs, blanks, underscores and the digits of any script.
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise bad_field(field, "Not a whole number.")
    number = int(text)
    if number < least:
        raise bad_field(field, f"At least {least}.")
    return number


async def total_of(
    query: Mapping[str, str], count: Callable[[], Awaitable[int]]
) -> int | UnsetType:
    """Return how many items all pages have together, where the query asks for it."""
    return await count() if bool_of(query, "count") else UNSET


def write_cursor(position: object) -> str:
    """Return the cursor for a position."""
    packed = msgspec.msgpack.encode(position)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")


def read_cursor(query: Mapping[str, str], position_type: type[T]) -> T | None:
    """Return the position of the query's cursor; None where there is none."""
    text = query.get("cursor")
    if text is None:
        return None
    try:
        if len(text) > CURSOR_LENGTH_MAX:
            raise ValueError("too long")
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        packed = base64.b64decode(padded, altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(packed, type=position_type)
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise bad_field("cursor", "Not a cursor of this list.") from error


def page_of(
    items: list[T],
    next_position: object | None,
    total: int | UnsetType = UNSET,
) -> Page[T]:
    """Return a page; `next_position` is None after the last item."""
    cursor = None if next_position is None else write_cursor(next_position)
    return Page(items, cursor, total)
