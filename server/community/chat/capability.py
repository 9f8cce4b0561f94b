"""Chat: the rooms of events and orders."""

from typing import Final

from persistence.community.chat.messages import Messages
from persistence.community.chat.rooms import Rooms, forget_talk
from server.community.chat import rest, rest_moderation
from server.community.chat.broadcast import Broadcast
from server.community.chat.documents import Changed, RoomNow, RoomOver, Said
from server.community.chat.examples import EXAMPLES, PARAMETERS
from server.community.chat.frames import FRAMES
from server.community.chat.service import CHAT_SERVICE, ChatService
from server.events.catalogue.service import EVENT_SERVICE
from server.people.organisations.membership import MEMBERSHIPS
from server.shop.orders.service import ORDER_SERVICE
from server.transport.bus.open import BUS
from server.transport.capability.capability import Capability, Startup
from server.transport.jobs.scheduler import JOBS

FORGET_S: Final = 3_600.0


async def _open(startup: Startup) -> None:
    rooms, messages = Rooms(startup.pool), Messages(startup.pool)
    broadcast = Broadcast(
        startup[BUS],
        startup.instance.process,
        messages.after,
        startup.clock.monotonic,
    )
    startup[CHAT_SERVICE] = ChatService(
        rooms,
        messages,
        startup[EVENT_SERVICE],
        startup[MEMBERSHIPS],
        startup[ORDER_SERVICE],
        broadcast,
    )
    startup.run(broadcast.run(), "rooms")
    startup.on_stop(broadcast.close)

    async def forget() -> None:
        while await rooms.forget():
            pass

    startup[JOBS].every("old rooms", FORGET_S, forget)


CHAT: Final = Capability(
    name="chat",
    open=_open,
    routes=(*rest.ROUTES, *rest_moderation.ROUTES),
    frames=FRAMES,
    tells=(Said, Changed, RoomNow, RoomOver),
    parameters=PARAMETERS,
    makes={"messages": "message"},
    tags={
        rest.TAG: """\
Each event has a room for who has a place there, each order one for its buyer; who runs
the event is in both, and moderates. What is said is numbered without a gap: whoever
knows a number asks for what came after it. Live on the websocket with `join_room`,
`say`, `seen` and `leave_room`.""",
    },
    examples=EXAMPLES,
    erase=(forget_talk,),
)
