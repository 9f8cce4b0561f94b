"""The row of an event's line: how it was opened, and what becomes of who joins now.

Concurrency: each join reads `phase` under a lock that it shares with other joins, and
stamps its entry from it. So whoever changes it waits for the joins under way, and all
who come later see the change: the list of entrants is closed, once and for all, when
the change is committed.
"""

from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from persistence.postgres.pool import Pool

Mode = Literal["draw", "fifo", "list"]
Phase = Literal["opening", "gathering", "late", "over"]

_FIELDS: Final = """
event_id, draw, mode, phase, paused, rules, rules_hash, commitment, seed, root,
entries, order_key, line_hash, opened_at, closed_at, revision, fed, round,
    (SELECT json_build_object('id', m.message_id, 'text', m.text, 'texts', m.texts,
            'said_at', m.said_at)::text
        FROM line_message m WHERE m.event_id = line.event_id
        ORDER BY m.said_at DESC, m.message_id DESC LIMIT 1) AS message
"""
_FIND: Final = f"SELECT {_FIELDS} FROM line WHERE event_id = $1"
_SEVERAL: Final = f"SELECT {_FIELDS} FROM line WHERE event_id = ANY ($1::text[])"
_BEGIN: Final = """
INSERT INTO line (event_id, draw, mode, phase, rules, rules_hash, commitment, seed,
    root, entries, order_key, line_hash)
VALUES ($1, $2, $3, 'opening', $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT DO NOTHING
"""
_MOVE: Final = f"""
UPDATE line SET phase = $4,
    closed_at = CASE WHEN $4 = 'over' THEN coalesce(closed_at, clock_timestamp()) END
WHERE event_id = $1 AND draw = $2 AND phase = $3
RETURNING {_FIELDS}
"""
_NEXT_FIELDS: Final = "event_id, draw, rules, rules_hash, commitment, seed"
_NOTE_NEXT: Final = f"""
INSERT INTO line_next ({_NEXT_FIELDS}) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
"""
_FIND_NEXT: Final = f"SELECT {_NEXT_FIELDS} FROM line_next WHERE event_id = $1"
_FORGET_NEXT: Final = "DELETE FROM line_next WHERE event_id = $1 AND draw = $2"
# Joins under way end first, and what they wrote is seen by the statement behind this.
_LOCK: Final = "SELECT FROM line WHERE event_id = $1 FOR UPDATE"
_RESTART: Final = """
WITH next AS (
    DELETE FROM line_next WHERE event_id = $1 AND draw = $2
    RETURNING event_id, draw, rules, rules_hash, commitment, seed
), moved AS (
    UPDATE line l SET draw = n.draw, phase = 'gathering', paused = false,
        rules = n.rules, rules_hash = n.rules_hash, commitment = n.commitment,
        seed = n.seed, root = NULL, entries = NULL, order_key = NULL,
        line_hash = NULL, fed = 0, taken = 0, round = NULL,
        opened_at = clock_timestamp(), closed_at = NULL, revision = l.revision + 1
    FROM next n WHERE l.event_id = n.event_id AND l.draw = n.draw - 1
    RETURNING l.event_id, l.draw
)
UPDATE line_entry e
SET draw = m.draw, late = false, step = NULL, rank = NULL, paused = false
FROM moved m
WHERE e.event_id = m.event_id AND e.draw = m.draw - 1 AND e.turn IS NULL
"""
RESTART_S_MAX: Final = 120.0
"""A million entries take longer than any other statement may."""

_CHANGED: Final = """
UPDATE line SET paused = coalesce($2, paused), revision = revision + 1
WHERE event_id = $1
"""
_COUNTS: Final = """
SELECT count(*) AS joined, count(*) FILTER (WHERE over_at IS NULL) AS live,
    count(*) FILTER (WHERE over_at IS NULL AND turn IS NOT NULL) AS turns
FROM line_entry WHERE event_id = $1 AND draw = $2
"""


class Said(Struct, frozen=True):
    """What was said last to those who wait; `texts` is the same by language."""

    id: str
    text: str
    texts: dict[str, str]
    said_at: datetime


_said: Final = msgspec.json.Decoder(Said).decode


class LineRow(Struct, frozen=True):
    """How an event's line was opened, and how it stands."""

    event_id: str
    draw: int
    mode: Mode
    phase: Phase
    paused: bool
    rules: str
    """Canonical JSON."""
    rules_hash: bytes
    commitment: bytes
    seed: bytes | None
    root: bytes | None
    entries: int | None
    """Entrants of the draw, once the list is fixed."""
    order_key: bytes | None
    line_hash: bytes | None
    opened_at: datetime
    closed_at: datetime | None
    revision: int
    fed: int
    """Entrants that the event has, by rank."""
    round: int | None
    """The one in force, where it was put off."""
    message: Said | None = None

    def __repr__(self) -> str:
        """Leave out the seed."""
        return f"LineRow({self.event_id!r}, {self.draw}, {self.phase!r})"


class NewLine(Struct, frozen=True):
    """An opening that is to be published. What follows the order is null before."""

    event_id: str
    draw: int
    mode: Mode
    rules: str
    rules_hash: bytes
    commitment: bytes
    seed: bytes | None
    root: bytes | None = None
    entries: int | None = None
    order_key: bytes | None = None
    line_hash: bytes | None = None

    def __repr__(self) -> str:
        """Leave out the seed."""
        return f"NewLine({self.event_id!r}, {self.draw})"


class LineCounts(Struct, frozen=True):
    """How many ever joined, have a place that is not over, and have their turn."""

    joined: int
    live: int
    turns: int


class Lines(Struct, frozen=True):
    """The rows of lines. Raises `Unavailable`."""

    pool: Pool

    async def find(self, event: str) -> LineRow | None:
        """Return an event's line; None where it never had one."""
        row = await self.pool.fetch_one(_FIND, event)
        return None if row is None else _row_of(row)

    async def several(self, events: list[str]) -> dict[str, LineRow]:
        """Return what `find` does, for many events at once."""
        rows = await self.pool.fetch(_SEVERAL, events)
        return {row["event_id"]: _row_of(row) for row in rows}

    async def begin(self, new: NewLine) -> LineRow:
        """Write an opening down, or return the one that was; nobody joins yet."""
        await self.pool.fetch(
            _BEGIN,
            new.event_id,
            new.draw,
            new.mode,
            new.rules,
            new.rules_hash,
            new.commitment,
            new.seed,
            new.root,
            new.entries,
            new.order_key,
            new.line_hash,
        )
        found = await self.find(new.event_id)
        assert found is not None
        return found

    async def move(self, row: LineRow, to: Phase) -> LineRow:
        """Let a line go on to a phase, where nobody did; return it as it is then.

        When this returns, no join goes on that found another phase.
        """
        values = (row.event_id, row.draw, row.phase, to)
        moved = await self.pool.fetch_one(_MOVE, *values)
        if moved is None:
            moved = await self.pool.fetch_one(_FIND, row.event_id)
        assert moved is not None
        return _row_of(moved)

    async def note_next(self, new: NewLine) -> NewLine:
        """Write down the draw that is to come, or return the one that was."""
        await self.pool.fetch(
            _NOTE_NEXT,
            new.event_id,
            new.draw,
            new.rules,
            new.rules_hash,
            new.commitment,
            new.seed,
        )
        found = await self.find_next(new.event_id)
        return new if found is None else found

    async def find_next(self, event: str) -> NewLine | None:
        """Return the draw that is to come; None where none is."""
        row = await self.pool.fetch_one(_FIND_NEXT, event)
        return None if row is None else NewLine(mode="draw", **row)

    async def forget_next(self, new: NewLine) -> None:
        """Forget a draw that the event refused."""
        await self.pool.fetch(_FORGET_NEXT, new.event_id, new.draw)

    async def restart(self, new: NewLine) -> LineRow:
        """Let the next draw begin, where nobody did; return the line as it is then.

        All entries that had no turn are its entrants, with their names.
        """
        async with self.pool.transaction() as connection:
            await connection.execute(_LOCK, new.event_id)
            await connection.execute(
                _RESTART, new.event_id, new.draw, timeout=RESTART_S_MAX
            )
        found = await self.find(new.event_id)
        assert found is not None
        return found

    async def note_change(self, event: str, paused: bool | None = None) -> None:
        """Note that who manages a line changed it, and whether it gives no turns."""
        await self.pool.fetch(_CHANGED, event, paused)

    async def counts(self, row: LineRow) -> LineCounts:
        """Count the entries of a line."""
        found = await self.pool.fetch_one(_COUNTS, row.event_id, row.draw)
        assert found is not None
        return LineCounts(**found)


def _row_of(row: Any) -> LineRow:
    values = dict(row)
    if values["message"] is not None:
        values["message"] = _said(values["message"])
    return LineRow(**values)
