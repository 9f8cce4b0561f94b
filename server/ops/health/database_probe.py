"""Whether the database still answers, for the health page and for readiness.

It is asked every two seconds over the pool. One lost answer means little, so only a
long silence makes the server unready, and the next answer ends it: it cannot flap.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

import structlog
from aiohttp import web

from persistence.errors import Unavailable, reason_of

ASK_EVERY_S: Final = 2.0
ANSWER_S_MAX: Final = 3.0
DEGRADED_AFTER_S: Final = 6.0
DOWN_AFTER_S: Final = 15.0

assert ASK_EVERY_S + ANSWER_S_MAX < DEGRADED_AFTER_S < DOWN_AFTER_S

log = structlog.get_logger()


class DatabaseProbe:
    """Remembers when the database answered last."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[object]],
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._ask = ask
        self._now = now
        self._answered_at = now()
        self._failing = False

    @property
    def silent_s(self) -> float:
        """Seconds since the last answer."""
        return self._now() - self._answered_at

    @property
    def status(self) -> str:
        """Return ok, degraded, or down."""
        silent_s = self.silent_s
        if silent_s >= DOWN_AFTER_S:
            return "down"
        return "degraded" if silent_s >= DEGRADED_AFTER_S else "ok"

    async def run(self) -> None:
        """Ask again and again."""
        while True:
            await self.beat()
            await asyncio.sleep(ASK_EVERY_S)

    async def beat(self) -> None:
        """Ask once."""
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                await self._ask()
        except (Unavailable, TimeoutError) as error:
            if not self._failing:
                log.warning("the database does not answer", reason=reason_of(error))
            self._failing = True
            return
        self._answered_at = self._now()
        if self._failing:
            log.info("the database answers again")
        self._failing = False


DURABILITY: Final = web.AppKey("durability", str)
DATABASE_PROBE: Final = web.AppKey("probe", DatabaseProbe)
