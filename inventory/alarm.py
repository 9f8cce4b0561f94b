"""What an actor sleeps by: it is woken by a command, or at a time."""

import asyncio


class Alarm:
    """Lets one task sleep until it is woken, or until some time has passed."""

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._at = 0.0

    def wake(self) -> None:
        """End the sleep, if there is one."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def sleep(self, delay_s: float) -> None:
        """Sleep until `wake`, or for `delay_s` at most; perhaps shorter.

        A timer that is too early is left as it is: to set another one for each command
        costs more than to wake up once for nothing.
        """
        loop = asyncio.get_running_loop()
        at = loop.time() + max(0.0, delay_s) + 0.001
        if self._timer is None or at < self._at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._at = loop.call_at(at, self._ring), at
        self._waiter = loop.create_future()
        await self._waiter
        self._waiter = None

    def cancel(self) -> None:
        """Drop the timer; nobody sleeps any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self.wake()
