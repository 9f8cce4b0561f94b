"""What a client draws: an event's map, which never changes, and who has what.

Availability is put together from the committed board without asking anybody.
"""

from collections.abc import Hashable
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct

from server.events.catalogue.rest import find_event, is_public
from server.events.venues.map_cache import MAPS, MapDocument
from server.live.fanout.board import Board
from server.transport.http import etags
from server.transport.http.response_cache import CACHES
from server.transport.rest.call import CACHE_ASK, Call
from server.transport.rest.route import EVENT, Route

CACHE_FOREVER: Final = "public, max-age=31536000, immutable"


class AreaCounts(Struct):
    """Places of an area by state."""

    free: int
    held: int
    booked: int
    blocked: int


class Availability(Struct):
    """Who has what, as of a committed position.

    `seats` has one letter per seat index: f free, h held, b booked, x blocked, o other.
    """

    history_id: str
    epoch: int
    version: int
    seats: str
    areas: dict[str, AreaCounts]


async def show_map(call: Call) -> web.Response:
    """Show an event's map."""
    event = await find_event(call)
    encoded = await call[MAPS].of(event.id, event.board.venue.map)
    # What a draft looks like is for nobody's cache but the reader's own.
    cache_control = CACHE_FOREVER if is_public(event.board) else CACHE_ASK
    return call.read(encoded.body, encoded.etag, cache_control)


async def show_availability(call: Call) -> web.Response:
    """Show who has what, from the committed board."""
    board = (await find_event(call)).board
    etag = etags.of_position(board.history_id, board.epoch, board.version)
    cache, stamp = call[CACHES].availability, availability_stamp(board)
    known = cache.get(board.event, stamp)
    if known is None:
        body = availability_of(board)
        if not is_public(board):
            return call.read(body, etag)
        known = cache.put(board.event, body, etag, stamp)
    return call.read(known.body, etag)


def availability_stamp(board: Board) -> Hashable:
    """Return what determines the availability of an event."""
    return board.history_id, board.epoch, board.version


def availability_of(board: Board) -> bytes:
    """Return the availability document; letters are ASCII, so they are copied as is."""
    head = (
        f'{{"history_id":"{board.history_id}","epoch":{board.epoch},'
        f'"version":{board.version},"seats":"'
    )
    areas = board.area_counts(range(len(board.areas)))
    return b"".join(
        (
            head.encode("ascii"),
            board.letters,
            b'","areas":',
            msgspec.json.encode(areas),
            b"}",
        )
    )


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/events/{event}/map",
        handler=show_map,
        name="show_map",
        budget="cheap",
        summary="Show an event's map, which never changes",
        tag="Seats",
        access="anyone",
        scope="events:read",
        answers=MapDocument,
        cached=True,
        problems=EVENT,
    ),
    Route(
        method="GET",
        path="/v1/events/{event}/availability",
        handler=show_availability,
        name="show_availability",
        budget="cheap",
        summary="Show who has what: one letter per seat index",
        tag="Seats",
        access="anyone",
        scope="events:read",
        answers=Availability,
        cached=True,
        problems=EVENT,
    ),
)
