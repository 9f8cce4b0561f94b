"""Gives back the orders of events that were cancelled, a slice at a time.

Purpose: ten thousand orders go back while other events sell. So no more than a few
wait for the provider at once, and each order is a transaction of its own.

Failure: what cannot be given back now is met again at the next turn; money whose
provider is away is asked for by whoever drives the order, for seven days.
"""

import asyncio
from typing import Final

import structlog

from persistence.shop.orders.cancelled import CancelledOrders, DueOrder
from server.base.refusals.refusals import Refusal
from server.shop.orders.driving.driver import Driver
from server.shop.orders.facts import EventCancelled
from server.shop.orders.giving.giver import Giver

EVERY_S: Final = 2.0
JOB: Final = "refund_event"

AT_ONCE_MAX: Final = 4
"""So many wait for the provider; each holds a connection for a moment only."""

log = structlog.get_logger()


class EventRefunds:
    """Gives back what was bought of cancelled events."""

    def __init__(self, store: CancelledOrders, giver: Giver, driver: Driver) -> None:
        self._store = store
        self._giver = giver
        self._driver = driver
        self._slots = asyncio.Semaphore(AT_ONCE_MAX)

    async def give_back(self) -> int:
        """Give back all that waits; return how many orders. Raises `Unavailable`."""
        given, after = 0, ""
        while due := await self._store.due(after):
            after = due[-1].order
            done = await asyncio.gather(*(self._one(one) for one in due))
            given += sum(done)
        return given

    async def _one(self, due: DueOrder) -> bool:
        async with self._slots:
            try:
                applied = await self._giver.give(due.order, due.event, EventCancelled())
            except Refusal as error:
                # A part of it goes back just now: it is met again.
                log.info("an order waits", order=due.order, reason=error.code)
                return False
            await self._driver.go_on(applied)
            return True
