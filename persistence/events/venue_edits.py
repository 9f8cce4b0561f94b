"""Venues as they are edited, copied and deleted.

An event's journal can be read only with the map that it was made from. So a map changes
only while no event uses it: those that were deleted, and drafts of strangers, take it
along to a venue of their own, which nobody sees. Who makes an event locks its venue's
row, and who edits the venue locks it alone: neither overtakes the other.
"""

from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from persistence.errors import Revisions, refuse_stale
from persistence.events.drawn import DrawnMap, VenueSize
from persistence.people.notices.rounds import put_moved
from persistence.postgres.pool import ExclusionViolation, Pool

_LOCK: Final = """
SELECT map IS NOT DISTINCT FROM $2::bytea AS same, exclusive, revision, name, address
FROM venue
WHERE venue_id = $1 AND capacity IS NULL AND deleted_at IS NULL FOR UPDATE
"""
# Of those who may plan there even where it is exclusive.
_AT_HOME: Final = """
(e.organisation_id = v.organisation_id OR e.organisation_id = ANY (v.planners)
    OR (v.organisation_id IS NULL AND e.created_by = v.created_by)) IS TRUE
"""
# A draft of strangers is in nobody's way.
_IN_USE: Final = f"""
SELECT FROM event e JOIN venue v USING (venue_id)
WHERE e.venue_id = $1 AND e.deleted_at IS NULL
    AND (e.status <> 'draft' OR {_AT_HOME}) LIMIT 1
"""
_HAD_EVENTS: Final = "SELECT FROM event WHERE venue_id = $1 LIMIT 1"
_EDIT: Final = """
UPDATE venue SET revision = revision + 1,
    name = CASE WHEN $2::boolean THEN $3::text ELSE name END,
    address = CASE WHEN $4::boolean THEN $5::text ELSE address END,
    lat = CASE WHEN $6::boolean THEN $7::float8 ELSE lat END,
    lon = CASE WHEN $6::boolean THEN $8::float8 ELSE lon END,
    exclusive = CASE WHEN $9::boolean THEN $10::boolean ELSE exclusive END,
    timezone = CASE WHEN $11::boolean THEN $12::text ELSE timezone END,
    planners = CASE WHEN $13::boolean THEN $14::text[] ELSE planners END
WHERE venue_id = $1
"""
# What the search and the calendars of its events know it by.
_RENAME: Final = """
UPDATE event SET venue_name = $2 WHERE venue_id = $1 AND venue_name <> $2
"""
_COLUMNS: Final = """
name, map, seats, area_capacities, categories, capacity, created_by, request_hash,
exclusive, organisation_id, timezone, address, lat, lon
"""
_SET_ASIDE: Final = f"""
INSERT INTO venue (venue_id, {_COLUMNS}, deleted_at)
SELECT $2, {_COLUMNS}, now() FROM venue WHERE venue_id = $1
"""
_TAKE_ALONG: Final = """
WITH free AS (DELETE FROM venue_time WHERE venue_id = $1)
UPDATE event SET venue_id = $2 WHERE venue_id = $1
"""
_REDRAW: Final = """
UPDATE venue SET map = $2, seats = $3, area_capacities = $4, categories = $5
WHERE venue_id = $1
"""
_OPEN: Final = "DELETE FROM venue_time WHERE venue_id = $1"
# What strangers sell there already goes on; it neither has nor takes a time.
_CLAIM: Final = f"""
INSERT INTO venue_time (event_id, venue_id, during)
SELECT e.event_id, e.venue_id, event_period(e.settings)
FROM event e JOIN venue v USING (venue_id)
WHERE e.venue_id = $1 AND e.deleted_at IS NULL
    AND e.status NOT IN ('cancelled', 'draft') AND {_AT_HOME}
"""
# The map of one without events is needed by no journal.
_DELETE: Final = """
UPDATE venue SET deleted_at = now(), map = CASE
    WHEN EXISTS (SELECT FROM event WHERE venue_id = $1) THEN map ELSE '' END
WHERE venue_id = $1
"""
_SIZE: Final = """
SELECT octet_length(map) AS bytes, seats FROM venue
WHERE venue_id = $1 AND capacity IS NULL AND deleted_at IS NULL
"""
_COPY: Final = """
WITH owner AS (
    SELECT organisation_id FROM organisation
    WHERE organisation_id = $6 AND deleted_at IS NULL FOR SHARE
)
INSERT INTO venue (venue_id, name, map, seats, area_capacities, categories, exclusive,
    timezone, address, lat, lon, created_by, request_hash, organisation_id)
SELECT $2, coalesce($3, name), map, seats, area_capacities, categories, exclusive,
    timezone, address, lat, lon, $4, $5, $6
FROM venue
WHERE venue_id = $1 AND capacity IS NULL AND deleted_at IS NULL
    AND ($6::text IS NULL OR EXISTS (SELECT FROM owner))
ON CONFLICT (venue_id) DO NOTHING
"""
_MAP: Final = """
SELECT map, revision FROM venue
WHERE venue_id = $1 AND capacity IS NULL AND deleted_at IS NULL
"""


class Coordinates(Struct, frozen=True):
    """A place on earth, in degrees of WGS 84."""

    lat: float
    lon: float


class VenueChange(Struct, frozen=True, kw_only=True):
    """What to change of a venue; what is absent stays."""

    name: str | UnsetType = UNSET
    address: str | UnsetType | None = UNSET
    coordinates: Coordinates | UnsetType | None = UNSET
    exclusive: bool | UnsetType = UNSET
    timezone: str | UnsetType | None = UNSET
    planners: list[str] | UnsetType = UNSET
    map: DrawnMap | UnsetType = UNSET

    def moves(self, name: str, address: str | None) -> bool:
        """Return whether people find the venue by another name or address then."""
        return self.name not in (UNSET, name) or self.address not in (UNSET, address)


class VenueInUse(Exception):
    """There are events in it."""


class VenueCrowded(Exception):
    """Some of its events overlap, so it cannot take one at a time."""


class VenueEdits:
    """Edits, copies and deletes venues. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def edit(
        self, venue: str, change: VenueChange, seen: Revisions = None
    ) -> bool:
        """Change a venue; False where there is none.

        Raises `Stale`, `VenueInUse` where its map would change while events use it,
        and `VenueCrowded`.
        """
        drawn = None if change.map is UNSET else change.map
        encoded = None if drawn is None else drawn.json
        try:
            async with self._pool.transaction() as connection:
                row = await connection.fetchrow(_LOCK, venue, encoded)
                if row is None:
                    return False
                refuse_stale(row["revision"], seen)
                if drawn is not None and not row["same"]:
                    await _redraw(connection, venue, drawn)
                await connection.execute(_EDIT, venue, *_values(change))
                if change.name is not UNSET:
                    await connection.execute(_RENAME, venue, change.name)
                if change.moves(row["name"], row["address"]):
                    await put_moved(connection, venue, row["revision"] + 1)
                if change.exclusive is not UNSET:
                    await _share(connection, venue, row["exclusive"], change.exclusive)
        except ExclusionViolation as error:
            raise VenueCrowded(venue) from error
        return True

    async def delete(self, venue: str, seen: Revisions = None) -> bool:
        """Delete a venue, its map kept for events that were deleted; False if none.

        Raises `Stale` and `VenueInUse`.
        """
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(_LOCK, venue, None)
            if row is None:
                return False
            refuse_stale(row["revision"], seen)
            if await connection.fetchrow(_IN_USE, venue) is not None:
                raise VenueInUse(venue)
            await connection.execute(_DELETE, venue)
        return True

    async def copy(
        self,
        venue: str,
        copy: str,
        *,
        name: str | None,
        created_by: str,
        request_hash: bytes,
        organisation: str | None,
    ) -> None:
        """Make a venue like another, unless it is there or the other is not."""
        await self._pool.fetch(
            _COPY, venue, copy, name, created_by, request_hash, organisation
        )

    async def size_of(self, venue: str) -> VenueSize | None:
        """Return how large a venue's map is."""
        row = await self._pool.fetch_one(_SIZE, venue)
        return None if row is None else VenueSize(row["seats"], row["bytes"])

    async def find_map(self, venue: str) -> tuple[bytes, int] | None:
        """Return the JSON of a venue's map, and how often the venue was edited."""
        row = await self._pool.fetch_one(_MAP, venue)
        return None if row is None else (bytes(row["map"]), row["revision"])


def _values(change: VenueChange) -> list[object]:
    """Return the parameters of an edit: of each field whether to change it, and to."""
    place, values = change.coordinates, list[object]()
    known = place if isinstance(place, Coordinates) else None
    for value in (change.name, change.address):
        values += (value is not UNSET, None if value is UNSET else value)
    values += (
        place is not UNSET,
        None if known is None else known.lat,
        None if known is None else known.lon,
    )
    for other in (change.exclusive, change.timezone, change.planners):
        values += (other is not UNSET, None if other is UNSET else other)
    return values


# asyncpg ships no types, hence Any for its connection.
async def _redraw(connection: Any, venue: str, drawn: DrawnMap) -> None:
    """Give a venue another map, which no event uses."""
    if await connection.fetchrow(_IN_USE, venue) is not None:
        raise VenueInUse(venue)
    if await connection.fetchrow(_HAD_EVENTS, venue) is not None:
        aside = f"{venue}.{await connection.fetchval('SELECT gen_random_uuid()')}"
        await connection.execute(_SET_ASIDE, venue, aside)
        await connection.execute(_TAKE_ALONG, venue, aside)
    await connection.execute(
        _REDRAW,
        venue,
        drawn.json,
        drawn.seats,
        drawn.area_capacities,
        drawn.categories,
    )


async def _share(
    connection: Any, venue: str, before: bool, exclusive: bool | UnsetType
) -> None:
    """Give each event its time in a venue that is exclusive now, or take them back."""
    if exclusive is before:
        return
    await connection.execute(_CLAIM if exclusive else _OPEN, venue)
