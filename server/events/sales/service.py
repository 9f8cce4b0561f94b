"""One command to an event, as somebody who may send it: hold, book, block.

Who sends it is asked of the database each time. Sockets go another way, on purpose
(`server.live.websocket.session`): there a command waits for nothing, so what somebody
is to an event is what this process knows, and the reply goes to a function and not to
whoever waits. What both decide with is the same: `server.base.access`.
"""

from typing import Final

from aiohttp import web

from inventory.commands import Block, Cancel, ClientCommand, Unblock
from inventory.replies import AnyOk, Refused
from server.base.access import may_command, missing_event
from server.base.identity import Identity
from server.base.refusals.refusals import (
    CommandRefused,
    Denied,
    Refusal,
    refuse_denied,
)
from server.events.catalogue.service import EventService, FoundEvent
from server.live.actors.registry import ask
from server.people.organisations.membership import Memberships


class SalesService:
    """Gives commands to events. Raises `Unavailable`, and `Refusal`."""

    def __init__(self, events: EventService, memberships: Memberships) -> None:
        self._events = events
        self._memberships = memberships

    async def run(
        self, who: Identity, command: ClientCommand, origin: str | None = None
    ) -> AnyOk:
        """Give a command to its event, under its own key, and return the reply.

        `origin` stands for the network that it came from, where that is limited; it is
        not for who runs the event, as far as is known in memory.
        Raises `CommandRefused` for what the event itself refuses.
        """
        blocks = isinstance(command, Block | Unblock)
        # Before the event is looked for, as the order of refusals has it.
        refuse_denied(may_command(who, blocks=blocks))
        event = await self._find(who, command.event, blocks)
        organizer = await self._is_run_by(who, command, event)
        if origin is not None and event.local.is_run_by(who):
            origin = None
        reply = await ask(
            event.local, command, who.user, organizer, command.key, origin=origin
        )
        if isinstance(reply, Refused):
            raise CommandRefused(reply)
        return reply

    async def _find(self, who: Identity, event: str, blocks: bool) -> FoundEvent:
        """Return the event of a command, deleted or not: a replay gets its answer."""
        try:
            return await self._events.find(who, event, deleted=True)
        except Refusal as error:
            if error.code == "event_not_found":
                raise Denied(missing_event(who, blocks=blocks)) from error
            raise

    async def _is_run_by(
        self, who: Identity, command: ClientCommand, event: FoundEvent
    ) -> bool:
        """Return whether somebody manages the event, where that makes a difference.

        Holding and booking, which buyers do all day, ask no database who does.
        """
        if not isinstance(command, Block | Unblock | Cancel):
            return False
        return await self._memberships.manages(who, event.organisation, event.maker)


SALES_SERVICE: Final = web.AppKey("sales service", SalesService)
