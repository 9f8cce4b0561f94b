"""A map or a chart, looked at before anything is made of it."""

from typing import Final

import msgspec
from aiohttp import web

from server.events.venues.bodies import VenuePreview
from server.events.venues.map_cache import MapDocument, encode_stored
from server.events.venues.reader import READER
from server.events.venues.service import VENUE_SERVICE
from server.transport.http.problems import OVERLOADED
from server.transport.rest.bodies import CHART_BYTES_MAX, read_body
from server.transport.rest.call import Call
from server.transport.rest.route import WRITES, Route


async def preview_venue(call: Call) -> web.Response:
    """Show the map that an event would have, or all that is wrong with a chart."""
    # Before the body, which is dear to read.
    await call[VENUE_SERVICE].require_maker(call.who)
    reader = call[READER]
    reader.refuse_more()
    stored = await reader.preview(await read_body(call.request, CHART_BYTES_MAX))
    encoded = await encode_stored(stored)
    return call.answer(msgspec.Raw(encoded.body))


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/venues/preview",
        handler=preview_venue,
        name="preview_venue",
        who=(
            "Needs the token of an account that may make venues: of an organiser, or "
            "of an owner or leader of some organisation."
        ),
        summary="Show the map of a chart, or all its faults, and make nothing",
        tag="Venues",
        access="customer",
        body=VenuePreview,
        answers=MapDocument,
        problems=(*WRITES, OVERLOADED),
    ),
)
