"""Messages to those who wait in lines: kept, and told to all sockets."""

from typing import Final

from persistence.events.line.messages import Messages
from server.events.catalogue.service import EVENT_SERVICE
from server.events.line.messages.rest import EXAMPLES, MESSAGE_ID, ROUTES
from server.events.line.messages.service import MESSAGE_SERVICE, MessageService
from server.events.line.messages.telling import LineMessageFrame, MessageTelling
from server.events.line.waiters.waiters import WAITERS
from server.transport.bus.open import BUS
from server.transport.capability.capability import Capability, Startup
from server.transport.rest.examples import PathParameter


async def _open(startup: Startup) -> None:
    telling = MessageTelling(startup[BUS], startup[WAITERS])
    startup.on_stop(telling.close)
    startup[MESSAGE_SERVICE] = MessageService(
        startup[EVENT_SERVICE], Messages(startup.pool), telling.tell
    )


LINE_MESSAGES: Final = Capability(
    name="line messages",
    open=_open,
    routes=ROUTES,
    tells=(LineMessageFrame,),
    parameters={"line_message": PathParameter("The message's id.", MESSAGE_ID)},
    makes={"messages": "line_message"},
    examples=EXAMPLES,
)
