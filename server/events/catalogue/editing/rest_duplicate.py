"""A further event like one that is there: the same show on another evening."""

from typing import Final

from aiohttp import web

from inventory.faults import Faults
from server.events.catalogue.bodies import EventDuplicate, NewEvent
from server.events.catalogue.editing.service import EVENT_EDITING
from server.events.catalogue.rest import answer_made, find_managed_event
from server.transport.http.problems import EVENT_NOT_FOUND, KEY_REUSED, LIMIT_REACHED
from server.transport.rest.call import Call
from server.transport.rest.route import WRITES, Route


async def duplicate_event(call: Call) -> web.Response:
    """Make a draft like an event: its organisation's, or the caller's own."""
    key, event = call.key, await find_managed_event(call)
    body, found = EventDuplicate(), Faults()
    if call.request.body_exists:
        body, found = await call.faulty_body(EventDuplicate)
    made = await call[EVENT_EDITING].duplicate(event, body, found, key)
    return answer_made(call, made)


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/events/{event}/duplicate",
        handler=duplicate_event,
        name="duplicate_event",
        summary="Make a draft like this event, perhaps at another time",
        tag="Events",
        access="manager",
        scope="events:write",
        body=EventDuplicate,
        body_required=False,
        answers=NewEvent,
        status=201,
        keyed=True,
        problems=(
            *WRITES,
            EVENT_NOT_FOUND,
            KEY_REUSED,
            LIMIT_REACHED,
        ),
    ),
)
