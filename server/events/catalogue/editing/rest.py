"""Events are edited and withdrawn, by who saw them as they are."""

from typing import Final

from aiohttp import web

from server.events.catalogue.bodies import EventDocument, EventPatch
from server.events.catalogue.editing.service import EVENT_EDITING
from server.events.catalogue.problems import VENUE_TAKEN
from server.events.catalogue.rest import answer_event, find_managed_event
from server.transport.http.problems import (
    EVENT_NOT_FOUND,
    KEY_REUSED,
    OVERLOADED,
    TICKETS_SOLD,
    WRONG_STATE,
)
from server.transport.rest.call import Call
from server.transport.rest.route import EVENT, WRITES, Route


async def edit_event(call: Call) -> web.Response:
    """Change some of an event's settings, and of what the catalogue tells of it."""
    event = await find_managed_event(call)
    patch, found = await call.faulty_body(EventPatch)
    await call[EVENT_EDITING].edit(event, patch, found, call.key, call.seen)
    return await answer_event(call, event)


async def delete_event(call: Call) -> web.Response:
    """Withdraw an event that nobody has booked."""
    event = call.path("event", EVENT_NOT_FOUND)
    await call[EVENT_EDITING].withdraw(call.who, event, call.key, call.seen)
    return call.done()


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="PATCH",
        path="/v1/events/{event}",
        handler=edit_event,
        name="edit_event",
        summary="Change an event's settings",
        tag="Events",
        access="manager",
        scope="events:write",
        body=EventPatch,
        answers=EventDocument,
        keyed=True,
        problems=(
            *WRITES,
            *EVENT,
            WRONG_STATE,
            VENUE_TAKEN,
            KEY_REUSED,
            OVERLOADED,
        ),
    ),
    Route(
        method="DELETE",
        path="/v1/events/{event}",
        handler=delete_event,
        name="delete_event",
        summary="Withdraw an event that nobody has booked",
        tag="Events",
        access="manager",
        scope="events:write",
        status=204,
        keyed=True,
        problems=(*EVENT, TICKETS_SOLD, KEY_REUSED, OVERLOADED),
    ),
)
