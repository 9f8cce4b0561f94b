"""What the feeder reads: who came late and is in no step yet.

Taking rows is committed before they are fed: from then on their wish is the event's,
and who leaves is told to it. A feeder that dies in between leaves rows that are taken
and have no rank; the next one takes them again, with whoever came meanwhile.
"""

from typing import Final

from msgspec import Struct

from persistence.postgres.pool import Pool

STEP_ROWS_MAX: Final = 65_536
"""So many rows make one step; what is more waits for the next."""

EVENTS_MAX: Final = 1_000
# The step behind the last that is fed; what was taken and not fed goes with it.
_TAKE: Final = """
WITH last AS MATERIALIZED (
    SELECT rank, step FROM line_entry
    WHERE event_id = $1 AND draw = $2 AND rank IS NOT NULL ORDER BY rank DESC LIMIT 1
), next AS MATERIALIZED (
    SELECT greatest((SELECT rank FROM last), $3) AS rank,
        coalesce((SELECT step FROM last), 0) + 1 AS step
), late AS MATERIALIZED (
    SELECT e.entry_id FROM line_entry e
    WHERE e.event_id = $1 AND e.late AND e.rank IS NULL AND e.over_at IS NULL
        AND e.draw = $2
    ORDER BY e.joined_at, e.entry_id LIMIT $4
), taken AS (
    UPDATE line_entry e SET step = n.step
    FROM late, next n
    WHERE e.entry_id = late.entry_id AND e.rank IS NULL AND e.over_at IS NULL
    RETURNING e.joined_at, e.entry_id, e.user_id, e.stub, e.wish::text AS wish, n.step,
        n.rank AS after
)
SELECT entry_id, user_id, stub, wish, step, after,
    extract(epoch FROM clock_timestamp() - joined_at)::float8 AS age_s FROM taken
ORDER BY joined_at, entry_id
"""
_UNFED: Final = """
SELECT DISTINCT e.event_id FROM line_entry e JOIN line l USING (event_id, draw)
WHERE l.phase = 'late' AND l.order_key IS NOT NULL
    AND e.late AND e.rank IS NULL AND e.over_at IS NULL
    AND e.joined_at < clock_timestamp() - $1 * interval '1 s'
LIMIT $2
"""


class LateRow(Struct, frozen=True):
    """Somebody who came late, and the step that they are in."""

    entry_id: str
    user_id: str
    stub: bytes
    wish: str | None
    step: int
    after: int
    """The last rank that was fed before the step."""
    age_s: float
    """How long ago it joined, when it was taken."""

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return f"LateRow({self.stub.hex()}, step={self.step})"


class Feeding(Struct, frozen=True):
    """The rows that the feeder takes. Raises `Unavailable`."""

    pool: Pool

    async def take(self, event: str, draw: int, entrants: int) -> list[LateRow]:
        """Take the rows of the next step, in the order in which they joined.

        They come behind all entrants of the draw, of whom there are so many.
        """
        rows = await self.pool.fetch(_TAKE, event, draw, entrants, STEP_ROWS_MAX)
        return [LateRow(**row) for row in rows]

    async def unfed(self, older_s: float = 0.0) -> list[str]:
        """Return events with somebody who came so long ago and is in no step."""
        rows = await self.pool.fetch(_UNFED, older_s, EVENTS_MAX)
        return [row["event_id"] for row in rows]
