"""Write all rows of one moment into a backup, while everything goes on."""

from typing import Any

from persistence.backup.archive import (
    FORMAT,
    TABLES,
    BackupError,
    Manifest,
    NewArchive,
    Table,
)
from persistence.backup.connection import connected
from persistence.backup.tables import Found, find_tables, quoted
from persistence.postgres.migrate import read_migrations

_MOMENT = "SELECT now() AS taken_at, current_setting('server_version') AS version"


async def back_up(url: str, archive: NewArchive) -> Manifest:
    """Write the tables of a database, and return what is to be the manifest.

    Nobody who sells waits for it; a migration does. Raises `BackupError`.
    """
    async with connected(url) as connection:
        before = await find_tables(connection)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            # Before the first look, so that nothing is dropped between that and the
            # last one. Partitions come with their tables.
            names = ", ".join(map(quoted, [*before.columns, "schema_migration"]))
            await connection.execute(f"LOCK TABLE {names} IN ACCESS SHARE MODE")
            found = await find_tables(connection)
            if found.applied != before.applied:
                raise BackupError("The database was migrated just now: try again.")
            return await _dump(connection, found, archive)


async def _dump(connection: Any, found: Found, archive: NewArchive) -> Manifest:
    _check_schema(found)
    moment = await connection.fetchrow(_MOMENT)
    tables = [
        await _dump_table(connection, name, found.columns[name], archive)
        for name in found.in_order()
    ]
    return Manifest(
        format=FORMAT,
        taken_at=moment["taken_at"],
        server_version=moment["version"],
        schema=found.applied,
        tables=tables,
        partitions=found.partitions,
        sequences=found.sequences,
        left_out=found.foreign,
    )


def _check_schema(found: Found) -> None:
    """Raise where a newer program made tables that this one does not know."""
    known = len(read_migrations())
    newest = max((one.number for one in found.applied), default=0)
    if newest > known:
        raise BackupError(
            f"The database is at schema {newest:04} and this program knows {known:04}:"
            " back it up with the version of Onsale that it is served by."
        )


async def _dump_table(
    connection: Any, name: str, columns: list[str], archive: NewArchive
) -> Table:
    listed = ", ".join(map(quoted, columns))
    with archive.entry(TABLES + name) as entry:

        async def write(data: bytes) -> None:
            entry.write(data)

        # Not the table itself: of one with partitions COPY reads only a query.
        done = await connection.copy_from_query(
            f"SELECT {listed} FROM {quoted(name)}", output=write
        )
    return Table(name=name, columns=columns, rows=int(done.removeprefix("COPY ")))
