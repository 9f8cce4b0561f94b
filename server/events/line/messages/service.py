"""What those who manage an event say to those who wait in its line."""

from collections.abc import Callable
from typing import Final

from aiohttp import web

from inventory.commands import SetLine
from persistence.events.line.lines import Said
from persistence.events.line.messages import LineMessage, Messages
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal
from server.events.catalogue.service import EventService, ManagedEvent
from server.events.line.messages.problems import LINE_MESSAGE_NOT_FOUND
from server.events.line.messages.telling import LineMessageFrame, message_of
from server.events.line.service import order
from server.transport.rest.idempotency import hash_request, new_id


class MessageService:
    """Keeps what is said to a line, and has it told.

    Raises `Unavailable`, and `Refusal`.
    """

    def __init__(
        self,
        events: EventService,
        messages: Messages,
        tell: Callable[[LineMessageFrame], None],
    ) -> None:
        self.messages = messages
        self._events = events
        self._tell = tell

    async def managed(self, who: Identity, event: str) -> ManagedEvent:
        """Return an event to somebody who manages it."""
        return await self._events.find_managed(who, event)

    async def say(
        self, event: ManagedEvent, text: str, texts: dict[str, str], key: str | None
    ) -> LineMessage:
        """Say something to all who wait, and to who comes later.

        Under a key that was used it is told again, with the same id: nobody knows
        whether the first time came so far. `line_not_open` or `line_over` where nobody
        can wait.
        """
        user = event.who.user
        hashed = hash_request([event.id, text, texts])
        name = new_id("message", f"{event.id} {user}", key)
        # Its transcript says that something was said, whatever becomes of it then.
        command = SetLine(id=0, event=event.id, act="message", message=name)
        await order(event, user, command, organizer=True, key=name)
        said = await self.messages.say(name, event.id, text, texts, hashed, user)
        if said.request_hash != hashed:
            raise Refusal("key_reused")
        told = Said(said.message_id, said.text, said.texts, said.said_at)
        self._tell(message_of(event.id, told))
        return said

    async def find(self, who: Identity | None, event: str, message: str) -> LineMessage:
        """Return something that was said, to whoever may see the event."""
        await self._events.find(who, event)
        found = await self.messages.find(event, message)
        if found is None:
            raise Refusal(LINE_MESSAGE_NOT_FOUND)
        return found

    async def seen(self, who: Identity | None, event: str) -> None:
        """Refuse whoever may not see the event."""
        await self._events.find(who, event)


MESSAGE_SERVICE: Final = web.AppKey("line messages", MessageService)
