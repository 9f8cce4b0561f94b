"""The typed wall around asyncpg: a small pool for everything but the journal.

asyncpg ships no type information, so what it gives is Any; it is named here once, and
the modules beside this one turn rows into structs at once. Errors that mean "not now"
become `Unavailable`; what the server says about the statement itself stays as it is.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from persistence import limits
from persistence.errors import Unavailable, reason_of
from persistence.postgres.connection import SERVER_SETTINGS

Row = Mapping[str, Any]
UniqueViolation: type[Exception] = asyncpg.UniqueViolationError
ExclusionViolation: type[Exception] = asyncpg.ExclusionViolationError
ForeignKeyViolation: type[Exception] = asyncpg.ForeignKeyViolationError
CheckViolation: type[Exception] = asyncpg.CheckViolationError

# Connection lost, read-only after a failover, conflict, resources, shutdown, I/O.
_NOT_NOW_CLASSES = frozenset({"08", "25", "40", "53", "55", "57", "58", "XX"})
_READ_ONLY = "25006"
_GIVEN_UP = (asyncio.CancelledError, TimeoutError)
_TROUBLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


async def _keep(connection: Any) -> None:
    """Give a connection back as it is: nobody sets anything for a session.

    asyncpg would ask the server to forget it, a question for each statement.
    """


class Pool:
    """A few connections for reads and for ordinary statements."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._shelf = _Shelf(pool)

    @classmethod
    async def open(
        cls,
        url: str,
        size: int = limits.READ_CONNECTIONS_MAX,
        name: str = "onsale",
        *,
        replan: bool = False,
    ) -> "Pool":
        """Connect once, to fail early; further connections are made when needed.

        `replan` is for few, large statements about tables that grow while they run: the
        plan that was good for an empty table would be kept until somebody counts it.
        """
        settings = {**SERVER_SETTINGS, "application_name": name}
        if replan:
            settings["plan_cache_mode"] = "force_custom_plan"
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=size,
                timeout=limits.CONNECT_TIMEOUT_S,
                command_timeout=limits.READ_TIMEOUT_S,
                server_settings=settings,
                target_session_attrs="read-write",
                reset=_keep,
            )
        except (
            OSError,
            TimeoutError,
            asyncpg.PostgresError,
            asyncpg.InternalClientError,
        ) as error:
            raise Unavailable(f"cannot connect: {reason_of(error)}") from error
        return cls(pool)

    async def close(self, s_max: float = limits.CLOSE_S_MAX / 2) -> None:
        """Let the calls under way end, but not for ever."""
        try:
            async with asyncio.timeout(s_max):
                await self._shelf.close()
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """Run one statement and return its rows."""
        async with self._connection() as connection:
            rows: list[Row] = await connection.fetch(sql, *args)
            return rows

    async def fetch_one(self, sql: str, *args: object) -> Row | None:
        """Run one statement and return its first row."""
        rows = await self.fetch(sql, *args)
        return rows[0] if rows else None

    async def count(self, sql: str, *args: object) -> int:
        """Return how many rows a list has, in whose statement order and limit are last.

        Give None for the limit and for where a page begins.
        """
        rows, _, ending = sql.rpartition("ORDER BY")
        counted = f"{rows} LIMIT {ending.rpartition('LIMIT')[2]}"
        found = await self.fetch(f"SELECT count(*) FROM ({counted}) AS counted", *args)
        total: int = found[0]["count"]
        return total

    @asynccontextmanager
    async def transaction(
        self, isolation: str = "read_committed", readonly: bool = False
    ) -> AsyncIterator[Any]:
        """Give an asyncpg connection in a transaction; never for the journal.

        An error must leave the block: swallowed inside, it would turn the commit into a
        rollback without a word.
        """
        async with self._connection() as connection:
            transaction = connection.transaction(isolation=isolation, readonly=readonly)
            await transaction.start()
            try:
                yield connection
            except _GIVEN_UP:
                # The connection goes, and the transaction with it: see `_connection`.
                raise
            except BaseException:
                await transaction.rollback()
                raise
            await transaction.commit()

    def _connection(self) -> "_Lease":
        return _Lease(self._shelf)


class _Shelf:
    """Connections between two statements, ready for whoever comes next.

    To take one of asyncpg's pool and give it back costs a task and a timer each, more
    than a small statement does. So who is done leaves it here, where nobody waits for
    one, and it goes back with the next look: then asyncpg may close what is too many.
    """

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.waiting = 0
        """Who waits for asyncpg's pool, to which all that is done goes meanwhile."""
        self._ready: list[Any] = []
        self._look: asyncio.TimerHandle | None = None
        self._closed = False
        self._returning: set[asyncio.Task[None]] = set()

    async def take(self) -> Any:
        """Return a connection; wait for one where all are in use."""
        while self._ready:
            connection = self._ready.pop()
            if _is_usable(connection):
                return connection
            await self.pool.release(connection)
        self.waiting += 1
        try:
            return await self.pool.acquire(timeout=limits.READ_TIMEOUT_S)
        finally:
            self.waiting -= 1

    async def leave(self, connection: Any) -> None:
        """Take one back of which nothing went wrong."""
        if self.waiting or self._closed or not _is_usable(connection):
            await self.pool.release(connection)
            return
        self._ready.append(connection)
        if self._look is None:
            loop = asyncio.get_running_loop()
            self._look = loop.call_later(limits.READY_S, self._begin_return)

    async def clear(self) -> None:
        """Give back to asyncpg all that is ready."""
        ready, self._ready = self._ready, []
        for connection in ready:
            await self.pool.release(connection)

    async def close(self) -> None:
        """Give back all, now and from now on."""
        self._closed = True
        if self._look is not None:
            self._look.cancel()
        await self.clear()

    def _begin_return(self) -> None:
        self._look = None
        returning = asyncio.create_task(self.clear())
        self._returning.add(returning)
        returning.add_done_callback(self._returning.discard)


def _is_usable(connection: Any) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        # asyncpg took it back by itself, when it was lost.
        return False


class _Lease:
    """A connection while somebody works with it; says what its errors mean."""

    def __init__(self, shelf: _Shelf) -> None:
        self._shelf = shelf
        self._connection: Any = None

    async def __aenter__(self) -> Any:
        try:
            self._connection = await self._shelf.take()
        except Exception as error:
            await self._translate(error)
            raise
        return self._connection

    async def __aexit__(
        self, kind: object, error: BaseException | None, traceback: object
    ) -> None:
        connection, self._connection = self._connection, None
        if error is None:
            await self._shelf.leave(connection)
            return
        if isinstance(error, _GIVEN_UP):
            # asyncpg asks the server to cancel, and gives the connection back only when
            # that has answered: never, where it says nothing.
            connection.terminate()
        await self._shelf.pool.release(connection)
        await self._translate(error)

    async def _translate(self, error: BaseException) -> None:
        """Raise `Unavailable` for what means "not now"."""
        if isinstance(error, asyncpg.PostgresError):
            state = str(error.sqlstate)
            if state == _READ_ONLY:
                await self._shelf.pool.expire_connections()
                await self._shelf.clear()
            if state[:2] in _NOT_NOW_CLASSES:
                raise Unavailable(f"{state} {error}") from error
        elif isinstance(error, _TROUBLE):
            raise Unavailable(repr(error)) from error
