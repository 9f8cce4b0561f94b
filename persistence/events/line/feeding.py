"""What the feeder reads: who came late and is in no step yet.

Taking rows is committed before they are fed: from then on their wish is the event's,
and who leaves is told to it. A feeder that dies in between leaves rows that are taken
and have no rank; the next one takes them again, with whoever came meanwhile.
"""

from typing import Any, Final

from msgspec import Struct

from persistence.postgres.pool import Pool

STEP_ROWS_MAX: Final = 65_536
"""So many rows make one step; what is more waits for the next."""

EVENTS_MAX: Final = 1_000

_TAKE: Final = """
WITH step AS MATERIALIZED (
    SELECT e.entry_id FROM line_entry e
    WHERE e.event_id = $1 AND e.late AND e.rank IS NULL AND e.over_at IS NULL
        AND e.draw = $2
    ORDER BY e.joined_at, e.entry_id LIMIT $3
)
UPDATE line_entry e SET taken = true
FROM step WHERE e.entry_id = step.entry_id
    AND e.rank IS NULL AND e.over_at IS NULL
RETURNING e.entry_id, e.user_id, e.stub, e.wish::text AS wish
"""
_UNFED: Final = """
SELECT DISTINCT e.event_id FROM line_entry e
WHERE e.late AND e.rank IS NULL AND e.over_at IS NULL
    AND e.joined_at < clock_timestamp() - $1 * interval '1 s'
LIMIT $2
"""
_LAST: Final = """
SELECT coalesce(max(rank), 0) AS last FROM line_entry
WHERE event_id = $1 AND draw = $2 AND rank IS NOT NULL
"""


class LateRow(Struct, frozen=True):
    """Somebody who came late."""

    entry_id: str
    user_id: str
    stub: bytes
    wish: str | None


class Feeding(Struct, frozen=True):
    """The rows that the feeder takes. Raises `Unavailable`."""

    pool: Pool

    async def take(self, event: str, draw: int) -> list[LateRow]:
        """Take the rows of the next step, in no particular order."""
        rows = await self.pool.fetch(_TAKE, event, draw, STEP_ROWS_MAX)
        return [LateRow(**row) for row in rows]

    async def last_rank(self, event: str, draw: int) -> int:
        """Return the highest rank that a row has; 0 where none has one."""
        row: Any = await self.pool.fetch_one(_LAST, event, draw)
        return int(row["last"])

    async def unfed(self, older_s: float = 0.0) -> list[str]:
        """Return events with somebody who came so long ago and is in no step."""
        rows = await self.pool.fetch(_UNFED, older_s, EVENTS_MAX)
        return [row["event_id"] for row in rows]
