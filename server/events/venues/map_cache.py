"""An event's map as it is sent: encoded once, and kept for a while."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import Final

import msgspec
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from inventory.venue.drawing import Drawing
from inventory.venue.map import Area, Category, Point, Seat, VenueMap
from inventory.venue.stored import seat_slices, without_seats
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
    section_focal_points: dict[str, Point] | UnsetType = UNSET
    """Where single sections look to, where any has a point of its own."""
    drawing: Drawing | UnsetType = UNSET
    """What is shown beside seats and areas, where there is anything."""


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
        return await self._made(event, partial(encode_map, venue_map))

    async def of_stored(self, name: str, stored: bytes) -> Encoded:
        """Return a map that is not loaded, out of its stored form."""
        return await self._made(name, partial(encode_stored, stored))

    async def _made(self, name: str, make: Callable[[], Awaitable[Encoded]]) -> Encoded:
        known = self._cache.find(name)
        if known is None:
            async with self._encoding:
                known = self._cache.get(name)
                if known is None:
                    made = await make()
                    known = self._cache.put(name, made.body, made.etag)
        return known


async def encode_map(venue_map: VenueMap) -> Encoded:
    """Return the map's bytes, made in slices between which the loop turns."""
    seats = venue_map.seats
    slices = (
        seats[start : start + SEATS_PER_SLICE]
        for start in range(0, len(seats), SEATS_PER_SLICE)
    )
    return await _encode(slices, venue_map)


async def encode_stored(stored: bytes) -> Encoded:
    """Return the bytes of a stored map, of which never more than a slice is read."""
    return await _encode(seat_slices(stored), without_seats(stored))


async def _encode(slices: Iterable[list[Seat]], venue_map: VenueMap) -> Encoded:
    parts = []
    for part in _map_parts(slices, venue_map):
        parts.append(part)
        await asyncio.sleep(0)
    return Encoded(b"".join(parts), etags.of_parts(parts))


def _map_parts(slices: Iterable[list[Seat]], venue_map: VenueMap) -> Iterator[bytes]:
    encode = msgspec.json.encode
    yield b'{"seats":['
    separator = b""
    for seats in slices:
        if seats:
            yield separator + encode([_map_seat(seat) for seat in seats])[1:-1]
            separator = b","
    yield b'],"areas":' + encode([_map_area(area) for area in venue_map.areas])
    yield b',"categories":' + encode(venue_map.categories)
    yield b',"focal_point":' + encode(venue_map.focal_point)
    # Left out where there is none: what was sent before it was known stays the same.
    if venue_map.section_focal_points:
        points = encode(venue_map.section_focal_points)
        yield b',"section_focal_points":' + points
    if venue_map.drawing is not None:
        yield b',"drawing":' + encode(venue_map.drawing)
    yield b"}"


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
