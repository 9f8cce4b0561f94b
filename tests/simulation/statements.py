"""What the shop's SQL does to simulated rows: a function for each statement that ships.

Code of `persistence/` runs here as it is. Where it hands a statement to a connection,
that statement's text finds the function which stands for it; `test_statements` runs the
same code against Postgres, and both have to say the same. A statement is one moment:
nothing in it waits, and what a transaction did is undone where it does not end well.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

Row = dict[str, Any]
Rows = list[Row]
Statement = Callable[..., Rows]

BEGAN: Final = datetime(2027, 1, 1, tzinfo=UTC)
STATEMENTS: Final[dict[str, Statement]] = {}


def does(*sql: str) -> Callable[[Statement], Statement]:
    """Let a function stand for statements; it gets the connection, and their values."""

    def register(work: Statement) -> Statement:
        for one in sql:
            assert one not in STATEMENTS, one
            STATEMENTS[one] = work
        return work

    return register


def time_at(now_s: float) -> datetime:
    """Return a second of the simulation as a time of the database."""
    return BEGAN + timedelta(seconds=now_s)


class Store:
    """Tables by their names, each with its rows by their keys."""

    def __init__(self) -> None:
        self.began = BEGAN
        self.now_s: Callable[[], float] = lambda: 0.0
        self.numbered = 0
        self.promotion: dict[str, Row] = {}
        self.promotion_code: dict[tuple[str, bytes], Row] = {}
        self.redemption: dict[tuple[str, str], Row] = {}
        self.notice: dict[str, Row] = {}
        self.mail: dict[str, Row] = {}
        self.notice_round: dict[tuple[str, str], Row] = {}
        self.hook: dict[str, Row] = {}
        self.hook_delivery: dict[str, Row] = {}
        self.hook_subject: dict[tuple[str, str, str], str] = {}
        """The delivery of each hook, type and subject, which has one."""
        self.hook_event: dict[str, str] = {}
        self.ticket_transfer: dict[str, Row] = {}
        self.line: dict[str, Row] = {}
        self.line_next: dict[str, Row] = {}
        self.line_entry: dict[str, Row] = {}
        self.line_list: dict[tuple[str, int], Row] = {}
        self.line_bucket: dict[tuple[str, int, int], Row] = {}
        self.line_segment: dict[tuple[str, int, int], Row] = {}

    def number(self) -> int:
        """Return the next number of whatever is numbered."""
        self.numbered += 1
        return self.numbered

    def now(self) -> datetime:
        return time_at(self.now_s())

    def tick(self) -> datetime:
        """Return now, later than any time before: no two rows are made at once."""
        return self.now() + timedelta(microseconds=self.number())


class Connection:
    """Runs statements on a store. What it wrote can be undone."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._undo: list[tuple[Any, Any, Any]] = []

    def put(self, table: Any, key: Any, row: Any) -> None:
        """Write a row; rows are replaced, and never altered."""
        self._undo.append((table, key, table.get(key)))
        table[key] = row

    def remove(self, table: Any, key: Any) -> None:
        """Delete a row."""
        self._undo.append((table, key, table.pop(key)))

    def change(self, table: Any, key: Any, **fields: Any) -> None:
        """Write some fields of a row."""
        self.put(table, key, {**table[key], **fields})

    def undo(self) -> None:
        """Leave all rows as they were before."""
        for table, key, row in reversed(self._undo):
            if row is None:
                table.pop(key, None)
            else:
                table[key] = row
        self._undo.clear()

    def run(self, sql: str, *values: Any) -> Rows:
        """Do what a statement does, and return its rows."""
        return STATEMENTS[sql](self, *values)

    async def fetch(self, sql: str, *values: Any) -> Rows:
        return self.run(sql, *values)

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        rows = self.run(sql, *values)
        return rows[0] if rows else None

    async def fetchval(self, sql: str, *values: Any) -> Any:
        rows = self.run(sql, *values)
        return next(iter(rows[0].values())) if rows else None

    async def execute(self, sql: str, *values: Any, timeout: float = 0.0) -> None:
        self.run(sql, *values)
