"""Gives back the orders of events that were cancelled, a slice at a time.

Purpose: ten thousand orders go back while other events sell. So no more than a few
wait for the provider at once, each order is a transaction of its own, and after each
there is a rest: the longer it took, since others were busy, the longer, and much longer
where this process sold anything meanwhile. To give back what was cancelled commits
nothing of an event, so each commit is one of somebody who sells.

Failure: what cannot be given back now is met again at the next turn; money whose
provider is away is asked for by whoever drives the order, for seven days.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from persistence.shop.orders.cancelled import CancelledOrders, DueOrder
from server.base.refusals.refusals import Refusal
from server.shop.orders.driving.driver import Driver
from server.shop.orders.facts import EventCancelled
from server.shop.orders.giving.giver import Giver

EVERY_S: Final = 2.0
JOB: Final = "refund_event"

AT_ONCE_MAX: Final = 2
"""So many wait for the provider; each holds a connection for a moment only."""

RESTS: Final = 0.5
"""So many times as long as an order took there is a rest after it, of one in those that
are given back at once."""

RESTS_BESIDE: Final = 6.0
"""And so many where something was sold meanwhile: nobody waits for the last of ten
thousand as who buys waits."""

REST_S_MAX: Final = 0.25
"""Beside a sale a rest is no longer than that, or as long as without one: a provider
that takes its time is no load."""

log = structlog.get_logger()


class EventRefunds:
    """Gives back what was bought of cancelled events."""

    def __init__(
        self,
        store: CancelledOrders,
        giver: Giver,
        driver: Driver,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        commits: Callable[[], int] = lambda: 0,
    ) -> None:
        self._store = store
        self._sleep = sleep
        self._commits = commits
        """How often this process committed what happened to any event."""
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
        now_s = asyncio.get_running_loop().time
        async with self._slots:
            begun_s, commits = now_s(), self._commits()
            try:
                applied = await self._giver.give(due.order, due.event, EventCancelled())
            except Refusal as error:
                # A part of it goes back just now: it is met again.
                log.info("an order waits", order=due.order, reason=error.code)
                return False
            await self._driver.go_on(applied)
            beside = self._commits() != commits
            await self._sleep(rest_after(now_s() - begun_s, beside=beside))
            return True


def rest_after(took_s: float, *, beside: bool) -> float:
    """Return how long there is a rest after an order, in seconds."""
    rest_s = RESTS * took_s
    if beside:
        rest_s = max(rest_s, min(RESTS_BESIDE * took_s, REST_S_MAX))
    return rest_s
