"""Opaque positions in a list that is ordered by a time and an id."""

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from persistence import limits
from persistence.errors import BadCursor

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_T = TypeVar("_T")

_decode = msgspec.msgpack.Decoder(tuple[int, str]).decode


def encode_cursor(time: datetime, row_id: str) -> str:
    """Return the position after the row with this time and id."""
    position = ((time - _EPOCH) // _MICROSECOND, row_id)
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(position)).decode()


def decode_cursor(cursor: str | None) -> tuple[datetime, str] | tuple[None, None]:
    """Return the position; raises `BadCursor` for what we never handed out."""
    if cursor is None:
        return None, None
    try:
        raw = base64.b64decode(cursor.encode("ascii"), b"-_", validate=True)
        microseconds, row_id = _decode(raw)
        if "\0" in row_id:
            raise BadCursor("not a cursor of this list")
        return _EPOCH + microseconds * _MICROSECOND, row_id
    except (binascii.Error, msgspec.MsgspecError, OverflowError, UnicodeError) as error:
        raise BadCursor("not a cursor of this list") from error


def fetched(limit: int) -> int:
    """Return how many rows to fetch: one more than the page tells of another page."""
    return min(limit, limits.PAGE_MAX) + 1


def page(
    rows: list[_T], limit: int, position: Callable[[_T], tuple[datetime, str]]
) -> tuple[list[_T], str | None]:
    """Return the page of what was `fetched`, and the cursor of the next one."""
    size = min(limit, limits.PAGE_MAX)
    if len(rows) <= size:
        return rows, None
    return rows[:size], encode_cursor(*position(rows[size - 1]))
