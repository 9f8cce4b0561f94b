"""The sale of an event: publish, pause, resume, close, cancel."""

from typing import Final, Literal

from aiohttp import web

from inventory.commands import ChangeSale
from server.events.catalogue.bodies import EventDocument
from server.events.catalogue.rest import answer_event, find_managed_event
from server.events.catalogue.service import EVENT_SERVICE
from server.transport.http.problems import KEY_REUSED, OVERLOADED, WRONG_STATE
from server.transport.rest.call import Call
from server.transport.rest.guard import CallHandler
from server.transport.rest.route import EVENT, Route

Step = Literal["publish", "pause", "resume", "close", "cancel"]


def sale_step(step: Step) -> CallHandler:
    """Return the handler that takes one step of the sale."""

    async def take_step(call: Call) -> web.Response:
        event = await find_managed_event(call)
        command = ChangeSale(id=0, event=event.id, to=step)
        await call[EVENT_SERVICE].order(event, command, call.key)
        return await answer_event(call, event)

    return take_step


def _step(step: Step, summary: str) -> Route:
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
        problems=(*EVENT, WRONG_STATE, KEY_REUSED, OVERLOADED),
    )


ROUTES: Final[tuple[Route, ...]] = (
    _step("publish", "Open the sale, now or at `on_sale_at`"),
    _step("pause", "Pause the sale; live holds can still be booked"),
    _step("resume", "Go on with a paused sale"),
    _step("close", "End the sale; live holds can still be booked"),
    _step("cancel", "Cancel the event"),
)
