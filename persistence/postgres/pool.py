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


async def _keep(connection: Any) -> None:
    """Give a connection back as it is: nobody sets anything for a session.

    asyncpg would ask the server to forget it, a question for each statement.
    """


class Pool:
    """A few connections for reads and for ordinary statements."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

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

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        try:
            async with self._pool.acquire(timeout=limits.READ_TIMEOUT_S) as connection:
                try:
                    yield connection
                except _GIVEN_UP:
                    # asyncpg asks the server to cancel, and gives the connection back
                    # only when that has answered: never, where it says nothing.
                    connection.terminate()
                    raise
        except asyncpg.PostgresError as error:
            state = str(error.sqlstate)
            if state == _READ_ONLY:
                await self._pool.expire_connections()
            if state[:2] in _NOT_NOW_CLASSES:
                raise Unavailable(f"{state} {error}") from error
            raise
        except (
            OSError,
            TimeoutError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
        ) as error:
            raise Unavailable(repr(error)) from error
