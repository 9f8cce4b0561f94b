"""Which event has an exclusive venue when: no two at the same time.

What an event is set to changes with its journal, whose commit must not fail for want of
a place. So the time is taken here first, in a table of its own that Postgres keeps free
of overlaps, and what turns out not to be needed is given back after the commit. Whoever
dies in between leaves an event with too much time, never two events with the same. Of
several who move an event at once the last one settles: until then none knows the end.

Times of events that were cancelled or deleted, and what was left over, are given back
when somebody else wants them.
"""

from msgspec import Struct, json

from inventory.settings import Settings
from persistence.postgres.pool import ExclusionViolation, Pool, Row

_TAKE = """
UPDATE venue_time SET during = during + event_period($2::jsonb),
    taken_at = clock_timestamp(), takers = takers + 1
WHERE event_id = $1 RETURNING event_id
"""
_LEAVE = """
UPDATE venue_time SET takers = greatest(takers - 1, 0)
WHERE event_id = $1 RETURNING takers, taken_at
"""
# A statement of its own, which sees what those who left before had committed.
_SETTLE = """
UPDATE venue_time t SET during = event_period(e.settings)
FROM event e WHERE e.event_id = t.event_id AND t.event_id = $1 AND t.taken_at = $2
    AND t.takers = 0
"""
_FREE = """
DELETE FROM venue_time t USING event e
WHERE t.venue_id = $1 AND e.event_id = t.event_id
    AND (e.deleted_at IS NOT NULL OR e.status = 'cancelled')
"""
# Longer ago than any move takes; what was left by one that was given up.
_SETTLE_OLD = """
UPDATE venue_time t SET during = event_period(e.settings), takers = 0
FROM event e WHERE e.event_id = t.event_id AND t.venue_id = $1
    AND t.during <> event_period(e.settings)
    AND t.taken_at < clock_timestamp() - interval '1 minute'
"""
_OTHER = """
SELECT event_id FROM venue_time
WHERE event_id <> $1 AND venue_id = $2 AND during && event_period($3::jsonb)
ORDER BY during LIMIT 1
"""
_VENUE_OF = "SELECT venue_id FROM venue_time WHERE event_id = $1"


class VenueTaken(Exception):
    """Another event has the venue at that time: `event`, where it still has."""

    def __init__(self, event: str | None) -> None:
        super().__init__(event)
        self.event = event


Place = tuple[str, str | None, str]
"""An event, its venue, and the settings that it is to have, as JSON."""


class TakenTime(Struct, frozen=True):
    """More time for an event, until it is settled."""

    event: str


class VenueTimes:
    """Takes and gives back the times of venues. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def take(self, event: str, settings: Settings) -> TakenTime | None:
        """Take the time that an event would need, beside what it has.

        None where its venue is not exclusive. Raises `VenueTaken`.
        """
        rows = await self._pool.fetch(_VENUE_OF, event)
        if not rows:
            return None
        wanted = json.encode(settings).decode()
        place = (event, rows[0]["venue_id"], wanted)
        taken = await self.taking(place, _TAKE, event, wanted)
        return TakenTime(event) if taken else None

    async def settle(self, taken: TakenTime) -> None:
        """Leave an event the time that it is set to, unless others still move it."""
        left = await self._pool.fetch(_LEAVE, taken.event)
        if left and left[0]["takers"] == 0:
            await self._pool.fetch(_SETTLE, taken.event, left[0]["taken_at"])

    async def taking(self, place: Place, sql: str, *args: object) -> list[Row]:
        """Run a statement that takes time in a venue; raises `VenueTaken`."""
        _, venue, _ = place
        try:
            return await self._pool.fetch(sql, *args)
        except ExclusionViolation:
            # Only now, because hardly ever is anything left over.
            await self._pool.fetch(_FREE, venue)
        try:
            await self._pool.fetch(_SETTLE_OLD, venue)
            return await self._pool.fetch(sql, *args)
        except ExclusionViolation as error:
            others = await self._pool.fetch(_OTHER, *place)
            raise VenueTaken(others[0]["event_id"] if others else None) from error
