"""The sale of an event: publish, pause, resume, close, cancel."""

from typing import Final

from aiohttp import web

from server.base.refusals.refusals import ProblemType
from server.events.catalogue.bodies import EventDocument
from server.events.catalogue.problems import VENUE_TAKEN
from server.events.catalogue.rest import answer_event
from server.events.catalogue.service import EVENT_SERVICE, Step
from server.transport.http.problems import (
    EVENT_NOT_FOUND,
    KEY_REUSED,
    OVERLOADED,
    WRONG_STATE,
)
from server.transport.rest.call import Call
from server.transport.rest.guard import CallHandler
from server.transport.rest.route import EVENT, Route


def sale_step(step: Step) -> CallHandler:
    """Return the handler that takes one step of the sale."""

    async def take_step(call: Call) -> web.Response:
        name = call.path("event", EVENT_NOT_FOUND)
        event = await call[EVENT_SERVICE].take_step(call.who, name, step, call.key)
        return await answer_event(call, event)

    return take_step


def _step(step: Step, summary: str, *more: ProblemType) -> Route:
    return Route(
        method="POST",
        path=f"/v1/events/{{event}}/{step}",
        handler=sale_step(step),
        name=f"{step}_event",
        summary=summary,
        tag="Events",
        access="manager",
        scope="events:write",
        answers=EventDocument,
        keyed=True,
        problems=(*EVENT, WRONG_STATE, KEY_REUSED, OVERLOADED, *more),
    )


ROUTES: Final[tuple[Route, ...]] = (
    _step("publish", "Open the sale, now or at `on_sale_at`", VENUE_TAKEN),
    _step("pause", "Pause the sale; live holds can still be booked"),
    _step("resume", "Go on with a paused sale"),
    _step("close", "End the sale; live holds can still be booked"),
    _step("cancel", "Cancel the event"),
)
