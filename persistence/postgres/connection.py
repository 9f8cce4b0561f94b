"""One dedicated connection to Postgres, and how a call over it can end.

A call is one autocommit statement. Nobody cancels it: a cancelled asyncpg call sends a
cancel request, which may arrive in the middle of a commit. Our own deadline closes the
connection instead, and then the outcome is unknown. Its owner makes one call at a time.
"""

import asyncio
import logging
from typing import Any, NoReturn

import asyncpg

from persistence import limits
from persistence.errors import Aborted, Ambiguous, Unsent
from persistence.postgres.clock import DatabaseClock

logger = logging.getLogger(__name__)

# Classes in which the server says: the statement failed, all of it was rolled back.
# Everything else, also what we do not know, leaves the outcome open.
_DEFINITE_CLASSES = frozenset({"22", "23", "25", "40", "53", "54", "55", "P0"})
_COMPLETION_UNKNOWN = "40003"
_READ_ONLY = "25006"
# "canceling wait for synchronous replication", at a user's request or on shutdown. The
# text is translated where the server speaks another language, the state is not.
_DOUBTS = frozenset({"01000", "57P01"})

# Given when connecting and not by SET, so that no RESET can drop them.
SERVER_SETTINGS = {
    "synchronous_commit": "on",
    "lock_timeout": str(round(limits.LOCK_TIMEOUT_S * 1000)),
    "idle_in_transaction_session_timeout": "5000",
    "client_connection_check_interval": "1000",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "jit": "off",
}


class Connection:
    """A connection that is made when it is needed and replaced when in doubt."""

    def __init__(
        self,
        url: str,
        name: str,
        clock: DatabaseClock,
        deadline_s: float = limits.CALL_DEADLINE_S,
    ) -> None:
        self._url = url
        self._name = name
        self._clock = clock
        self._deadline_s = deadline_s
        self._connection: Any = None
        self._replication_doubted = False

    @property
    def pid(self) -> int | None:
        """The process id of the server's backend; None without a connection."""
        if self._connection is None:
            return None
        return int(self._connection.get_server_pid())

    async def call(self, sql: str, *args: object) -> list[Any]:
        """Run one autocommit statement whose rows carry `now_ms`.

        Raises `Unsent`, `Aborted` or `Ambiguous`; returning means committed.
        """
        connection = await self._connected()
        self._replication_doubted = False
        sent = self._clock.monotonic()
        deadline = asyncio.get_running_loop().call_later(
            self._deadline_s, connection.terminate
        )
        try:
            rows: list[Any] = await connection.fetch(sql, *args)
        except asyncpg.PostgresError as error:
            self._judge(error)
        except asyncio.CancelledError:
            self.drop()
            raise
        except Exception as error:
            self.drop()
            raise Ambiguous(f"{self._name}: {error!r}") from error
        finally:
            deadline.cancel()
        if self._replication_doubted:
            # The server answered although no standby has the commit.
            self.drop()
            raise Ambiguous(f"{self._name}: replication is in doubt")
        if rows:
            self._clock.observe(rows[0]["now_ms"], sent, self._clock.monotonic())
        return rows

    def drop(self) -> None:
        """Close the connection without a word; the next call makes a new one."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Say goodbye; the caller has no call under way."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            async with asyncio.timeout(limits.GOODBYE_S_MAX):
                await connection.close()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection.terminate()

    def _judge(self, error: Any) -> NoReturn:
        """Raise what an error of the server means for the call."""
        state = str(error.sqlstate)
        alive = not self._connection.is_closed()
        definite = state[:2] in _DEFINITE_CLASSES and state != _COMPLETION_UNKNOWN
        if not alive or not definite or self._replication_doubted:
            self.drop()
            raise Ambiguous(f"{self._name}: {state} {error}") from error
        if state == _READ_ONLY:
            # After a failover: the next connection looks for the new primary.
            self.drop()
        raise Aborted(f"{state} {error}") from error

    async def _connected(self) -> Any:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        self.drop()
        try:
            connection = await asyncpg.connect(
                self._url,
                timeout=limits.CONNECT_TIMEOUT_S,
                server_settings={**SERVER_SETTINGS, "application_name": self._name},
                target_session_attrs="read-write",
                max_cached_statement_lifetime=0,
            )
        except (
            OSError,
            TimeoutError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
        ) as error:
            raise Unsent(f"{self._name}: {error!r}") from error
        connection.add_log_listener(self._hear)
        self._connection = connection
        return connection

    def _hear(self, connection: object, message: Any) -> None:
        """Notice what the server says beside its answer.

        asyncpg calls plain listeners in the order of arrival, so this runs before the
        call that the warning belongs to returns.
        """
        if message.sqlstate in _DOUBTS:
            self._replication_doubted = True
        logger.warning("%s: Postgres says: %s", self._name, message.message)
