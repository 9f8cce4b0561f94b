"""An answer that anybody may ask for, and that is made only so often.

Purpose: to make it takes milliseconds, and may ask other processes. Whoever asks now
and then gets a new one each time; where many ask, they get the last one, which is a
quarter of a second old at most and costs nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, Generic, TypeVar

from server.transport.ratelimit.token_buckets import TokenBuckets

MADE_PER_S: Final = 4.0
MADE_BURST: Final = 8

T = TypeVar("T")


class Kept(Generic[T]):
    """The last answer, and a new one where that may be made."""

    def __init__(
        self, make: Callable[[], Awaitable[T]], now: Callable[[], float] = monotonic
    ) -> None:
        self._make = make
        self._now = now
        self._pace = TokenBuckets(MADE_PER_S, MADE_BURST)
        self._last: T | None = None
        self._under_way: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """Return an answer; raises what making it raises, which is not kept."""
        if self._under_way is None:
            allowed = self._pace.take("", self._now()).allowed
            if self._last is not None and not allowed:
                return self._last
            self._under_way = asyncio.create_task(self._work(), name="kept answer")
        # One who leaves must not end it for the others.
        return await asyncio.shield(self._under_way)

    async def _work(self) -> T:
        try:
            self._last = await self._make()
            return self._last
        finally:
            self._under_way = None
