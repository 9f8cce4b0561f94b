"""A connection for the long work of a backup, and its troubles in a sentence."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from persistence import limits
from persistence.backup.archive import BackupError
from persistence.errors import reason_of

_SETTINGS = {
    "application_name": "onsale backup",
    "jit": "off",
    # A backup takes as long as it takes; only for locks nobody should wait long.
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": "10s",
}
_TROUBLES = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    """Give a connection; what goes wrong with it becomes a `BackupError`."""
    try:
        connection = await asyncpg.connect(
            url, timeout=limits.CONNECT_TIMEOUT_S, server_settings=_SETTINGS
        )
    except ValueError as error:
        # Its text quotes the address, which may hold a password.
        raise BackupError("The database's address is not a valid one.") from error
    except _TROUBLES as error:
        raise BackupError(
            f"The database cannot be reached: {reason_of(error)}."
        ) from error
    try:
        yield connection
    except asyncpg.LockNotAvailableError as error:
        raise BackupError(
            "Somebody changes the tables just now, such as a migration: try again."
        ) from error
    except _TROUBLES as error:
        raise BackupError(f"The work broke off: {reason_of(error)}.") from error
    finally:
        await connection.close(timeout=limits.CALL_DEADLINE_S)
