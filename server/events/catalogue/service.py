"""Events as somebody may see, manage and make them, whoever asks and over whatever."""

from typing import TYPE_CHECKING, Final

from aiohttp import web
from msgspec import Struct

from inventory.commands import ChangeSale, Configure, DeleteEvent
from inventory.replies import Refused
from server.base import limits
from server.base.identity import Identity
from server.base.refusals.refusals import CommandRefused, Refusal
from server.live.actors.registry import (
    EventNotFound,
    EventRegistry,
    EventUnavailable,
    ServedEvent,
    ask,
)
from server.live.fanout.board import Board
from server.people.organisations.membership import Memberships

if TYPE_CHECKING:
    from persistence.events.rows import EventRow
    from server.events.catalogue.row_cache import EventRows


class FoundEvent(Struct):
    """An event that is there: its actor's address, and its id."""

    id: str
    local: ServedEvent

    @property
    def board(self) -> Board:
        """What is committed of it."""
        return self.local.board

    @property
    def organisation(self) -> str | None:
        """The organisation that it belongs to."""
        seller = self.local.seller
        return None if seller is None else seller.organisation

    @property
    def maker(self) -> str:
        """Who made it, and has it where no organisation does."""
        return self.local.maker


class ManagedEvent(FoundEvent):
    """An event with somebody who manages it; `EventService.find_managed` makes it."""

    who: Identity


class EventService:
    """Finds events. All raise `Unavailable`, and `Refusal` for what they refuse."""

    def __init__(
        self, registry: EventRegistry, rows: "EventRows", memberships: Memberships
    ) -> None:
        self._registry = registry
        self._rows = rows
        self._memberships = memberships

    async def find(
        self, who: Identity | None, event: str, deleted: bool = False
    ) -> FoundEvent:
        """Return an event, activated, as somebody may see it.

        A deleted one is found only where that is asked for; a draft only by those who
        run the event.
        """
        found = await self.load(event, deleted)
        state = found.board.settings.sale_state
        if await self._memberships.is_hidden(
            who, found.organisation, found.maker, state
        ):
            raise Refusal("event_not_found")
        return found

    async def find_managed(
        self, who: Identity, event: str, deleted: bool = False
    ) -> ManagedEvent:
        """Return an event to somebody who manages it."""
        found = await self.find(who, event, deleted)
        whose = found.organisation, found.maker
        deleted = found.board.settings.deleted
        if deleted and not await self._memberships.manages(who, *whose):
            # To all others it is gone.
            raise Refusal("event_not_found")
        await self._memberships.require_manager(who, *whose)
        return ManagedEvent(found.id, found.local, who)

    async def load(self, event: str, deleted: bool = False) -> FoundEvent:
        """Return an event, activated, whoever asks."""
        try:
            local = await self._registry.find(event)
        except EventNotFound as error:
            raise Refusal("event_not_found") from error
        except EventUnavailable as error:
            raise Refusal("unavailable") from error
        if local.board.settings.deleted and not deleted:
            raise Refusal("event_not_found")
        return FoundEvent(event, local)

    async def find_row(self, event: str) -> "EventRow":
        """Return an event's row, for what stands beside its board."""
        row = await self._rows.find(event)
        if row is None:
            raise Refusal("event_not_found")
        return row

    async def find_shown_row(self, who: Identity | None, event: str) -> "EventRow":
        """Return the row of an event that was not deleted, as somebody may see it."""
        row = await self.find_row(event)
        whose, state = (row.organisation, row.created_by), row.settings.sale_state
        if row.settings.deleted or await self._memberships.is_hidden(
            who, *whose, state
        ):
            raise Refusal("event_not_found")
        return row

    async def order(
        self,
        event: ManagedEvent,
        command: ChangeSale | Configure | DeleteEvent,
        key: str | None,
        request_hash: bytes | None = None,
    ) -> None:
        """Give an event a command of who manages it; raises `CommandRefused`."""
        who = event.who.user
        reply = await ask(event.local, command, who, True, key, request_hash)
        if isinstance(reply, Refused):
            raise CommandRefused(reply)
        if isinstance(reply.version, int):
            # Where another process owns the event, its news may come after its answer.
            await event.local.hub.reach(reply.version, limits.LOAD_S_MAX)


EVENT_SERVICE: Final = web.AppKey("event service", EventService)
