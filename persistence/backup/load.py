"""Fill an empty database from a backup, in one transaction."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from persistence.backup.archive import (
    TABLES,
    Archive,
    BackupError,
    Manifest,
    Partition,
    Table,
)
from persistence.backup.connection import connected
from persistence.backup.tables import find_tables, has_migrations, quoted
from persistence.postgres.history import begin_new_history
from persistence.postgres.migrate import (
    LOCK_KEY,
    MigrationError,
    migrate,
    read_migrations,
)

_BOUND = re.compile(r"FOR VALUES FROM \('[^';()]*'\) TO \('[^';()]*'\)")


async def restore(url: str, archive: Archive) -> int:
    """Bring a backup into an empty database, and its schema up to date.

    Return how many events there are; each has a new history. Raises `BackupError`: then
    the database is as empty as before.
    """
    manifest = archive.manifest
    _check_schema(manifest)
    async with connected(url) as connection:
        # A server that is started meanwhile waits, and then finds everything done.
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        async with connection.transaction():
            if await has_migrations(connection):
                raise BackupError(
                    "The database has tables of Onsale already. A backup is restored"
                    " into an empty one: make one, or give another data directory."
                )
            try:
                await migrate(connection, upto=len(manifest.schema))
                await _fill(connection, archive)
                events = await begin_new_history(connection)
                await migrate(connection)
            except MigrationError as error:
                raise BackupError(str(error)) from error
            await connection.execute("ANALYZE")
    return events


def _check_schema(manifest: Manifest) -> None:
    known = {one.number: one for one in read_migrations()}
    for applied in manifest.schema:
        ours = known.get(applied.number)
        if ours is None or ours.checksum != applied.checksum:
            raise BackupError(
                f"The backup has the schema {applied.number:04}_{applied.name}, which"
                " this program does not know: restore it with the version of Onsale"
                " that made it, or with a newer one."
            )


async def _fill(connection: Any, archive: Archive) -> None:
    manifest = archive.manifest
    for partition in manifest.partitions:
        await connection.execute(_partition_sql(partition))
    found = await find_tables(connection)
    tables = {table.name: table for table in manifest.tables}
    if {name: table.columns for name, table in tables.items()} != found.columns:
        raise BackupError("The backup has other tables than its schema says.")
    # Migrations may have left rows, which are in the backup as well.
    await connection.execute(f"TRUNCATE {', '.join(map(quoted, tables))}")
    for name in found.in_order():
        await _load_table(connection, archive, tables[name])
    await _set_sequences(connection, manifest)


async def _load_table(connection: Any, archive: Archive, table: Table) -> None:
    done = await connection.copy_to_table(
        table.name,
        columns=table.columns,
        source=_asynchronous(archive.chunks(TABLES + table.name)),
    )
    rows = int(done.removeprefix("COPY "))
    if rows != table.rows:
        raise BackupError(
            f"The backup has {rows:,} rows of {table.name}, and should have"
            f" {table.rows:,}."
        )


async def _asynchronous(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _set_sequences(connection: Any, manifest: Manifest) -> None:
    await connection.executemany(
        "SELECT setval($1::text::regclass, $2)",
        [(quoted(one.name), one.value) for one in manifest.sequences],
    )


def _partition_sql(partition: Partition) -> str:
    if _BOUND.fullmatch(partition.bound) is None:
        raise BackupError(f"The backup has a partition {partition.bound!r}.")
    return (
        f"CREATE TABLE IF NOT EXISTS {quoted(partition.name)}"
        f" PARTITION OF {quoted(partition.parent)} {partition.bound}"
    )
