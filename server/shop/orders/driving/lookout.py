"""Asks providers about attempts at rest: what they told may be lost for good."""

from typing import Final

import structlog

from persistence.postgres.pool import Pool
from persistence.shop.orders.looks import LOOKS_MAX, put_look, take_looks
from server.shop.orders.attempts import next_look_at_rest_ms
from server.shop.orders.driving.driver import Driver
from server.shop.payments.provider import ProviderUnavailable

EVERY_S: Final = 300.0
"""How often it is looked for attempts whose time has come."""

SLICES_MAX: Final = 10
"""How many times some are taken up before it is the next turn."""

FAILURES_MAX: Final = 3
"""After so many questions in a row without an answer a provider is left alone."""

log = structlog.get_logger()


class Lookout:
    """Looks at attempts that nobody asks about any more."""

    def __init__(self, pool: Pool, driver: Driver) -> None:
        self._pool = pool
        self._driver = driver

    async def look(self) -> None:
        """Look at attempts whose time has come, and go on with their orders.

        Raises `Unavailable`, and `ProviderUnavailable` where the provider is away: what
        it did not tell is asked again later.
        """
        provider = self._driver.provider
        if provider is None:
            return
        for _ in range(SLICES_MAX):
            if await self._look_at_some(provider.name) < LOOKS_MAX:
                break

    async def _look_at_some(self, provider: str) -> int:
        """Look at one slice of them; return how many were in it."""
        failures = 0
        slice_ = await take_looks(self._pool, provider)
        for due in slice_:
            try:
                await self._driver.look_at(due.order, due.payment)
            except ProviderUnavailable as error:
                # It may be the one attempt that it does not tell of.
                log.info("not told of", payment=due.payment, reason=str(error))
                failures += 1
                if failures == FAILURES_MAX:
                    raise
                continue
            failures = 0
            at_ms = next_look_at_rest_ms(due.made_ms, due.now_ms)
            await put_look(self._pool, due.payment, at_ms)
        return len(slice_)
