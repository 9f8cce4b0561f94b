"""What tables a database has, as far as a backup has to know."""

import re
from graphlib import CycleError, TopologicalSorter
from typing import Any

from msgspec import Struct

from persistence.backup.archive import (
    AppliedMigration,
    BackupError,
    Partition,
    Sequence,
)
from persistence.postgres.migrate import read_migrations

MIGRATIONS_TABLE = "schema_migration"

# What is generated is made again, and partitions are read through their tables.
_TABLES = """
SELECT c.relname AS name, array(
    SELECT a.attname::text FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attgenerated = ''
    ORDER BY a.attnum
) AS columns
FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition AND c.relpersistence <> 't'
ORDER BY c.relname
"""
_REFERENCES = """
SELECT DISTINCT referring.relname AS referring, referred.relname AS referred
FROM pg_constraint k
JOIN pg_class referring ON referring.oid = k.conrelid
JOIN pg_class referred ON referred.oid = k.confrelid
WHERE k.contype = 'f' AND k.conrelid <> k.confrelid
    AND k.connamespace = current_schema()::regnamespace
"""
_PARTITIONS = """
SELECT part.relname AS name, whole.relname AS parent,
    pg_get_expr(part.relpartbound, part.oid) AS bound
FROM pg_inherits i
JOIN pg_class part ON part.oid = i.inhrelid AND part.relispartition
JOIN pg_class whole ON whole.oid = i.inhparent
WHERE part.relnamespace = current_schema()::regnamespace
ORDER BY part.relname
"""
_SEQUENCES = """
SELECT sequencename AS name, last_value AS value FROM pg_sequences
WHERE schemaname = current_schema() AND last_value IS NOT NULL ORDER BY sequencename
"""
_APPLIED = "SELECT number, name, checksum FROM schema_migration ORDER BY number"


class Found(Struct, frozen=True):
    """The tables of a database: their columns, and who refers to whom."""

    columns: dict[str, list[str]]
    foreign: list[str]
    """Names of tables that are not ours."""
    references: list[tuple[str, str]]
    partitions: list[Partition]
    sequences: list[Sequence]
    applied: list[AppliedMigration]

    def in_order(self) -> list[str]:
        """Return the names so that each comes after all that it refers to."""
        sorter: TopologicalSorter[str] = TopologicalSorter(
            {name: set() for name in self.columns}
        )
        for referring, referred in self.references:
            if referring in self.columns and referred in self.columns:
                sorter.add(referring, referred)
        try:
            return list(sorter.static_order())
        except CycleError as error:
            raise BackupError(f"Tables refer to each other: {error.args[1]}.") from (
                error
            )


async def find_tables(connection: Any) -> Found:
    """Read what there is. Raises `BackupError` where the database is not ours."""
    if not await has_migrations(connection):
        raise BackupError("This database has no tables of Onsale.")
    words = set(re.findall(r"\w+", "".join(m.sql for m in read_migrations())))
    columns, foreign = {}, []
    for row in await connection.fetch(_TABLES):
        if row["name"] == MIGRATIONS_TABLE:
            continue
        if row["name"] in words:
            columns[row["name"]] = list(row["columns"])
        else:
            foreign.append(row["name"])
    partitions = [Partition(**row) for row in await connection.fetch(_PARTITIONS)]
    return Found(
        columns=columns,
        foreign=foreign,
        references=[tuple(row) for row in await connection.fetch(_REFERENCES)],
        partitions=[one for one in partitions if one.parent in columns],
        sequences=[Sequence(**row) for row in await connection.fetch(_SEQUENCES)],
        applied=[AppliedMigration(**row) for row in await connection.fetch(_APPLIED)],
    )


async def has_migrations(connection: Any) -> bool:
    """Return whether migrations of ours have been applied to this database."""
    sql = f"SELECT to_regclass('{MIGRATIONS_TABLE}') IS NOT NULL"
    return bool(await connection.fetchval(sql))


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'
