"""Which event has an exclusive venue when: no two at the same time.

What an event is set to changes with its journal, whose commit must not fail for want of
a place. So the time is taken here first, in a table of its own that Postgres keeps free
of overlaps, and what turns out not to be needed is given back after the commit. Whoever
dies in between leaves an event with too much time, never two events with the same. Of
several who move an event at once the last one settles: until then none knows the end.

A draft has no time: it is taken when the event is published. Times of events that were
cancelled or deleted, and what was left over, are given back when somebody else wants
them.
"""

from msgspec import Struct, json

from inventory.settings import Settings
from persistence.postgres.pool import ExclusionViolation, Pool, Row

_TAKE = """
UPDATE venue_time SET during = during + event_period($2::jsonb),
    taken_at = clock_timestamp(), takers = takers + 1
WHERE event_id = $1 RETURNING event_id
"""
# Whether it is exclusive cannot change before the time is there.
_TAKE_FIRST = """
WITH hall AS MATERIALIZED (
    SELECT v.venue_id FROM venue v JOIN event e USING (venue_id)
    WHERE e.event_id = $1 AND v.exclusive FOR SHARE OF v
)
INSERT INTO venue_time AS t (event_id, venue_id, during, takers)
SELECT $1, venue_id, event_period($2::jsonb), 1 FROM hall
ON CONFLICT (event_id) DO UPDATE SET during = t.during + excluded.during,
    taken_at = clock_timestamp(), takers = t.takers + 1
RETURNING event_id
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
_DROP = """
DELETE FROM venue_time t USING event e
WHERE e.event_id = t.event_id AND t.event_id = $1 AND t.taken_at = $2
    AND t.takers = 0 AND e.status = 'draft'
"""
# A draft that was about to be published longer ago than that takes will not be.
_FREE = """
DELETE FROM venue_time t USING event e
WHERE t.venue_id = $1 AND e.event_id = t.event_id
    AND (e.deleted_at IS NOT NULL OR e.status = 'cancelled' OR (e.status = 'draft'
        AND t.taken_at < clock_timestamp() - interval '1 minute'))
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
_PLACE = """
SELECT e.status, e.settings::text AS settings, e.organisation_id AS event_organisation,
    t.event_id IS NOT NULL AS has_time,
    v.venue_id, v.exclusive, v.organisation_id, v.created_by, v.planners,
    v.deleted_at IS NOT NULL AS deleted
FROM event e JOIN venue v USING (venue_id) LEFT JOIN venue_time t USING (event_id)
WHERE e.event_id = $1
"""

_settings = json.Decoder(Settings).decode


class VenueTaken(Exception):
    """Another event has the venue at that time: `event`, where it still has."""

    def __init__(self, event: str | None) -> None:
        super().__init__(event)
        self.event = event


class TakenTime(Struct, frozen=True):
    """More time for an event, until it is settled."""

    event: str


class Hall(Struct, frozen=True):
    """Whose a venue is, and which organisations may plan there beside its own."""

    organisation: str | None
    created_by: str
    planners: list[str]


class PlannedPlace(Struct, frozen=True):
    """Where and when an event is planned, as committed, and whose venue that is."""

    event: str
    is_draft: bool
    settings: Settings
    organisation: str | None
    venue: str
    exclusive: bool
    hall: Hall
    venue_deleted: bool
    has_time: bool
    """Whether the event has time in the venue."""


class VenueTimes:
    """Takes and gives back the times of venues. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def place_of(self, event: str) -> PlannedPlace | None:
        """Return where an event is planned; None for one that is not there."""
        row = await self._pool.fetch_one(_PLACE, event)
        if row is None:
            return None
        return PlannedPlace(
            event=event,
            is_draft=row["status"] == "draft",
            settings=_settings(row["settings"]),
            organisation=row["event_organisation"],
            venue=row["venue_id"],
            exclusive=row["exclusive"],
            hall=Hall(row["organisation_id"], row["created_by"], row["planners"]),
            venue_deleted=row["deleted"],
            has_time=row["has_time"],
        )

    async def take(self, place: PlannedPlace, settings: Settings) -> TakenTime | None:
        """Take the time that an event would need, beside what it has.

        None where it has none: its venue is not exclusive, or was made so when the
        event was there, or this is a draft. Raises `VenueTaken`.
        """
        if not place.has_time:
            return None
        return await self._take(_TAKE, place, settings)

    async def take_first(self, place: PlannedPlace) -> TakenTime | None:
        """Take the time that a draft needs to be published.

        None where its venue is not exclusive. Raises `VenueTaken`.
        """
        return await self._take(_TAKE_FIRST, place, place.settings)

    async def settle(self, taken: TakenTime) -> None:
        """Leave an event the time that it is set to, unless others still move it.

        A draft that was not published after all has none.
        """
        left = await self._pool.fetch(_LEAVE, taken.event)
        if left and left[0]["takers"] == 0:
            for statement in (_DROP, _SETTLE):
                await self._pool.fetch(statement, taken.event, left[0]["taken_at"])

    async def _take(
        self, sql: str, place: PlannedPlace, settings: Settings
    ) -> TakenTime | None:
        event, venue, wanted = place.event, place.venue, json.encode(settings).decode()
        try:
            taken = await self._pool.fetch(sql, event, wanted)
        except ExclusionViolation:
            # Only now, because hardly ever is anything left over.
            await self._pool.fetch(_FREE, venue)
            taken = await self._take_again(sql, event, venue, wanted)
        return TakenTime(event) if taken else None

    async def _take_again(
        self, sql: str, event: str, venue: str, wanted: str
    ) -> list[Row]:
        try:
            await self._pool.fetch(_SETTLE_OLD, venue)
            return await self._pool.fetch(sql, event, wanted)
        except ExclusionViolation as error:
            others = await self._pool.fetch(_OTHER, event, venue, wanted)
            raise VenueTaken(others[0]["event_id"] if others else None) from error
