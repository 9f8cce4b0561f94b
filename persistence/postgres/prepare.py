"""Before anything is served: checks that the database is safe, ours and up to date."""

import asyncpg

from persistence import limits
from persistence.errors import Unavailable, reason_of
from persistence.postgres.durability import Durability, check_server
from persistence.postgres.migrate import migrate


async def prepare_database(url: str, *, unsafe: bool) -> tuple[Durability, list[str]]:
    """Check and migrate the database; return what was found and the files applied.

    Raises `UnsafeServer`, `MigrationError` and `Unavailable`.
    """
    found = await check_server(url, unsafe)
    try:
        connection = await asyncpg.connect(url, timeout=limits.CONNECT_TIMEOUT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise Unavailable(f"cannot connect: {reason_of(error)}") from error
    try:
        return found, await migrate(connection)
    finally:
        await connection.close(timeout=limits.CALL_DEADLINE_S)
