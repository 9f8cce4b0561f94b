"""A few connections to one database, given to one caller at a time.

Purpose: what a statement costs beside itself is taking a connection and giving it back,
so these are a pop and an append where one is idle. asyncpg's own pool makes a task for
each return, and asks the server to forget what nobody set.

Concurrency: of one loop. Who has to wait is served in order, and gets the connection
from the hands of who gives it back; or the place of one that was closed, to make a new
one.

Failure: one that is closed, expired, or still in a transaction is not given out again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, Final

import asyncpg

from persistence import limits

IDLE_S_MAX: Final = 300.0
"""One that nobody wanted for longer may be lost on the way, and is not used again."""


class Connections:
    """Connections of asyncpg: as many as are wanted at once, up to `size`.

    asyncpg ships no types, hence Any for its connections.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]], size: int) -> None:
        self._connect = connect
        self._size = size
        self._idle: deque[tuple[Any, float]] = deque()
        """With when they were given back, by our monotonic clock; newest last."""
        self._busy: dict[Any, bool] = {}
        """Those that are out, and whether they may be used again."""
        self._making = 0
        """Places of connections that are being made, or are promised to a waiter."""
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._closed = False
        self._all_back: asyncio.Future[None] | None = None

    async def take(self) -> Any:
        """Return a connection, which is to be given back.

        Raises what connecting does, TimeoutError where none becomes free for long, and
        asyncpg's InterfaceError once they are closed.
        """
        if self._closed:
            raise asyncpg.InterfaceError("the connections are closed")
        while self._idle:
            connection, since = self._idle.pop()
            if not connection.is_closed() and monotonic() - since < IDLE_S_MAX:
                self._busy[connection] = True
                return connection
            connection.terminate()
        if len(self._busy) + self._making < self._size:
            self._making += 1
            return await self._make()
        connection = await self._wait()
        return await self._make() if connection is None else connection

    def give_back(self, connection: Any) -> None:
        """Give a connection back; who has it must not use it any more."""
        usable = self._busy.pop(connection)
        if connection.is_closed() or not usable or connection.is_in_transaction():
            connection.terminate()
            self._promise_place()
        elif waiter := self._next_waiter():
            self._busy[connection] = True
            waiter.set_result(connection)
        elif self._closed:
            self._idle.append((connection, 0.0))
        else:
            now = monotonic()
            self._idle.append((connection, now))
            if now - self._idle[0][1] > IDLE_S_MAX:
                self._idle.popleft()[0].terminate()
        self._tell_closing()

    def expire(self) -> None:
        """Use none of those that there are again: the next are made anew."""
        for connection in self._busy:
            self._busy[connection] = False
        while self._idle:
            self._idle.pop()[0].terminate()

    async def close(self) -> None:
        """Give out no more, wait until all are back, and close them in order."""
        self._closed = True
        while waiter := self._next_waiter():
            waiter.set_exception(asyncpg.InterfaceError("the connections are closed"))
        if self._busy or self._making:
            self._all_back = asyncio.get_running_loop().create_future()
            await self._all_back
        idle = [connection.close() for connection, _ in self._idle]
        await asyncio.gather(*idle, return_exceptions=True)
        self._idle.clear()

    def terminate(self) -> None:
        """Close all of them at once, whoever uses them."""
        self._closed = True
        for connection in [*self._busy, *(one for one, _ in self._idle)]:
            connection.terminate()
        self._idle.clear()

    async def _make(self) -> Any:
        """Make a connection for a place that is ours."""
        try:
            connection = await self._connect()
        except BaseException:
            self._making -= 1
            self._promise_place()
            self._tell_closing()
            raise
        self._making -= 1
        self._busy[connection] = True
        return connection

    async def _wait(self) -> Any:
        """Return the next connection that is free; None for the place of one."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(limits.READ_TIMEOUT_S):
                return await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled() and not waiter.exception():
                self._give_on(waiter.result())
            raise

    def _give_on(self, connection: Any) -> None:
        """Give back what came to somebody who did not wait for it any more."""
        if connection is None:
            self._making -= 1
            self._promise_place()
            self._tell_closing()
        else:
            self.give_back(connection)

    def _promise_place(self) -> None:
        """Let the next who waits make a connection in the place of one that is gone."""
        if waiter := self._next_waiter():
            self._making += 1
            waiter.set_result(None)

    def _next_waiter(self) -> "asyncio.Future[Any] | None":
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None

    def _tell_closing(self) -> None:
        closing = self._all_back
        if closing is not None and not (self._busy or self._making or closing.done()):
            closing.set_result(None)
