"""What events took, for those who manage them."""

import asyncio
from typing import Final

from aiohttp import web

from persistence.postgres.pool import Pool
from persistence.shop.money.sums import Takings, takings_of
from server.base.identity import Identity
from server.events.catalogue.service import EventService
from server.people.organisations.membership import Memberships


class MoneyService:
    """Tells of money. Raises `Unavailable`, and `Refusal` for what it refuses."""

    def __init__(
        self, pool: Pool, events: EventService, memberships: Memberships
    ) -> None:
        self._pool = pool
        self._events = events
        self._memberships = memberships
        self._under_way: dict[str, asyncio.Task[list[Takings]]] = {}

    async def takings(self, who: Identity, event: str) -> list[Takings]:
        """Return what an event took by currency, to somebody who manages it.

        It is summed up over all its orders, so whoever asks meanwhile waits for that.
        """
        row = await self._events.find_shown_row(who, event)
        await self._memberships.require_manager(who, row.organisation, row.created_by)
        task = self._under_way.get(event)
        if task is None:
            task = asyncio.create_task(takings_of(self._pool, event))
            self._under_way[event] = task
            task.add_done_callback(lambda _: self._under_way.pop(event, None))
        return await asyncio.shield(task)


MONEY_SERVICE: Final = web.AppKey("money service", MoneyService)
