"""Bring the schema up to date: numbered SQL files, each applied once.

Several servers may start on one database at the same moment: an advisory lock lets one
of them do the work while the others wait and then find it done.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIGRATIONS = Path(__file__).parents[1] / "migrations"
# Any number will do that nothing else on the database uses: "onsale" in ASCII.
LOCK_KEY = 0x6F6E73616C65

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
# A file runs inside our transaction. In PL/pgSQL a block's BEGIN has no semicolon.
_TRANSACTION_CONTROL = re.compile(
    r"^\s*(BEGIN|COMMIT|END|ROLLBACK|START\s+TRANSACTION)\s*;",
    re.IGNORECASE | re.MULTILINE,
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
async def migrate(connection: Any, directory: Path = MIGRATIONS) -> list[str]:
    """Apply what is missing, each file in a transaction; return the names applied.

    Raises `MigrationError` where an applied file was changed, or where the database has
    been migrated by a newer program than this one.
    """
    migrations = read_migrations(directory)
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
    try:
        await connection.execute(_CREATE)
        rows = await connection.fetch(_APPLIED)
        pending = _pending(migrations, {row["number"]: row["checksum"] for row in rows})
        for migration in pending:
            await _apply(connection, migration)
    finally:
        # A connection that is gone has let go of the lock already.
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY)
    return [f"{migration.number:04}_{migration.name}" for migration in pending]


def _pending(migrations: list[Migration], applied: dict[int, str]) -> list[Migration]:
    """Return what is still to be applied, if the rest is what the database has."""
    newest = max(applied, default=0)
    if newest > len(migrations):
        raise MigrationError(
            f"The database is at schema {newest:04} and this program knows"
            f" {len(migrations):04}: start a newer Onsale."
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
            await connection.execute(migration.sql)
            await connection.execute(
                _RECORD, migration.number, migration.name, migration.checksum
            )
    except Exception as error:
        error.add_note(f"in migration {migration.number:04}_{migration.name}.sql")
        raise
