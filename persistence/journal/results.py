"""How long the outcomes of keyed commands are kept, and how they go.

A key has one effect, and once accepted one answer, for as long as anybody may ask with
it again: until `KEPT_DAYS` after the event is over, which is longer than any hold and
any retry lives. Then the rows go, a bounded number in each statement.
"""

from collections.abc import AsyncIterator
from typing import Final

from persistence.postgres.pool import Pool

KEPT_DAYS: Final = 30
"""After an event's end. The contract promises 24 hours, and this to the system's own
keys; nobody is told apart here."""

EVENTS_MAX: Final = 200
"""How many events with outcomes are looked at in one statement."""

ROWS_MAX: Final = 5_000
"""How many outcomes go in one statement: some milliseconds."""

# From event to event along the primary key, whatever each of them has of rows.
_NEXT = """
WITH RECURSIVE named (event_id, number) AS (
    SELECT (SELECT min(r.event_id) FROM command_result r WHERE r.event_id > $1), 1
    UNION ALL
    SELECT (SELECT min(r.event_id) FROM command_result r WHERE r.event_id > n.event_id),
        n.number + 1
    FROM named n WHERE n.event_id IS NOT NULL AND n.number < $2
)
SELECT n.event_id, coalesce(
    coalesce(
        (e.settings ->> 'completes_at_ms')::bigint,
        (e.settings ->> 'ends_at_ms')::bigint,
        (e.settings ->> 'starts_at_ms')::bigint + 86400000)
    < clock_ms() - $3 * 86400000::bigint, false) AS spent
FROM named n LEFT JOIN event e USING (event_id)
WHERE n.event_id IS NOT NULL ORDER BY n.number
"""
# Two processes at it at once take different rows.
_TRIM = """
WITH gone AS (
    DELETE FROM command_result WHERE ctid IN (
        SELECT ctid FROM command_result WHERE event_id = $1 LIMIT $2
        FOR UPDATE SKIP LOCKED)
    RETURNING 1
)
SELECT count(*) AS gone FROM gone
"""


class Results:
    """The stored outcomes of keyed commands, as what grows."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def trim(self) -> AsyncIterator[int]:
        """Remove what is spent; after each statement yield how many rows went.

        Raises `Unavailable`; what is left then is found again.
        """
        async for event in self._spent():
            gone = ROWS_MAX
            while gone == ROWS_MAX:
                row = await self._pool.fetch_one(_TRIM, event, ROWS_MAX)
                gone = 0 if row is None else row["gone"]
                yield gone

    async def _spent(self) -> AsyncIterator[str]:
        """Yield the events whose outcomes nobody may ask for any more."""
        after, found = "", EVENTS_MAX
        while found == EVENTS_MAX:
            rows = await self._pool.fetch(_NEXT, after, EVENTS_MAX, KEPT_DAYS)
            found = len(rows)
            for row in rows:
                after = row["event_id"]
                if row["spent"]:
                    yield after
