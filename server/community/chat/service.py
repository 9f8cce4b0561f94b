"""Who may be in a room, and what they may do there."""

from hashlib import blake2b
from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from inventory.rejections import MANAGERS_ONLY
from persistence.community.chat.messages import (
    Case,
    KeyReused,
    Message,
    Messages,
    NoMessage,
    RoomClosed,
    Saying,
    Settled,
    Silenced,
    State,
    TooFast,
)
from persistence.community.chat.rooms import Listed, Membership, Room, Rooms
from persistence.errors import Revisions
from server.base.identity import Identity, Machine
from server.base.refusals.refusals import Refusal
from server.community.chat.broadcast import Broadcast
from server.community.chat.documents import is_for
from server.community.chat.problems import (
    BANNED,
    MESSAGE_NOT_FOUND,
    MESSAGE_SETTLED,
    MUTED,
    NOBODY_THERE,
    ROOM_CLOSED,
    ROOM_NOT_FOUND,
    TOO_FAST,
)
from server.events.catalogue.service import EventService
from server.people.organisations.membership import Memberships
from server.shop.orders.service import OrderService

CASES_MAX: Final = 200


class Participant(Struct, frozen=True):
    """Somebody in a room: under which name, and whether they moderate it."""

    room: Room
    user: str
    name: str
    staff: bool
    member: Membership


class ChatService:
    """Lets people into rooms and talk there. Raises `Unavailable`, and `Refusal`."""

    def __init__(
        self,
        rooms: Rooms,
        messages: Messages,
        events: EventService,
        memberships: Memberships,
        orders: OrderService,
        broadcast: Broadcast,
    ) -> None:
        self.rooms = rooms
        self.messages = messages
        self.broadcast = broadcast
        self._events = events
        self._memberships = memberships
        self._orders = orders

    async def enter(self, who: Identity, name: str) -> Participant:
        """Let somebody into a room: `event:…` or `order:…`.

        That of an event is for who has a place there, that of an order for its buyer;
        both for who runs the event, who moderate.
        """
        kind, _, about = name.partition(":")
        if isinstance(who, Machine) or not about:
            raise Refusal(ROOM_NOT_FOUND)
        if kind == "event":
            event, order, user = about, None, who.user
        elif kind == "order":
            event, order, user = await self._order_of(who, about)
        else:
            raise Refusal(ROOM_NOT_FOUND)
        staff = await self._runs(who, event)
        if not staff and order is None:
            await self._require_place(who, event)
        if order is not None and staff:
            user = who.user
        room = await self.rooms.open(name, event, order)
        member = await self.rooms.membership(name, user)
        if member.banned and not staff:
            raise Refusal(BANNED)
        called = await self.rooms.name_of(user) or _guest_name(name, user)
        return Participant(room, user, called, staff, member)

    async def moderate(self, who: Identity, name: str) -> Participant:
        """Let in somebody who moderates a room, as who runs its event does."""
        participant = await self.enter(who, name)
        if not participant.staff:
            raise Refusal("forbidden", MANAGERS_ONLY)
        return participant

    async def say(
        self, who: Participant, key: str, text: str, reply_to: int | None = None
    ) -> Message:
        """Say something; the same key again is the same message."""
        saying = Saying(who.user, who.name, who.staff, key, text, reply_to)
        try:
            message = await self.messages.say(who.room.room, saying)
        except KeyReused as error:
            raise Refusal("key_reused") from error
        except NoMessage as error:
            raise Refusal(MESSAGE_NOT_FOUND, "There is nothing to answer.") from error
        except RoomClosed as error:
            raise Refusal(ROOM_CLOSED) from error
        except TooFast as error:
            raise Refusal(TOO_FAST) from error
        except Silenced as error:
            raise Refusal(BANNED if error.until is None else MUTED) from error
        self.broadcast.publish(message)
        return message

    async def find(self, who: Participant, seq: int) -> Message:
        """Return a message that somebody may see."""
        message = await self.messages.find(who.room.room, seq)
        if message is None or not is_for(message, who.user, who.staff):
            raise Refusal(MESSAGE_NOT_FOUND)
        return message

    async def edit(
        self, who: Participant, seq: int, text: str, seen: Revisions
    ) -> Message:
        """Say something else instead, within 15 minutes."""
        try:
            message = await self.messages.edit(who.room.room, seq, who.user, text, seen)
        except NoMessage as error:
            raise Refusal(MESSAGE_NOT_FOUND) from error
        except Settled as error:
            raise Refusal(MESSAGE_SETTLED) from error
        self.broadcast.publish(message)
        return message

    async def settle(
        self, who: Participant, seq: int, state: State, seen: Revisions = None
    ) -> Message:
        """Delete one's own message; let one through or remove it, as who moderates."""
        user = who.user if state == "deleted" else None
        try:
            message = await self.messages.settle(who.room.room, seq, user, state, seen)
        except NoMessage as error:
            raise Refusal(MESSAGE_NOT_FOUND) from error
        self.broadcast.publish(message)
        return message

    async def report(self, who: Participant, seq: int, reason: str) -> None:
        """Ask those who moderate to look at a message."""
        try:
            await self.messages.report(who.room.room, seq, who.user, reason)
        except NoMessage as error:
            raise Refusal(MESSAGE_NOT_FOUND) from error

    async def silence(
        self, who: Participant, user: str, seconds: int, banned: bool
    ) -> Membership:
        """Mute somebody for some time, or put them out; with neither, pardon them."""
        member = await self.rooms.silence(who.room.room, user, seconds, banned)
        if member is None:
            raise Refusal(NOBODY_THERE)
        if banned:
            self.broadcast.turn_out(who.room.room, user)
        return member

    async def edit_room(
        self, who: Participant, given: dict[str, Any], seen: Revisions
    ) -> Room:
        """Set how slow a room is, which words are held, and whether it is closed."""
        return await self.rooms.edit(who.room.room, given, seen)

    async def cases(self, who: Participant) -> list[Case]:
        """Return what waits for who moderates: what is held, and what is reported."""
        return await self.messages.cases(who.room.room, CASES_MAX)

    async def list_of(self, who: Identity, event: str | None) -> list[Listed]:
        """Return the rooms of somebody, or those about an event for who runs it."""
        if event is None:
            return await self.rooms.list_of(who.user)
        row = await self._events.find_shown_row(who, event)
        await self._memberships.require_insight(who, row.organisation, row.created_by)
        return await self.rooms.list_of_event(who.user, event)

    async def _order_of(self, who: Identity, order: str) -> tuple[str, str, str]:
        try:
            stored = await self._orders.find(who, order)
        except Refusal as refusal:
            raise Refusal(ROOM_NOT_FOUND) from refusal
        # Who opened it with a secret is its buyer.
        return stored.state.event, stored.state.order, stored.user

    async def _runs(self, who: Identity, event: str) -> bool:
        try:
            row = await self._events.find_shown_row(who, event)
        except Refusal as refusal:
            raise Refusal(ROOM_NOT_FOUND) from refusal
        return await self._memberships.sees(who, row.organisation, row.created_by)

    async def _require_place(self, who: Identity, event: str) -> None:
        if not await self.rooms.has_place(event, who.user):
            raise Refusal(ROOM_NOT_FOUND)


def _guest_name(room: str, user: str) -> str:
    """Return a name for somebody without one, the same each time in a room."""
    return f"Guest {blake2b(f'{room} {user}'.encode(), digest_size=2).hexdigest()}"


CHAT_SERVICE: Final = web.AppKey("chat service", ChatService)
