"""`onsale migrate`: bring the schema up to date before servers of a version start."""

import asyncio
import os
import sys
from contextlib import ExitStack
from typing import Annotated, Final

from cyclopts import Parameter

from persistence.data_directory import DataDirectoryError
from persistence.embedded import EmbeddedPostgresError
from persistence.errors import Unavailable, UnsafeServer
from persistence.journal.audit import NotAuditable
from persistence.postgres.migrate import MigrationError
from persistence.postgres.prepare import pending_work, prepare_database
from server.base.settings import ConfigError, read_config
from server.ops.cli.audit import database_of

OK: Final = 0
PENDING: Final = 1
UNUSABLE: Final = 2


def migrate(
    *,
    check: Annotated[bool, Parameter(negative=())] = False,
    database_url: str | None = None,
    data_dir: str | None = None,
    unsafe: Annotated[bool | None, Parameter(negative=())] = None,
) -> int:
    """Bring the database's schema up to date, beside servers that sell or without.

    `serve` does the same when it starts; do it apart where tables are large. Ends with
    0 when the schema is up to date, 1 with --check when it is not, 2 when it cannot be.

    Args:
        check: change nothing, and tell what would be done.
        database_url: a Postgres; without it that of the data directory (DATABASE_URL).
        data_dir: the directory of a server on this machine (ONSALE_DATA_DIR).
        unsafe: accept a database that may lose what it acknowledged.
    """
    try:
        config = read_config(
            os.environ, database_url=database_url, data_dir=data_dir, unsafe=unsafe
        )
        with ExitStack() as stack:
            url = database_of(config, stack)
            if check:
                return _tell_pending(asyncio.run(pending_work(url)))
            work = prepare_database(url, unsafe=config.unsafe, tell=_warn)
            _, applied = asyncio.run(work)
    except (
        ConfigError,
        DataDirectoryError,
        EmbeddedPostgresError,
        MigrationError,
        NotAuditable,
        Unavailable,
        UnsafeServer,
    ) as error:
        sys.stderr.write(f"onsale: {error}\n")
        return UNUSABLE
    for name in applied:
        sys.stdout.write(f"applied {name}\n")
    sys.stdout.write("The schema is up to date.\n")
    return OK


def _tell_pending(pending: list[tuple[str, list[str]]]) -> int:
    for name, tables in pending:
        large = f" (works on large tables: {', '.join(tables)})" if tables else ""
        sys.stdout.write(f"pending {name}{large}\n")
    if pending:
        return PENDING
    sys.stdout.write("The schema is up to date.\n")
    return OK


def _warn(sentence: str) -> None:
    sys.stderr.write(f"onsale: {sentence}\n")
