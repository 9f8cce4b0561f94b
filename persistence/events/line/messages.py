"""What was said to those who wait in a line; kept for those who come later."""

from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool

KEPT_MAX: Final = 100
"""Of one event, beside the newest; the oldest go first."""

_FIELDS: Final = """
message_id, event_id, text, texts::text AS texts, said_at, request_hash
"""
_SAY: Final = f"""
WITH old AS (
    DELETE FROM line_message WHERE message_id IN (
        SELECT message_id FROM line_message WHERE event_id = $2
        ORDER BY said_at DESC, message_id DESC OFFSET {KEPT_MAX}
    )
)
INSERT INTO line_message (message_id, event_id, text, texts, request_hash, made_by)
VALUES ($1, $2, $3, $4::text::jsonb, $5, $6)
ON CONFLICT (message_id) DO NOTHING
"""
_FIND: Final = f"""
SELECT {_FIELDS} FROM line_message WHERE event_id = $1 AND message_id = $2
"""
_LIST: Final = f"""
SELECT {_FIELDS} FROM line_message WHERE event_id = $1
    AND ($3::timestamptz IS NULL OR (said_at, message_id) < ($3, $4))
ORDER BY said_at DESC, message_id DESC LIMIT $2
"""


class LineMessage(Struct, frozen=True):
    """Something that was said; `texts` is the same by language."""

    message_id: str
    event_id: str
    text: str
    texts: dict[str, str]
    said_at: datetime
    request_hash: bytes


class Messages(Struct, frozen=True):
    """What was said in the lines of events. Raises `Unavailable`."""

    pool: Pool

    async def say(
        self,
        message: str,
        event: str,
        text: str,
        texts: dict[str, str],
        request_hash: bytes,
        made_by: str,
    ) -> LineMessage:
        """Keep what is said, or return what was said by that id before."""
        other = msgspec.json.encode(texts).decode()
        values = message, event, text, other, request_hash, made_by
        await self.pool.fetch(_SAY, *values)
        found = await self.find(event, message)
        assert found is not None
        return found

    async def find(self, event: str, message: str) -> LineMessage | None:
        """Return one thing that was said."""
        row = await self.pool.fetch_one(_FIND, event, message)
        return None if row is None else _message_of(row)

    async def list_of(
        self, event: str, *, limit: int, cursor: str | None
    ) -> tuple[list[LineMessage], str | None]:
        """Return a page of what was said, the newest first. Raises `BadCursor`."""
        at, last = decode_cursor(cursor)
        rows = await self.pool.fetch(_LIST, event, fetched(limit), at, last)
        found = [_message_of(row) for row in rows]
        return page(found, limit, lambda one: (one.said_at, one.message_id))

    async def count_of(self, event: str) -> int:
        """Return how much of what was said is kept."""
        return await self.pool.count(_LIST, event, None, None, None)


def _message_of(row: Any) -> LineMessage:
    values = dict(row)
    values["texts"] = msgspec.json.decode(values["texts"])
    return LineMessage(**values)
