"""Whom an event is there for, by its row: asked before anything of it is loaded.

Purpose: who asks for a draft of others hears that there is none. Nobody makes us read
its map, or follow its journal, to be told so.

Invariants: all who look at one event at a time wait for one answer, and go on in the
order in which they asked. Nobody hears that an event is not there by a look that began
before they asked: it may be published since.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from functools import partial

from msgspec import Struct

from persistence.events.catalog import Catalog
from persistence.events.rows import EventRow
from server.base import access
from server.base.access import Seller
from server.base.identity import Identity

SellerOf = Callable[[str | None], Awaitable[Seller | None]]


def is_hidden_from(
    user: Identity, seller: Seller | None, maker: str, sale_state: str
) -> bool:
    """Return whether this is a draft of others, as far as is known in memory."""
    if seller is None:
        return access.is_hidden(user, None, None, maker, sale_state)
    role = seller.role_of(user.user)
    return access.is_hidden(user, seller.organisation, role, maker, sale_state)


class Seen(Struct, frozen=True):
    """An event's row, and the organisation that it belongs to."""

    row: EventRow
    seller: Seller | None

    def is_there_for(self, user: Identity, deleted: bool) -> bool:
        """Return whether somebody may know of it; of a deleted one where `deleted`."""
        settings = self.row.settings
        if settings.deleted and not deleted:
            return False
        made_by = self.row.created_by
        return not is_hidden_from(user, self.seller, made_by, settings.sale_state)


class Looks:
    """Looks at the rows of events that are not loaded."""

    def __init__(self, catalog: Catalog, seller_of: SellerOf) -> None:
        self._catalog = catalog
        self._seller_of = seller_of
        self.under_way: dict[str, asyncio.Task[Seen | None]] = {}

    async def is_there_for(self, user: Identity, event: str, *, deleted: bool) -> bool:
        """Return whether there is an event for somebody; raises `Unavailable`."""
        task = self.under_way.get(event)
        joined = task is not None
        if task is None:
            task = self._begin(event)
        # Whoever goes away ends it for nobody else.
        seen = await asyncio.shield(task)
        if joined and (seen is None or not seen.is_there_for(user, deleted)):
            seen = await self._look(event)
        return seen is not None and seen.is_there_for(user, deleted)

    def _begin(self, event: str) -> "asyncio.Task[Seen | None]":
        task = asyncio.create_task(
            self._look(event), name=f"look at {event}", context=Context()
        )
        self.under_way[event] = task
        task.add_done_callback(partial(self._seen, event))
        return task

    async def _look(self, event: str) -> Seen | None:
        row = await self._catalog.find_event(event)
        return (
            None if row is None else Seen(row, await self._seller_of(row.organisation))
        )

    def _seen(self, event: str, task: "asyncio.Task[Seen | None]") -> None:
        del self.under_way[event]
        if not task.cancelled():
            # Looked at here, because all who asked may be gone by now.
            task.exception()
