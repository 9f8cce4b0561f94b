"""The typed wall around asyncpg: a small pool for everything but the journal.

asyncpg ships no type information, so what it gives is Any; it is named here once, and
the modules beside this one turn rows into structs at once. Errors that mean "not now"
become `Unavailable`; what the server says about the statement itself stays as it is.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NoReturn

import asyncpg

from persistence import limits
from persistence.errors import Unavailable, reason_of
from persistence.postgres.connection import SERVER_SETTINGS
from persistence.postgres.connections import Connections

Row = Mapping[str, Any]
UniqueViolation: type[Exception] = asyncpg.UniqueViolationError
ExclusionViolation: type[Exception] = asyncpg.ExclusionViolationError
ForeignKeyViolation: type[Exception] = asyncpg.ForeignKeyViolationError

# Connection lost, read-only after a failover, conflict, resources, shutdown, I/O.
_NOT_NOW_CLASSES = frozenset({"08", "25", "40", "53", "55", "57", "58", "XX"})
_READ_ONLY = "25006"
_GIVEN_UP = (asyncio.CancelledError, TimeoutError)
_TROUBLES = (
    asyncpg.PostgresError,
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


class Pool:
    """A few connections for reads and for ordinary statements."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

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
        connections = Connections(
            partial(
                asyncpg.connect,
                url,
                timeout=limits.CONNECT_TIMEOUT_S,
                command_timeout=limits.READ_TIMEOUT_S,
                server_settings=settings,
                target_session_attrs="read-write",
            ),
            size,
        )
        try:
            connections.give_back(await connections.take())
        except (
            OSError,
            TimeoutError,
            asyncpg.PostgresError,
            asyncpg.InternalClientError,
        ) as error:
            raise Unavailable(f"cannot connect: {reason_of(error)}") from error
        return cls(connections)

    async def close(self, s_max: float = limits.CLOSE_S_MAX / 2) -> None:
        """Let the calls under way end, but not for ever."""
        try:
            async with asyncio.timeout(s_max):
                await self._connections.close()
        except TimeoutError:
            self._connections.terminate()

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """Run one statement and return its rows."""
        try:
            connection = await self._connections.take()
            try:
                rows: list[Row] = await connection.fetch(sql, *args)
            except _GIVEN_UP:
                # asyncpg would ask the server to cancel, and wait for its answer:
                # for ever, where it says nothing.
                connection.terminate()
                raise
            finally:
                self._connections.give_back(connection)
        except _TROUBLES as error:
            self._judge(error)
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
        try:
            connection = await self._connections.take()
            try:
                transaction = connection.transaction(
                    isolation=isolation, readonly=readonly
                )
                await transaction.start()
                try:
                    yield connection
                except _GIVEN_UP:
                    raise  # The connection goes, and the transaction with it.
                except BaseException:
                    await transaction.rollback()
                    raise
                await transaction.commit()
            except _GIVEN_UP:
                connection.terminate()
                raise
            finally:
                self._connections.give_back(connection)
        except _TROUBLES as error:
            self._judge(error)

    def _judge(self, error: Exception) -> NoReturn:
        """Raise `Unavailable` for what means "not now", else the error as it is."""
        if not isinstance(error, asyncpg.PostgresError):
            raise Unavailable(repr(error)) from error
        state = str(error.sqlstate)
        if state == _READ_ONLY:
            self._connections.expire()
        if state[:2] in _NOT_NOW_CLASSES:
            raise Unavailable(f"{state} {error}") from error
        raise error
