"""Lets bodies about venues be read where that stalls nobody."""

import asyncio
from typing import Final

from aiohttp import web
from msgspec import UNSET

from persistence.events.drawn import DrawnMap
from persistence.events.venue_edits import Coordinates, VenueChange
from server.events.venues.bodies import Place
from server.events.venues.reading import (
    CHANGE,
    MODULE,
    NEW,
    PREVIEW,
    ReadChange,
    ReadMap,
    ReadVenue,
    Refused,
    read_answer,
    work,
)
from server.transport.children.workshop import Busy, Failed, Workshop
from server.transport.http.problems import (
    BAD_FIELD,
    BAD_FRAME,
    OVERLOADED,
    ProblemError,
    bad_field,
)

SMALL_BYTES: Final = 32 << 10
"""What is smaller is read in a thread, in about 10 ms of which no other waits for more
than 5: a child takes ten times as long to begin."""

WAITING_MAX: Final = 8
MEMORY_BYTES: Final = 1 << 30
"""The largest map in either format takes half as much."""

CPU_S: Final = 30
TOO_MUCH: Final = "It takes more memory or time to read than any map may."

_KINDS: Final = {kind.code: kind for kind in (BAD_FIELD, BAD_FRAME)}


class VenueReader:
    """Reads bodies about venues, one large one at a time."""

    def __init__(self) -> None:
        self._workshop = Workshop(
            MODULE,
            at_once_max=1,
            waiting_max=WAITING_MAX,
            memory_bytes=MEMORY_BYTES,
            cpu_s=CPU_S,
        )

    def refuse_more(self) -> None:
        """Raise `ProblemError` where a large body would not be taken."""
        try:
            self._workshop.refuse_more()
        except Busy as error:
            raise ProblemError(OVERLOADED) from error

    async def new(self, body: bytes) -> ReadVenue:
        """Return what is to be made; raises `ProblemError`."""
        read = await self._read(NEW, body)
        assert isinstance(read, ReadVenue)
        return read

    async def change(self, body: bytes) -> VenueChange:
        """Return what is to be changed; raises `ProblemError`."""
        read = await self._read(CHANGE, body)
        assert isinstance(read, ReadChange)
        patch, place = read.patch, read.patch.coordinates
        return VenueChange(
            name=patch.name,
            address=patch.address,
            coordinates=UNSET if place is UNSET else coordinates_of(place),
            exclusive=patch.exclusive,
            planners=UNSET if patch.planners is UNSET else list(patch.planners),
            timezone=patch.timezone,
            map=UNSET if read.drawn is None else read.drawn,
        )

    async def preview(self, body: bytes) -> bytes:
        """Return the stored form of a map; raises `ProblemError` with its faults."""
        read = await self._read(PREVIEW, body)
        assert isinstance(read, ReadMap)
        return read.drawn.json

    async def _read(self, kind: bytes, body: bytes) -> ReadVenue | ReadChange | ReadMap:
        job = kind + body
        try:
            if len(body) <= SMALL_BYTES:
                packed = await asyncio.to_thread(work, job)
            else:
                packed = await self._workshop.run(job)
        except Busy as error:
            raise ProblemError(OVERLOADED) from error
        except Failed as error:
            raise bad_field("map", TOO_MUCH) from error
        read = read_answer(packed)
        if isinstance(read, Refused):
            raise _problem(read)
        return read


def drawn_of(read: ReadVenue) -> DrawnMap:
    """Return the map of a new venue; raises `ProblemError`."""
    if read.refused is not None:
        raise _problem(read.refused)
    assert read.drawn is not None
    return read.drawn


def coordinates_of(place: Place | None) -> Coordinates | None:
    """Return a place as it is stored."""
    return None if place is None else Coordinates(place.lat, place.lon)


def _problem(refused: Refused) -> ProblemError:
    kind = _KINDS[refused.code]
    return ProblemError(kind, refused.detail, errors=refused.errors)


READER: Final = web.AppKey("venue reader", VenueReader)
