"""Bring the schema up to date: numbered SQL files, each applied once.

Several servers may start on one database at the same moment: an advisory lock lets one
of them do the work while the others wait and then find it done.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

MIGRATIONS = Path(__file__).parents[1] / "migrations"
# Any number will do that nothing else on the database uses: "onsale" in ASCII.
LOCK_KEY = 0x6F6E73616C65
LOCK_TIMEOUT_S = 10
LARGE_BYTES = 64 << 20
"""Of a table with its indexes; rewriting as much takes about a second."""

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
# A file runs inside our transaction. In PL/pgSQL a block's BEGIN has no semicolon.
_TRANSACTION_CONTROL = re.compile(
    r"^\s*(BEGIN|COMMIT|END|ROLLBACK|START\s+TRANSACTION)\s*;",
    re.IGNORECASE | re.MULTILINE,
)

_COMMENT = re.compile(r"--[^\n]*")
_BODY = re.compile(r"\$(\w*)\$.*?\$\1\$", re.DOTALL)
_CHANGES = re.compile(
    r"\b(?:ALTER\s+TABLE(?:\s+IF\s+EXISTS)?(?:\s+ONLY)?|UPDATE|DELETE\s+FROM|FROM"
    r"|INDEX(?:\s+CONCURRENTLY)?(?:\s+IF\s+NOT\s+EXISTS)?\s+\w+\s+ON)\s+(\w+)",
    re.IGNORECASE,
)

_CREATE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
_APPLIED = "SELECT number, checksum FROM schema_migration ORDER BY number"
_EXISTS = "SELECT to_regclass('schema_migration') IS NOT NULL"
_SIZE = "SELECT pg_total_relation_size(to_regclass($1))"
# Whoever asks for a table behind us waits as long as we do: so it is not for long. The
# work itself may take its time, whatever the account's own settings say.
_PATIENCE = f"""
SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s';
SET LOCAL statement_timeout = 0
"""
_RECORD = "INSERT INTO schema_migration (number, name, checksum) VALUES ($1, $2, $3)"


class MigrationError(Exception):
    """The schema cannot be brought up to date; the message says why."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """The digest by which a file that was changed later is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def label(self) -> str:
        """Its number and name, as the file has them."""
        return f"{self.number:04}_{self.name}"

    def changed_tables(self) -> set[str]:
        """Return the tables that it locks or rewrites, old and new ones alike."""
        plain = _BODY.sub("", _COMMENT.sub("", self.sql))
        return {match[1].lower() for match in _CHANGES.finditer(plain)}


def _say_nothing(_: str) -> None: ...


def read_migrations(directory: Path = MIGRATIONS) -> list[Migration]:
    """Read the files of a directory in the order of their numbers.

    Raises `MigrationError` where the numbers do not run from 1 without a hole.
    """
    migrations: list[Migration] = []
    for path in sorted(directory.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name} is not called NNNN_name.sql.")
        migration = Migration(int(match[1]), match[2], path.read_text("utf-8"))
        if migration.number != len(migrations) + 1:
            raise MigrationError(
                f"{path.name} comes where number {len(migrations) + 1:04} is expected."
            )
        if _TRANSACTION_CONTROL.search(migration.sql):
            raise MigrationError(
                f"{path.name} begins or ends a transaction; it already runs in one."
            )
        migrations.append(migration)
    return migrations


# asyncpg ships no types, hence Any for its connection.
async def migrate(
    connection: Any,
    directory: Path = MIGRATIONS,
    *,
    upto: int | None = None,
    tell: Callable[[str], object] = _say_nothing,
) -> list[str]:
    """Apply what is missing, each file in a transaction; return the names applied.

    Nothing is written where nothing is missing, so that an account without the right to
    change the schema will do then. `upto` is the last number to apply; `tell` is given
    sentences about what takes time. Raises `MigrationError` where an applied file was
    changed, where the database has been migrated by a newer program than this one, or
    where others keep the tables busy.
    """
    migrations = read_migrations(directory)[:upto]
    if not _pending(migrations, await _applied(connection)):
        return []
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
        tell("Another process is migrating this database; we wait for it.")
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
    try:
        await connection.execute(_CREATE)
        pending = _pending(migrations, await _applied(connection))
        for migration in pending:
            await _apply(connection, migration)
    finally:
        # A connection that is gone has let go of the lock already.
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY)
    return [migration.label for migration in pending]


async def pending_migrations(
    connection: Any, directory: Path = MIGRATIONS
) -> list[Migration]:
    """Return what `migrate` would apply. Raises `MigrationError` as it does."""
    return _pending(read_migrations(directory), await _applied(connection))


async def large_tables(
    connection: Any, pending: list[Migration]
) -> list[tuple[str, str, int]]:
    """Return (file, table, bytes) where a file works on a table that has grown large.

    Whatever locks or rewrites such a table keeps others from it for that long.
    """
    found = []
    for migration in pending:
        for table in sorted(migration.changed_tables()):
            size = await connection.fetchval(_SIZE, table)
            if size is not None and size >= LARGE_BYTES:
                found.append((migration.label, table, size))
    return found


async def _applied(connection: Any) -> dict[int, str]:
    """Return the checksums of what has been applied, by number."""
    if not await connection.fetchval(_EXISTS):
        return {}
    rows = await connection.fetch(_APPLIED)
    return {row["number"]: row["checksum"] for row in rows}


def _pending(migrations: list[Migration], applied: dict[int, str]) -> list[Migration]:
    """Return what is still to be applied, if the rest is what the database has."""
    newest = max(applied, default=0)
    if newest > len(migrations):
        raise MigrationError(
            f"The database is at schema {newest:04} and this program knows"
            f" {len(migrations):04}, because a newer one migrated it: start a newer"
            " Onsale. To go back to this one, restore the backup from before the"
            " upgrade into an empty database (`onsale restore FILE`), which loses what"
            " was sold since."
        )
    pending = []
    for migration in migrations:
        checksum = applied.get(migration.number)
        if checksum is None:
            pending.append(migration)
        elif checksum != migration.checksum:
            raise MigrationError(
                f"The file {migration.number:04}_{migration.name}.sql was changed after"
                " it had been applied to this database: undo that and add a new file."
            )
    return pending


async def _apply(connection: Any, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(_PATIENCE)
            await connection.execute(migration.sql)
            await connection.execute(
                _RECORD, migration.number, migration.name, migration.checksum
            )
    except asyncpg.LockNotAvailableError as error:
        raise MigrationError(
            f"The migration {migration.label} did not get its tables within"
            f" {LOCK_TIMEOUT_S} s, because a backup, a report or a long transaction"
            " uses them. Nothing of it was done: run it again when that has ended."
        ) from error
    except Exception as error:
        error.add_note(f"in migration {migration.label}.sql")
        raise
