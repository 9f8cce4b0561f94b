"""The sale of an event: publish, pause, resume, close, cancel."""

from typing import Literal

from aiohttp import web

from inventory.commands import ChangeSale
from server.events.catalogue.rest import ask_organizer, find_managed_event, show
from server.transport.rest.call import Call
from server.transport.rest.guard import CallHandler

Step = Literal["publish", "pause", "resume", "close", "cancel"]


def sale_step(step: Step) -> CallHandler:
    """Return the handler that takes one step of the sale."""

    async def take_step(call: Call) -> web.Response:
        event = await find_managed_event(call)
        await ask_organizer(call, event, ChangeSale(id=0, event=event.id, to=step))
        return call.answer(await show(call, event))

    return take_step
