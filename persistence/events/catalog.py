"""Venues and events as rows: made once, listed, looked up.

Ids are given, not made here: REST derives them from idempotency keys, so that the same
request again finds what it made the first time. What an event is *set to* is written
only by the journal's commits; here one reads it.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import Struct

from inventory.settings import Settings
from inventory.venue.map import Category, VenueMap
from inventory.venue.own import capacity_map
from inventory.venue.stored import categories_in, read_stored
from persistence import limits
from persistence.events.details import EventDetails
from persistence.events.drawn import DrawnMap, draw, give_way
from persistence.events.images import Images
from persistence.events.popularity import Popularity
from persistence.events.rows import (
    EVENT,
    RUN_BY,
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
from persistence.events.usage import Owner, Usage
from persistence.events.venue_edits import Coordinates, VenueEdits
from persistence.events.venue_times import VenueTimes
from persistence.postgres.cursors import decode_cursor, encode_cursor
from persistence.postgres.pool import Pool, Row
from persistence.quotas import DEFAULT_QUOTAS, Quotas

_CREATE_VENUE = """
WITH owner AS (
    SELECT organisation_id FROM organisation
    WHERE organisation_id = $11 AND deleted_at IS NULL FOR SHARE
)
INSERT INTO venue (venue_id, name, map, seats, area_capacities, categories, capacity,
    created_by, request_hash, exclusive, organisation_id, timezone, address, lat, lon,
    planners)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
WHERE $11::text IS NULL OR EXISTS (SELECT FROM owner)
ON CONFLICT (venue_id) DO NOTHING
"""
_VENUE = """
SELECT venue_id, name, seats, cardinality(area_capacities) AS areas,
    categories::text AS categories, created_by, request_hash, created_at, exclusive,
    organisation_id, timezone, address, lat, lon, revision, deleted_at, planners
FROM venue
"""
_FIND_MADE_VENUE = f"{_VENUE} WHERE venue_id = $1 AND capacity IS NULL"
_FIND_VENUE = f"{_FIND_MADE_VENUE} AND deleted_at IS NULL"
_LIST_VENUES = f"""{_VENUE}
WHERE capacity IS NULL AND deleted_at IS NULL
    AND ($1::timestamptz IS NULL OR (created_at, venue_id) > ($1, $2))
    AND ($4::text IS NULL OR {RUN_BY.format(table="venue", user="$4")})
ORDER BY created_at, venue_id LIMIT $3
"""
# One statement, so the event, its head and its areas are there together or not at all.
# Its venue is neither deleted nor drawn anew meanwhile.
_CREATE_EVENT = """
WITH hall AS MATERIALIZED (
    SELECT venue_id, name, capacity, area_capacities FROM venue
    WHERE venue_id = $2 AND deleted_at IS NULL FOR SHARE
), seller AS (
    SELECT organisation_id FROM organisation
    WHERE organisation_id = $9 AND deleted_at IS NULL FOR SHARE
), shown AS (
    SELECT image_id FROM image WHERE image_id = $13 FOR KEY SHARE
), made AS (
    INSERT INTO event (event_id, venue_id, initial_settings, settings, name, status,
        starts_at, created_by, request_hash, organisation_id,
        description, category, tags, image_id, venue_name, fees, tax,
        late)
    SELECT $1, venue_id, $3::jsonb, $3::jsonb, $4, $5, $6, $7, $8, $9,
        $10, $11, $12, (SELECT image_id FROM shown),
        CASE WHEN capacity IS NULL THEN name ELSE '' END, $14::jsonb, $15::jsonb, $16
    FROM hall WHERE $9 IS NULL OR EXISTS (SELECT FROM seller)
    ON CONFLICT (event_id) DO NOTHING
    RETURNING event_id, venue_id, settings
), head AS (
    INSERT INTO event_head (event_id, server_line)
    SELECT event_id, server_line() FROM made
), popularity AS (
    INSERT INTO event_popularity (event_id) SELECT event_id FROM made
)
INSERT INTO area_sold (event_id, area, capacity)
SELECT m.event_id, a.number - 1, a.capacity
FROM made m JOIN hall v USING (venue_id),
    unnest(v.area_capacities) WITH ORDINALITY AS a(capacity, number)
"""
_FIND_EVENT = f"{EVENT} WHERE e.event_id = $1"
_PLAN = """
SELECT e.event_id, e.venue_id, e.initial_settings::text AS settings,
    CASE WHEN $2 THEN v.map ELSE '' END AS map, e.organisation_id, e.created_by,
    v.revision
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
    planners: list[str] = []
    """Organisations that may plan there beside its own, while it is exclusive."""


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
        """Decode the map; for threads beside the loop, where it is large."""
        return read_stored(self.map_json, give_way)


class Catalog:
    """Reads and makes what stands around the journal. Raises `Unavailable`."""

    def __init__(self, pool: Pool, quotas: Quotas = DEFAULT_QUOTAS) -> None:
        self._pool = pool
        self.usage = Usage(pool, quotas)
        self.details = EventDetails(pool)
        self.images = Images(pool)
        self.popularity = Popularity(pool)
        self.times = VenueTimes(pool)
        self.venues = VenueEdits(pool)

    async def create_venue(
        self,
        venue_id: str,
        name: str,
        venue_map: VenueMap | DrawnMap,
        *,
        created_by: str,
        request_hash: bytes,
        exclusive: bool = False,
        organisation: str | None = None,
        timezone: str | None = None,
        address: str | None = None,
        coordinates: Coordinates | None = None,
        planners: Sequence[str] = (),
        unlimited: bool = False,
    ) -> VenueRow:
        """Make a venue, or return the one that has this id already.

        Raises KeyError where there is no such organisation any more, and, unless this
        is for somebody `unlimited`, `TooMany`.
        """
        drawn = draw(venue_map) if isinstance(venue_map, VenueMap) else venue_map
        if not unlimited:
            owner = Owner(organisation, created_by)
            await self.usage.check_venue(owner, venue_id, drawn.size)
        await self._insert_venue(
            venue_id,
            name,
            drawn,
            None,
            created_by,
            request_hash,
            exclusive,
            organisation,
            timezone,
            address,
            coordinates,
            planners,
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
        unlimited: bool = False,
    ) -> VenueRow:
        """Make a venue like another, or return the one that has this id already.

        Raises KeyError, which says which, where there is no such `venue` or
        `organisation` any more, and, as above, `TooMany`.
        """
        if not unlimited:
            size = await self.venues.size_of(venue)
            if size is not None:
                owner = Owner(organisation, created_by)
                await self.usage.check_venue(owner, copy, size)
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
        self, *, limit: int, cursor: str | None = None, run_by: str | None = None
    ) -> tuple[list[VenueRow], str | None]:
        """Return a page, oldest first, and the cursor of the next one.

        `run_by` wants only those of a user's organisations, and those made for none.
        """
        rows = await self._pool.fetch(
            _LIST_VENUES, *decode_cursor(cursor), _fetched(limit), run_by
        )
        page, more = _page([_venue_of(row) for row in rows], limit)
        if not more:
            return page, None
        return page, encode_cursor(page[-1].created_at, page[-1].venue_id)

    async def count_venues(self, run_by: str | None = None) -> int:
        """Return how many venues `list_venues` has on all its pages."""
        return await self._pool.count(_LIST_VENUES, None, None, None, run_by)

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
        unlimited: bool = False,
    ) -> EventRow:
        """Make an event, or return the one that has this id already.

        Exactly one of `venue` and `capacity` is given. Raises KeyError, which says
        which, when there is no such `venue`, or no such `organisation` any more, and,
        unless this is for somebody `unlimited`, `TooMany`.
        """
        if (venue is None) == (capacity is None):
            raise ValueError("an event has either a venue or a capacity")
        if not unlimited:
            await self.usage.check_event(Owner(organisation, created_by), event)
        if capacity is not None:
            # Unlisted, and named like its event, whose id no other venue can have.
            venue = event
            only_area = draw(capacity_map(capacity))
            await self._insert_venue(
                event, settings.name, only_area, capacity, created_by, request_hash
            )
        await self._pool.fetch(
            _CREATE_EVENT,
            event,
            venue,
            msgspec.json.encode(settings).decode(),
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
            msgspec.json.encode(details.fees).decode(),
            msgspec.json.encode(details.tax).decode(),
            details.late,
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

    async def find_plan(self, event: str, *, drawn: bool = True) -> EventPlan | None:
        """Return what an event's journal begins with, with its map where `drawn`."""
        row = await self._pool.fetch_one(_PLAN, event, drawn)
        if row is None:
            return None
        return EventPlan(
            event=row["event_id"],
            venue_id=row["venue_id"],
            first_settings=_settings(row["settings"]),
            map_json=bytes(row["map"]),
            organisation=row["organisation_id"],
            created_by=row["created_by"],
            venue_revision=row["revision"],
        )

    async def used_categories(self, venue_id: str) -> set[str]:
        """Return the categories of a venue of which there is a seat or an area."""
        row = await self._pool.fetch_one(_MAP, venue_id)
        if row is None:
            raise KeyError(venue_id)
        return await asyncio.to_thread(categories_in, bytes(row["map"]), give_way)

    async def scheduled_events(self, until_ms: int) -> list[str]:
        """Return events whose sale moves by itself until then, the first ones first."""
        rows = await self._pool.fetch(_SCHEDULED, until_ms, limits.SCHEDULED_MAX)
        return [row["event_id"] for row in rows]

    async def _gone(self, venue: str | None) -> str:
        """Return what is not there, where nothing could be made for want of it."""
        rows = await self._pool.fetch(_IS_THERE, venue)
        return "organisation" if rows else "venue"

    async def _insert_venue(
        self,
        venue_id: str,
        name: str,
        drawn: DrawnMap,
        capacity: int | None,
        created_by: str,
        request_hash: bytes,
        exclusive: bool = False,
        organisation: str | None = None,
        timezone: str | None = None,
        address: str | None = None,
        coordinates: Coordinates | None = None,
        planners: Sequence[str] = (),
    ) -> None:
        await self._pool.fetch(
            _CREATE_VENUE,
            venue_id,
            name,
            drawn.json,
            drawn.seats,
            drawn.area_capacities,
            drawn.categories,
            capacity,
            created_by,
            request_hash,
            exclusive,
            organisation,
            timezone,
            address,
            None if coordinates is None else coordinates.lat,
            None if coordinates is None else coordinates.lon,
            list(planners),
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
        planners=row["planners"],
    )


def _fetched(limit: int) -> int:
    """One row more than the page holds tells whether there is another page."""
    return min(limit, limits.PAGE_MAX) + 1


def _page(rows: list[_T], limit: int) -> tuple[list[_T], bool]:
    size = min(limit, limits.PAGE_MAX)
    return rows[:size], len(rows) > size
