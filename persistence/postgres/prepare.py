"""Before anything is served: checks that the database is safe, ours and up to date."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from persistence import limits
from persistence.errors import Unavailable, reason_of
from persistence.postgres.durability import Durability, check_server
from persistence.postgres.migrate import large_tables, migrate, pending_migrations


def _say_nothing(_: str) -> None: ...


async def prepare_database(
    url: str, *, unsafe: bool, tell: Callable[[str], object] = _say_nothing
) -> tuple[Durability, list[str]]:
    """Check and migrate the database; return what was found and the files applied.

    `tell` is given sentences about what will take time. Raises `UnsafeServer`,
    `MigrationError` and `Unavailable`.
    """
    found = await check_server(url, unsafe)
    async with _connected(url) as connection:
        pending = await pending_migrations(connection)
        for label, table, size in await large_tables(connection, pending):
            tell(
                f"The migration {label} works on the table {table}, which has"
                f" {size >> 20:,} MiB: it may take minutes, and keeps others from that"
                " table meanwhile. `onsale migrate` does it before servers are started."
            )
        return found, await migrate(connection, tell=tell)


async def pending_work(url: str) -> list[tuple[str, list[str]]]:
    """Return the migrations that are to be applied, with the large tables they change.

    Raises `MigrationError` and `Unavailable`.
    """
    async with _connected(url) as connection:
        pending = await pending_migrations(connection)
        large = await large_tables(connection, pending)
    return [
        (
            one.label,
            [
                f"{table}: {size >> 20:,} MiB"
                for file, table, size in large
                if file == one.label
            ],
        )
        for one in pending
    ]


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    try:
        connection = await asyncpg.connect(url, timeout=limits.CONNECT_TIMEOUT_S)
    except ValueError as error:
        # Its text quotes the address, which may hold a password.
        raise Unavailable("its address is not a valid one") from error
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise Unavailable(f"cannot connect: {reason_of(error)}") from error
    try:
        yield connection
    finally:
        await connection.close(timeout=limits.CALL_DEADLINE_S)
