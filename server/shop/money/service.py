"""What events took, for those who manage them."""

import asyncio
from typing import Final

from aiohttp import web
from msgspec import Struct

from persistence.postgres.pool import Pool
from persistence.shop.money.parts import Kind, Way, kinds_of, ways_of
from persistence.shop.money.sums import Takings, takings_of
from server.base.identity import Identity
from server.events.catalogue.service import EventService
from server.people.organisations.membership import Memberships


class Money(Struct, frozen=True):
    """What an event took by currency, by way of payment, and by kind of ticket."""

    takings: list[Takings]
    ways: list[Way]
    kinds: list[Kind]


class MoneyService:
    """Tells of money. Raises `Unavailable`, and `Refusal` for what it refuses."""

    def __init__(
        self, pool: Pool, events: EventService, memberships: Memberships
    ) -> None:
        self._pool = pool
        self._events = events
        self._memberships = memberships
        self._under_way: dict[str, asyncio.Task[Money]] = {}

    async def takings(self, who: Identity, event: str) -> Money:
        """Return what an event took, to somebody who manages it.

        It is summed up over all its orders, so whoever asks meanwhile waits for that.
        """
        row = await self._events.find_shown_row(who, event)
        await self._memberships.require_manager(who, row.organisation, row.created_by)
        task = self._under_way.get(event)
        if task is None:
            task = asyncio.create_task(self._sum_up(event))
            self._under_way[event] = task
            task.add_done_callback(lambda _: self._under_way.pop(event, None))
        return await asyncio.shield(task)

    async def _sum_up(self, event: str) -> Money:
        """Return all of it as of one moment: else its parts would not add up."""
        async with self._pool.transaction("repeatable_read", readonly=True) as now:
            return Money(
                await takings_of(now, event),
                await ways_of(now, event),
                await kinds_of(now, event),
            )


MONEY_SERVICE: Final = web.AppKey("money service", MoneyService)
