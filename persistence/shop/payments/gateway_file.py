"""The one file of the test gateway, which is no part of the shop's database.

Keeps records by kind and key, some under a second name, some until a time at which
something happens to them. Everything is done in the call: a record is small, and the
file is written without waiting for the disk. So what was written outlives the process,
however that ends; a power cut may cost the last moments, and never what was before.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MODE: Final = 0o600

_SCHEMA: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS record (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    alias TEXT,
    due_ms INTEGER,
    made_ms INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (kind, key)
);
CREATE INDEX IF NOT EXISTS record_alias ON record (kind, alias) WHERE alias IS NOT NULL;
CREATE INDEX IF NOT EXISTS record_due ON record (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX IF NOT EXISTS record_due_of_kind ON record (kind, due_ms)
    WHERE due_ms IS NOT NULL;
"""


class GatewayFile:
    """Keeps what the gateway knows."""

    def __init__(self, path: Path) -> None:
        # Whoever reads it may pay in the buyer's place; sqlite's other files are made
        # like this one.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, MODE))
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.executescript(_SCHEMA)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Let several writes count together, or none of them."""
        self._file.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")

    def put(
        self,
        kind: str,
        key: str,
        body: bytes,
        *,
        now_ms: int,
        alias: str | None = None,
        due_ms: int | None = None,
    ) -> None:
        """Keep a record, in the place of the one of that key."""
        self._file.execute(
            "INSERT INTO record (kind, key, alias, due_ms, made_ms, body)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind, key) DO UPDATE"
            " SET alias = excluded.alias, due_ms = excluded.due_ms,"
            " body = excluded.body",
            (kind, key, alias, due_ms, now_ms, body),
        )

    def get(self, kind: str, key: str) -> bytes | None:
        """Return a record, None where there is none."""
        row = self._file.execute(
            "SELECT body FROM record WHERE kind = ? AND key = ?", (kind, key)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def of_alias(self, kind: str, alias: str) -> list[bytes]:
        """Return the records that share a second name, the oldest first."""
        rows = self._file.execute(
            "SELECT body FROM record WHERE kind = ? AND alias = ? ORDER BY number",
            (kind, alias),
        )
        return [bytes(body) for (body,) in rows]

    def due(self, kind: str, now_ms: int, limit: int) -> list[bytes]:
        """Return records whose time has come, the longest due first."""
        rows = self._file.execute(
            "SELECT body FROM record WHERE kind = ? AND due_ms <= ?"
            " ORDER BY due_ms, number LIMIT ?",
            (kind, now_ms, limit),
        )
        return [bytes(body) for (body,) in rows]

    def next_due_ms(self, now_ms: int) -> int | None:
        """Return when the next record is due of those that are not yet."""
        found = self._file.execute(
            "SELECT min(due_ms) FROM record WHERE due_ms > ?", (now_ms,)
        ).fetchone()[0]
        return None if found is None else int(found)

    def remove(self, kind: str, key: str) -> None:
        """Remove a record; it may be gone."""
        self._file.execute("DELETE FROM record WHERE kind = ? AND key = ?", (kind, key))

    def forget(self, before_ms: int) -> int:
        """Remove what was made before a time; return how many records that were."""
        found = self._file.execute("DELETE FROM record WHERE made_ms < ?", (before_ms,))
        return found.rowcount

    def close(self) -> None:
        """Let the file go."""
        self._file.close()
