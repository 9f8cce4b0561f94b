"""Joining a line: entries of many people and events in one statement.

Purpose: a million may join without the event's owner. What comes while a statement is
under way goes with the next one, as batches of events do; where nothing is, a join goes
at once and alone.

Concurrency: any process inserts. The statement reads the row of each line under a lock
that joins share, and stamps `late` from it: see `lines.py`.

Invariants: nobody has two live entries of a draw, nor two people one address or device;
whoever joins again gets the entry that they have.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from persistence.errors import Unavailable
from persistence.events.line.ranks import TOLD
from persistence.postgres.pool import Pool

JOINS_PER_CALL_MAX: Final = 1_000
JOINS_WAITING_MAX: Final = 16_384
"""Joins that wait for the database in one process; beyond them nobody is taken."""

# Lines are locked in the order of events, and entries come in that of users: two
# statements do not wait for each other.
_JOIN: Final = """
WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[],
        $6::text[], $7::bytea[], $8::bytea[], $9::text[], $10::bytea[], $11::bytea[],
        $12::text[])
        AS a(event_id, entry_id, stub, user_id, wish, locale, email_hash, device_hash,
            net, proof, captcha, gates)
), open AS MATERIALIZED (
    SELECT l.event_id, l.draw, l.phase = 'late' AS late FROM line l
    WHERE l.event_id = ANY ($13::text[]) AND l.phase IN ('gathering', 'late')
    ORDER BY l.event_id FOR SHARE
), made AS (
    INSERT INTO line_entry (entry_id, event_id, draw, user_id, stub, late, wish, locale,
        email_hash, device_hash, net, proof, captcha, gates)
    SELECT a.entry_id, a.event_id, o.draw, a.user_id, a.stub, o.late, a.wish::jsonb,
        a.locale, a.email_hash, a.device_hash, a.net, a.proof, a.captcha, a.gates
    FROM asked a JOIN open o USING (event_id)
    ORDER BY a.event_id, a.user_id, a.entry_id
    ON CONFLICT DO NOTHING
    RETURNING entry_id, draw, late, joined_at
)
SELECT a.entry_id, m.draw, m.late, m.joined_at, o.event_id IS NOT NULL AS open
FROM asked a LEFT JOIN made m USING (entry_id) LEFT JOIN open o USING (event_id)
"""
_FOUND: Final = f"""
SELECT e.event_id, e.user_id, e.entry_id, e.draw, e.late, e.joined_at,
    {TOLD} AS rank, e.stub, e.wish::text AS wish
FROM unnest($1::text[], $2::text[]) AS a(event_id, user_id)
    JOIN line l ON l.event_id = a.event_id
    JOIN line_entry e ON e.event_id = a.event_id AND e.user_id = a.user_id
        AND e.draw = l.draw AND e.over_at IS NULL
"""
TRIES_MAX: Final = 3


class NewEntry(Struct, frozen=True):
    """Somebody who wants to join. `wish` is JSON as the event takes it."""

    event_id: str
    entry_id: str
    stub: bytes
    user_id: str
    wish: str | None = None
    locale: str = ""
    email_hash: bytes | None = None
    device_hash: bytes | None = None
    net: str | None = None
    """What stands for the network that it came from."""
    proof: bytes | None = None
    """The challenge that was solved for it, and the captcha: no other place has it."""
    captcha: bytes | None = None
    gates: str | None = None
    """What was asked for it, and passed."""

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return f"NewEntry({self.event_id!r}, {self.user_id!r})"


class Joined(Struct, frozen=True):
    """A place in a line, and whether it was made just now."""

    entry_id: str
    stub: bytes
    draw: int
    late: bool
    joined_at: datetime
    wish: str | None
    rank: int | None
    new: bool

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return f"Joined({self.stub.hex()}, rank={self.rank})"


class NotOpen(Exception):
    """Nobody joins this line now: it is not open yet, or it is over."""


class TakenPlace(Exception):
    """Somebody else has a place with this address or device, or this was solved."""


class Overloaded(Exception):
    """So many joins wait that no more are taken for now."""


class _Waiting(Struct):
    new: NewEntry
    answer: "asyncio.Future[Joined]"
    tries: int = 0


class JoinLane:
    """Writes the joins of one process, a statement at a time. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: deque[_Waiting] = deque()
        self._running: asyncio.Task[None] | None = None
        self.calls = 0
        """Statements that wrote joins."""

    async def join(self, new: NewEntry) -> Joined:
        """Give somebody a place, or return the one that they have.

        Raises `NotOpen`, `TakenPlace` and `Overloaded`.
        """
        if len(self._waiting) >= JOINS_WAITING_MAX:
            raise Overloaded
        answer: asyncio.Future[Joined] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(new, answer))
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="joins")
        return await answer

    async def _run(self) -> None:
        """Write all that waits."""
        try:
            while self._waiting:
                count = min(len(self._waiting), JOINS_PER_CALL_MAX)
                await self._send([self._waiting.popleft() for _ in range(count)])
        finally:
            self._running = None

    async def _send(self, group: list[_Waiting]) -> None:
        try:
            await self._write(group)
        except Unavailable as error:
            _fail(group, error)
        except Exception as error:
            if len(group) == 1:
                _fail(group, error)
                return
            # Nobody fails for what is wrong with another.
            for one in group:
                await self._send([one])

    async def _write(self, group: list[_Waiting]) -> None:
        self.calls += 1
        rows = await self._pool.fetch(_JOIN, *_columns([one.new for one in group]))
        by_entry = {row["entry_id"]: row for row in rows}
        there: list[_Waiting] = []
        for one in group:
            row = by_entry[one.new.entry_id]
            if not row["open"]:
                _refuse(one, NotOpen())
            elif row["draw"] is None:
                there.append(one)
            else:
                _answer(one, _made(one.new, row))
        if there:
            await self._find(there)

    async def _find(self, group: list[_Waiting]) -> None:
        """Answer those who have a place already, or whose address has one."""
        asked = [
            [one.new.event_id for one in group],
            [one.new.user_id for one in group],
        ]
        rows = await self._pool.fetch(_FOUND, *asked)
        places = {(row["event_id"], row["user_id"]): row for row in rows}
        for one in group:
            row = places.get((one.new.event_id, one.new.user_id))
            if row is not None:
                _answer(one, _joined(row))
            elif one.tries < TRIES_MAX:
                # Perhaps it was their own, and they left it meanwhile.
                one.tries += 1
                self._waiting.append(one)
            else:
                _refuse(one, TakenPlace())


def _made(new: NewEntry, row: Any) -> Joined:
    return Joined(
        new.entry_id,
        new.stub,
        row["draw"],
        row["late"],
        row["joined_at"],
        new.wish,
        None,
        True,
    )


def _joined(row: Any) -> Joined:
    return Joined(
        row["entry_id"],
        row["stub"],
        row["draw"],
        row["late"],
        row["joined_at"],
        row["wish"],
        row["rank"],
        False,
    )


def _columns(several: Sequence[NewEntry]) -> list[object]:
    rows = [
        (
            one.event_id,
            one.entry_id,
            one.stub,
            one.user_id,
            one.wish,
            one.locale,
            one.email_hash,
            one.device_hash,
            one.net,
            one.proof,
            one.captcha,
            one.gates,
        )
        for one in several
    ]
    columns: list[object] = [list(column) for column in zip(*rows, strict=True)]
    return [*columns, sorted({one.event_id for one in several})]


def _answer(one: _Waiting, joined: Joined) -> None:
    if not one.answer.done():
        one.answer.set_result(joined)


def _refuse(one: _Waiting, error: Exception) -> None:
    if not one.answer.done():
        one.answer.set_exception(error)


def _fail(group: list[_Waiting], error: Exception) -> None:
    for one in group:
        _refuse(one, error)
