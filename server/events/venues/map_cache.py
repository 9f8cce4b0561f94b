"""An event's map as it is sent: encoded once, and kept for a while."""

import asyncio
from collections.abc import Iterator
from typing import Final

import msgspec
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from inventory.venue.map import Area, Category, Point, Seat, VenueMap
from server.transport.http import etags
from server.transport.http.response_cache import Cache, Encoded

SEATS_PER_SLICE: Final = 500


class MapSeat(Struct, kw_only=True):
    """A seat on the map; `index` is its place in `availability` and in deltas."""

    index: int
    label: str
    section: str | None
    row: str | None
    number: str
    category: str
    x: float
    y: float
    accessible: bool
    companion: bool
    restricted: bool
    entrance: str | UnsetType = UNSET


class MapArea(Struct, kw_only=True):
    """A general-admission area on the map."""

    label: str
    capacity: int
    category: str
    section: str | None
    x: float | None
    y: float | None


class MapDocument(Struct, kw_only=True):
    """A venue's map; it never changes for an event."""

    seats: list[MapSeat]
    areas: list[MapArea]
    categories: list[Category]
    focal_point: Point | None


class Maps:
    """Encoded maps of the events asked for last."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        # So that a crowd at the opening makes one encoding, not thousands.
        self._encoding = asyncio.Lock()

    def find(self, name: str) -> Encoded | None:
        """Return a map that is known, which an event or an edited venue has."""
        return self._cache.find(name)

    async def of(self, event: str, venue_map: VenueMap) -> Encoded:
        """Return the map of an event."""
        known = self._cache.find(event)
        if known is None:
            async with self._encoding:
                known = self._cache.get(event)
                if known is None:
                    made = await encode_map(venue_map)
                    known = self._cache.put(event, made.body, made.etag)
        return known


async def encode_map(venue_map: VenueMap) -> Encoded:
    """Return the map's bytes, made in slices between which the loop turns."""
    parts = []
    for part in _map_parts(venue_map):
        parts.append(part)
        await asyncio.sleep(0)
    return Encoded(b"".join(parts), etags.of_parts(parts))


def _map_parts(venue_map: VenueMap) -> Iterator[bytes]:
    encode = msgspec.json.encode
    yield b'{"seats":['
    seats = venue_map.seats
    for start in range(0, len(seats), SEATS_PER_SLICE):
        part = [_map_seat(seat) for seat in seats[start : start + SEATS_PER_SLICE]]
        yield (b"," if start else b"") + encode(part)[1:-1]
    yield b'],"areas":' + encode([_map_area(area) for area in venue_map.areas])
    yield b',"categories":' + encode(venue_map.categories)
    yield b',"focal_point":' + encode(venue_map.focal_point) + b"}"


def _map_seat(seat: Seat) -> MapSeat:
    return MapSeat(
        index=seat.index,
        label=seat.label,
        section=seat.section,
        row=seat.row,
        number=seat.number,
        category=seat.category,
        x=seat.x,
        y=seat.y,
        accessible=seat.accessible,
        companion=seat.companion,
        restricted=seat.restricted,
        entrance=UNSET if seat.entrance is None else seat.entrance,
    )


def _map_area(area: Area) -> MapArea:
    return MapArea(
        label=area.label,
        capacity=area.capacity,
        category=area.category,
        section=area.section,
        x=area.x,
        y=area.y,
    )


MAPS: Final = web.AppKey("maps", Maps)
