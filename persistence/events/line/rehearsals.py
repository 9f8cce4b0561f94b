"""Rehearsals of sales: what was asked, how far it is, and the report of what came."""

from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct

from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool

Status = Literal["running", "done", "failed"]

KEPT_MAX: Final = 20
"""Of one event; the oldest go first."""

LOST_S: Final = 180
"""What runs for longer runs no more: its process died."""

_FIELDS: Final = f"""
rehearsal_id, event_id, asked::text AS asked, report::text AS report, made_at, over_at,
    CASE WHEN status = 'running'
        AND made_at < clock_timestamp() - {LOST_S} * interval '1 s'
    THEN 'failed' ELSE status END AS status
"""
_BEGIN: Final = f"""
WITH old AS (
    DELETE FROM rehearsal WHERE rehearsal_id IN (
        SELECT rehearsal_id FROM rehearsal WHERE event_id = $2
        ORDER BY made_at DESC, rehearsal_id DESC OFFSET {KEPT_MAX - 1}
    )
)
INSERT INTO rehearsal (rehearsal_id, event_id, asked, made_by, status)
VALUES ($1, $2, $3::text::jsonb, $4, 'running')
RETURNING {_FIELDS}
"""
_END: Final = """
UPDATE rehearsal SET status = $2, report = $3::text::jsonb, over_at = clock_timestamp()
WHERE rehearsal_id = $1 AND status = 'running'
"""
_FIND: Final = f"""
SELECT {_FIELDS} FROM rehearsal WHERE event_id = $1 AND rehearsal_id = $2
"""
_LIST: Final = f"""
SELECT {_FIELDS} FROM rehearsal WHERE event_id = $1
    AND ($3::timestamptz IS NULL OR (made_at, rehearsal_id) < ($3, $4))
ORDER BY made_at DESC, rehearsal_id DESC LIMIT $2
"""
_FORGET: Final = """
DELETE FROM rehearsal WHERE event_id = $1 AND rehearsal_id = $2 RETURNING rehearsal_id
"""
_LEARNT: Final = """
SELECT (report -> 'learnt')::text AS learnt FROM rehearsal
WHERE event_id = $1 AND status = 'done' ORDER BY made_at DESC, rehearsal_id DESC LIMIT 1
"""


class Rehearsal(Struct, frozen=True):
    """One rehearsal; `asked` and `report` are JSON, as whoever made them wrote it."""

    rehearsal_id: str
    event_id: str
    asked: str
    report: str | None
    made_at: datetime
    over_at: datetime | None
    status: Status


class Rehearsals(Struct, frozen=True):
    """The rehearsals of events. Raises `Unavailable`."""

    pool: Pool

    async def begin(
        self, rehearsal: str, event: str, asked: str, made_by: str
    ) -> Rehearsal:
        """Write down that one runs; the oldest of the event are forgotten."""
        row = await self.pool.fetch_one(_BEGIN, rehearsal, event, asked, made_by)
        assert row is not None
        return _rehearsal_of(row)

    async def end(self, rehearsal: str, report: str | None) -> None:
        """Write down what came of one that runs; without a report it failed."""
        status = "failed" if report is None else "done"
        await self.pool.fetch(_END, rehearsal, status, report)

    async def find(self, event: str, rehearsal: str) -> Rehearsal | None:
        """Return a rehearsal of an event."""
        row = await self.pool.fetch_one(_FIND, event, rehearsal)
        return None if row is None else _rehearsal_of(row)

    async def list_of(
        self, event: str, *, limit: int, cursor: str | None
    ) -> tuple[list[Rehearsal], str | None]:
        """Return a page of an event's rehearsals, the newest first.

        Raises `BadCursor`.
        """
        at, last = decode_cursor(cursor)
        rows = await self.pool.fetch(_LIST, event, fetched(limit), at, last)
        found = [_rehearsal_of(row) for row in rows]
        return page(found, limit, lambda one: (one.made_at, one.rehearsal_id))

    async def count_of(self, event: str) -> int:
        """Return how many rehearsals of an event are kept."""
        return await self.pool.count(_LIST, event, None, None, None)

    async def forget(self, event: str, rehearsal: str) -> bool:
        """Forget a rehearsal; return whether there was one."""
        return await self.pool.fetch_one(_FORGET, event, rehearsal) is not None

    async def learnt(self, event: str) -> str | None:
        """Return what the last rehearsal of an event found out, as JSON."""
        row = await self.pool.fetch_one(_LEARNT, event)
        return None if row is None else row["learnt"]


def _rehearsal_of(row: Any) -> Rehearsal:
    return Rehearsal(**row)
