"""Venues and events as rows: made once, listed, looked up.

Ids are given, not made here: REST derives them from idempotency keys, so that the same
request again finds what it made the first time. What an event is *set to* is written
only by the journal's commits; here one reads it.
"""

import asyncio
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import Struct

from inventory.settings import Settings
from inventory.venue.map import Category, VenueMap
from inventory.venue.own import capacity_map
from persistence import limits
from persistence.errors import TooMany
from persistence.events.details import EventDetails
from persistence.events.images import Images
from persistence.events.popularity import Popularity
from persistence.events.rows import (
    EVENT,
    Details,
    EventFilter,
    EventRow,
    Sort,
    count_statement,
    event_of,
    list_statement,
    page_of,
    time_of,
)
from persistence.events.venue_edits import Coordinates, VenueEdits
from persistence.events.venue_times import VenueTimes
from persistence.postgres.cursors import decode_cursor, encode_cursor
from persistence.postgres.pool import Pool, Row

_CREATE_VENUE = """
WITH owner AS (
    SELECT organisation_id FROM organisation
    WHERE organisation_id = $11 AND deleted_at IS NULL FOR SHARE
)
INSERT INTO venue (venue_id, name, map, seats, area_capacities, categories, capacity,
    created_by, request_hash, exclusive, organisation_id, timezone, address, lat, lon)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
WHERE $11::text IS NULL OR EXISTS (SELECT FROM owner)
ON CONFLICT (venue_id) DO NOTHING
"""
_VENUE = """
SELECT venue_id, name, seats, cardinality(area_capacities) AS areas,
    categories::text AS categories, created_by, request_hash, created_at, exclusive,
    organisation_id, timezone, address, lat, lon, revision, deleted_at
FROM venue
"""
_FIND_MADE_VENUE = f"{_VENUE} WHERE venue_id = $1 AND capacity IS NULL"
_FIND_VENUE = f"{_FIND_MADE_VENUE} AND deleted_at IS NULL"
_LIST_VENUES = f"""{_VENUE}
WHERE capacity IS NULL AND deleted_at IS NULL
    AND ($1::timestamptz IS NULL OR (created_at, venue_id) > ($1, $2))
ORDER BY created_at, venue_id LIMIT $3
"""
_HAS_VENUES = """
SELECT count(*) = $2 AND NOT EXISTS (SELECT FROM venue WHERE venue_id = $3) AS full
FROM (
    SELECT FROM venue WHERE organisation_id = $1 AND deleted_at IS NULL LIMIT $2
) AS those
"""
_IS_FULL = """
SELECT count(*) = $2 AND NOT EXISTS (SELECT FROM event WHERE event_id = $3) AS full
FROM (
    SELECT FROM event WHERE organisation_id = $1 AND deleted_at IS NULL LIMIT $2
) AS those
"""
# One statement, so the event, its head and its areas are there together or not at all.
# Its venue is neither deleted nor drawn anew meanwhile.
_CREATE_EVENT = """
WITH hall AS MATERIALIZED (
    SELECT venue_id, name, capacity, exclusive, area_capacities FROM venue
    WHERE venue_id = $2 AND deleted_at IS NULL FOR SHARE
), seller AS (
    SELECT organisation_id FROM organisation
    WHERE organisation_id = $9 AND deleted_at IS NULL FOR SHARE
), shown AS (
    SELECT image_id FROM image WHERE image_id = $13 FOR KEY SHARE
), made AS (
    INSERT INTO event (event_id, venue_id, initial_settings, settings, name, status,
        starts_at, created_by, request_hash, organisation_id,
        description, category, tags, image_id, venue_name)
    SELECT $1, venue_id, $3::jsonb, $3::jsonb, $4, $5, $6, $7, $8, $9,
        $10, $11, $12, (SELECT image_id FROM shown),
        CASE WHEN capacity IS NULL THEN name ELSE '' END
    FROM hall WHERE $9 IS NULL OR EXISTS (SELECT FROM seller)
    ON CONFLICT (event_id) DO NOTHING
    RETURNING event_id, venue_id, settings
), head AS (
    INSERT INTO event_head (event_id, server_line)
    SELECT event_id, server_line() FROM made
), popularity AS (
    INSERT INTO event_popularity (event_id) SELECT event_id FROM made
), place AS (
    INSERT INTO venue_time (event_id, venue_id, during)
    SELECT event_id, venue_id, event_period(settings)
    FROM made JOIN hall v USING (venue_id) WHERE v.exclusive
)
INSERT INTO area_sold (event_id, area, capacity)
SELECT m.event_id, a.number - 1, a.capacity
FROM made m JOIN hall v USING (venue_id),
    unnest(v.area_capacities) WITH ORDINALITY AS a(capacity, number)
"""
_FIND_EVENT = f"{EVENT} WHERE e.event_id = $1"
_PLAN = """
SELECT e.event_id, e.venue_id, e.initial_settings::text AS settings, v.map,
    e.organisation_id, e.created_by, v.revision
FROM event e JOIN venue v USING (venue_id) WHERE e.event_id = $1
"""
# That which a request was told at first comes first, whatever its venue says by now.
_ZONE = """
SELECT coalesce(
    (SELECT coalesce(initial_settings ->> 'timezone', 'UTC')
        FROM event WHERE event_id = $1),
    (SELECT timezone FROM venue WHERE venue_id = $2),
    (SELECT timezone FROM organisation WHERE organisation_id = $3),
    'UTC'
) AS timezone
"""
_IS_THERE = "SELECT FROM venue WHERE venue_id = $1 AND deleted_at IS NULL"
_MAP = "SELECT map FROM venue WHERE venue_id = $1"
_SCHEDULED = """
SELECT event_id FROM event
WHERE due_ms <= $1 ORDER BY due_ms LIMIT $2
"""
EVERY_EVENT = EventFilter()
NO_DETAILS = Details()

_T = TypeVar("_T")

_categories = msgspec.json.Decoder(list[Category]).decode
_settings = msgspec.json.Decoder(Settings).decode
_venue_map = msgspec.json.Decoder(VenueMap).decode


class VenueRow(Struct, frozen=True):
    """A venue without its map."""

    venue_id: str
    name: str
    seats: int
    areas: int
    categories: list[Category]
    created_by: str
    request_hash: bytes
    created_at: datetime
    exclusive: bool = False
    """Whether it takes one event at a time."""
    organisation: str | None = None
    """For which it was made."""
    timezone: str | None = None
    """The IANA zone of events there that name none."""
    address: str | None = None
    coordinates: Coordinates | None = None
    revision: int = 0
    """How often it was edited."""
    deleted: bool = False


class EventPlan(Struct, frozen=True):
    """What an event's journal begins with: its map and its settings at version 0."""

    event: str
    venue_id: str
    first_settings: Settings
    map_json: bytes
    organisation: str | None = None
    created_by: str = ""
    venue_revision: int = 0

    def venue_map(self) -> VenueMap:
        """Decode the map, which takes milliseconds where it is large."""
        return _venue_map(self.map_json)


class Catalog:
    """Reads and makes what stands around the journal. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.details = EventDetails(pool)
        self.images = Images(pool)
        self.popularity = Popularity(pool)
        self.times = VenueTimes(pool)
        self.venues = VenueEdits(pool)

    async def create_venue(
        self,
        venue_id: str,
        name: str,
        venue_map: VenueMap,
        *,
        created_by: str,
        request_hash: bytes,
        exclusive: bool = False,
        organisation: str | None = None,
        timezone: str | None = None,
        address: str | None = None,
        coordinates: Coordinates | None = None,
    ) -> VenueRow:
        """Make a venue, or return the one that has this id already.

        Raises KeyError where there is no such organisation any more, and `TooMany`
        where it has enough venues.
        """
        await self._check_venues(organisation, venue_id)
        await self._insert_venue(
            venue_id,
            name,
            venue_map,
            None,
            created_by,
            request_hash,
            exclusive,
            organisation,
            timezone,
            address,
            coordinates,
        )
        row = await self.find_made_venue(venue_id)
        if row is None:
            raise KeyError(venue_id)
        return row

    async def copy_venue(
        self,
        venue: str,
        copy: str,
        *,
        name: str | None,
        created_by: str,
        request_hash: bytes,
        organisation: str | None,
    ) -> VenueRow:
        """Make a venue like another, or return the one that has this id already.

        Raises KeyError, which says which, where there is no such `venue` or
        `organisation` any more, and `TooMany`.
        """
        await self._check_venues(organisation, copy)
        await self.venues.copy(
            venue,
            copy,
            name=name,
            created_by=created_by,
            request_hash=request_hash,
            organisation=organisation,
        )
        row = await self.find_made_venue(copy)
        if row is None:
            raise KeyError(await self._gone(venue))
        return row

    async def find_venue(self, venue_id: str) -> VenueRow | None:
        """Return a venue."""
        row = await self._pool.fetch_one(_FIND_VENUE, venue_id)
        return None if row is None else _venue_of(row)

    async def find_made_venue(self, venue_id: str) -> VenueRow | None:
        """Return a venue, also a deleted one: `deleted` tells."""
        row = await self._pool.fetch_one(_FIND_MADE_VENUE, venue_id)
        return None if row is None else _venue_of(row)

    async def list_venues(
        self, *, limit: int, cursor: str | None = None
    ) -> tuple[list[VenueRow], str | None]:
        """Return a page, oldest first, and the cursor of the next one."""
        rows = await self._pool.fetch(
            _LIST_VENUES, *decode_cursor(cursor), _fetched(limit)
        )
        page, more = _page([_venue_of(row) for row in rows], limit)
        if not more:
            return page, None
        return page, encode_cursor(page[-1].created_at, page[-1].venue_id)

    async def count_venues(self) -> int:
        """Return how many venues `list_venues` has on all its pages."""
        return await self._pool.count(_LIST_VENUES, None, None, None)

    async def create_event(
        self,
        event: str,
        settings: Settings,
        *,
        venue: str | None = None,
        capacity: int | None = None,
        created_by: str,
        request_hash: bytes,
        organisation: str | None = None,
        details: Details = NO_DETAILS,
        image: str | None = None,
    ) -> EventRow:
        """Make an event, or return the one that has this id already.

        Exactly one of `venue` and `capacity` is given. Raises KeyError, which says
        which, when there is no such `venue`, or no such `organisation` any more,
        `TooMany` where the organisation has enough events, and `VenueTaken`.
        """
        if (venue is None) == (capacity is None):
            raise ValueError("an event has either a venue or a capacity")
        if organisation is not None:
            most = limits.EVENTS_PER_ORGANISATION_MAX
            rows = await self._pool.fetch(_IS_FULL, organisation, most, event)
            if rows[0]["full"]:
                raise TooMany(most)
        if capacity is not None:
            # Unlisted, and named like its event, whose id no other venue can have.
            venue = event
            only_area = capacity_map(capacity)
            await self._insert_venue(
                event, settings.name, only_area, capacity, created_by, request_hash
            )
        wanted = msgspec.json.encode(settings).decode()
        await self.times.taking(
            (event, venue, wanted),
            _CREATE_EVENT,
            event,
            venue,
            wanted,
            settings.name,
            settings.sale_state,
            time_of(settings.starts_at_ms),
            created_by,
            request_hash,
            organisation,
            details.description,
            details.category,
            list(details.tags),
            image,
        )
        row = await self.find_event(event)
        if row is None:
            raise KeyError(await self._gone(venue))
        return row

    async def zone_for(
        self, event: str, venue: str | None, organisation: str | None
    ) -> str:
        """Return the zone of an event that names none: where it was made, the first.

        Else that of its venue, of its organisation, or UTC.
        """
        rows = await self._pool.fetch(_ZONE, event, venue, organisation)
        zone: str = rows[0]["timezone"]
        return zone

    async def find_event(self, event: str) -> EventRow | None:
        """Return an event, also a deleted one: `settings.deleted` tells."""
        row = await self._pool.fetch_one(_FIND_EVENT, event)
        return None if row is None else event_of(row)

    async def list_events(
        self,
        wanted: EventFilter = EVERY_EVENT,
        *,
        limit: int,
        sort: Sort = "starts_at",
        cursor: str | None = None,
    ) -> tuple[list[EventRow], str | None]:
        """Return a page of the events that are wanted, and the cursor of the next one.

        Raises `BadCursor`, also for a cursor of a list that is sorted otherwise.
        """
        sql, values = list_statement(wanted, sort, cursor, limit)
        return page_of(await self._pool.fetch(sql, *values), wanted, sort, limit)

    async def count_events(self, wanted: EventFilter = EVERY_EVENT) -> int:
        """Return how many events are wanted."""
        sql, values = count_statement(wanted)
        rows = await self._pool.fetch(sql, *values)
        total: int = rows[0]["total"]
        return total

    async def find_plan(self, event: str) -> EventPlan | None:
        """Return what an event's journal begins with."""
        row = await self._pool.fetch_one(_PLAN, event)
        if row is None:
            return None
        return EventPlan(
            event=row["event_id"],
            venue_id=row["venue_id"],
            first_settings=_settings(row["settings"]),
            map_json=row["map"],
            organisation=row["organisation_id"],
            created_by=row["created_by"],
            venue_revision=row["revision"],
        )

    async def used_categories(self, venue_id: str) -> set[str]:
        """Return the categories of a venue of which there is a seat or an area."""
        row = await self._pool.fetch_one(_MAP, venue_id)
        if row is None:
            raise KeyError(venue_id)
        # A large map takes milliseconds.
        venue_map = await asyncio.to_thread(_venue_map, row["map"])
        return venue_map.used_categories()

    async def scheduled_events(self, until_ms: int) -> list[str]:
        """Return events whose sale moves by itself until then, the first ones first."""
        rows = await self._pool.fetch(_SCHEDULED, until_ms, limits.SCHEDULED_MAX)
        return [row["event_id"] for row in rows]

    async def _gone(self, venue: str | None) -> str:
        """Return what is not there, where nothing could be made for want of it."""
        rows = await self._pool.fetch(_IS_THERE, venue)
        return "organisation" if rows else "venue"

    async def _check_venues(self, organisation: str | None, venue_id: str) -> None:
        """Raise where an organisation has enough venues, of which this is none."""
        if organisation is None:
            return
        most = limits.VENUES_PER_ORGANISATION_MAX
        rows = await self._pool.fetch(_HAS_VENUES, organisation, most, venue_id)
        if rows[0]["full"]:
            raise TooMany(most)

    async def _insert_venue(
        self,
        venue_id: str,
        name: str,
        venue_map: VenueMap,
        capacity: int | None,
        created_by: str,
        request_hash: bytes,
        exclusive: bool = False,
        organisation: str | None = None,
        timezone: str | None = None,
        address: str | None = None,
        coordinates: Coordinates | None = None,
    ) -> None:
        await self._pool.fetch(
            _CREATE_VENUE,
            venue_id,
            name,
            msgspec.json.encode(venue_map),
            len(venue_map.seats),
            [area.capacity for area in venue_map.areas],
            msgspec.json.encode(venue_map.categories).decode(),
            capacity,
            created_by,
            request_hash,
            exclusive,
            organisation,
            timezone,
            address,
            None if coordinates is None else coordinates.lat,
            None if coordinates is None else coordinates.lon,
        )


def _venue_of(row: Row) -> VenueRow:
    return VenueRow(
        venue_id=row["venue_id"],
        name=row["name"],
        seats=row["seats"],
        areas=row["areas"],
        categories=_categories(row["categories"]),
        created_by=row["created_by"],
        request_hash=row["request_hash"],
        created_at=row["created_at"],
        exclusive=row["exclusive"],
        organisation=row["organisation_id"],
        timezone=row["timezone"],
        address=row["address"],
        coordinates=(
            None if row["lat"] is None else Coordinates(row["lat"], row["lon"])
        ),
        revision=row["revision"],
        deleted=row["deleted_at"] is not None,
    )


def _fetched(limit: int) -> int:
    """One row more than the page holds tells whether there is another page."""
    return min(limit, limits.PAGE_MAX) + 1


def _page(rows: list[_T], limit: int) -> tuple[list[_T], bool]:
    size = min(limit, limits.PAGE_MAX)
    return rows[:size], len(rows) > size
