"""Brings a follower on along an event's journal, stretch by stretch.

Purpose: effects and the cursor that covers them are one transaction. Whoever dies in
the middle has done nothing, and each change has its effect once.

Concurrency: any process may bring any follower on; an advisory lock, which ends with
its transaction, keeps two from being at the same follower and event. No row that a sale
writes is locked.

Invariants: a journal is followed in order and without a hole; a cursor moves only from
where it was read, which the statement that moves it checks once more.
"""

from collections.abc import Collection
from typing import Any, Final

from msgspec import Struct

from persistence.followers.follower import Followed, Follower
from persistence.journal.stretches import (
    EVENTS_MAX,
    Behind,
    Hole,
    JournalRow,
    Timer,
    behind_of,
    read_stretch,
)
from persistence.postgres.pool import Pool

LOCK_SEED: Final = 0x666F6C6C
"""Tells our advisory locks from others': "foll" in ASCII."""

LAZY_VERSIONS_MAX: Final = 1_000
LAZY_S: Final = 10
"""Where nothing waits for its follower a cursor may stand so far behind, and is moved
no oftener: whoever sells shall not pay for it. Yet it stays so near that what comes is
found within a few steps."""

# What a commit of an event that is not `due` has is of no kind that is followed.
_BEHIND = """
SELECT event_id, count(*) FILTER (WHERE due) OVER () AS events,
    coalesce(sum(abs(versions)) FILTER (WHERE due) OVER (), 0)::bigint AS versions,
    CASE WHEN due THEN extract(epoch FROM clock_timestamp() - (
        SELECT j.at FROM journal j
        WHERE j.event_id = b.event_id AND j.to_version > b.version
            AND ($4 = 0 OR j.marks IS NULL OR j.marks & $4 <> 0)
        ORDER BY j.to_version LIMIT 1
    ))::float END AS lag_s
FROM (
    SELECT event_id, version, at, head - version AS versions,
        version > head
            OR version < CASE WHEN $4 = 0 THEN head ELSE coalesce(marked, head) END
            AS due
    FROM (
        SELECT h.event_id, h.version AS head, h.marked, f.at,
            coalesce(f.version, 0) AS version
        FROM event_head h
            LEFT JOIN follower f ON f.name = $1 AND f.event_id = h.event_id
    ) known
) b
WHERE due OR (versions > $5
    AND coalesce(at < clock_timestamp() - $6 * interval '1 s', true))
ORDER BY NOT due, event_id = ANY ($3), at NULLS FIRST, event_id LIMIT $2
"""
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || $2, $3))"
# A statement of its own, after the lock: it sees what the last who had that wrote.
_STATE = """
SELECT h.version AS head, coalesce(f.version, 0) AS version,
    CASE WHEN $3::text IS NULL THEN h.version ELSE coalesce(a.version, 0) END AS upto
FROM event_head h
    LEFT JOIN follower f ON f.name = $1 AND f.event_id = h.event_id
    LEFT JOIN follower a ON a.name = $3 AND a.event_id = h.event_id
WHERE h.event_id = $2
"""
_MOVE = """
INSERT INTO follower AS f (name, event_id, version, at)
SELECT $1, $2, $4, clock_timestamp()
ON CONFLICT (name, event_id) DO UPDATE SET version = excluded.version, at = excluded.at
    WHERE f.version = $3
RETURNING f.version
"""


class Overtaken(Exception):
    """Somebody moved a cursor that was ours: what we did with it is undone."""


class Passed(Struct, frozen=True):
    """What one step did."""

    versions: int = 0
    """How many changes have their effects now; 0 where there was nothing to do."""
    more: bool = False
    """Whether something is left: of a long journal, or because another is at it."""


class Passes:
    """Brings followers on. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def behind(
        self, name: str, last: Collection[str] = (), marks: int = 0
    ) -> Behind:
        """Return what a follower has not followed yet, what waits longest first.

        Those that are to come `last` are named only where there is room for them. Of
        events where nothing has any of these `marks`, those whose cursors are to be
        moved are named behind the others, and count nowhere.
        """
        lazy = LAZY_VERSIONS_MAX, LAZY_S
        rows = await self._pool.fetch(
            _BEHIND, name, EVENTS_MAX, list(last), marks, *lazy
        )
        return behind_of(rows)

    async def cursor(self, name: str, event: str) -> int:
        """Return how far a follower has come with an event; 0 before it began."""
        sql = "SELECT version FROM follower WHERE name = $1 AND event_id = $2"
        row = await self._pool.fetch_one(sql, name, event)
        return 0 if row is None else int(row["version"])

    async def step(
        self,
        follower: Follower,
        event: str,
        after: str | None = None,
        marks: int = 0,
    ) -> Passed:
        """Let a follower have the next stretch of an event's journal.

        Only what the one that it comes `after` has done, where it needs the effects of
        another; and only commits that may have one of these `marks`, but where that
        is 0.
        Raises `Hole`, `Overtaken`, and whatever the follower does: then nothing of it
        happened.
        """
        name = follower.name
        async with self._pool.transaction() as connection:
            if not await connection.fetchval(_TRY_LOCK, name, event, LOCK_SEED):
                return Passed(more=True)
            state = await connection.fetchrow(_STATE, name, event, after)
            if state is None:
                return Passed()
            base, head = state["version"], state["head"]
            timer, upto = Timer(), state["upto"]
            stretch = await read_stretch(connection, event, base, timer, marks, upto)
            if head < base:
                # Of a journal that was cut off: it cannot be told what happened.
                raise Hole(f"{event} ends at {head}, and was followed to {base}")
            to = stretch.to
            if to == base:
                return Passed()
            changes = await _followed(stretch.rows, timer)
            if changes:
                await follower.follow(connection, event, changes)
            await _move(connection, name, event, base, to)
            return Passed(to - base, to < min(head, upto))


async def _followed(rows: list[JournalRow], timer: Timer) -> list[Followed]:
    """Give each change the version that it made."""
    changes: list[Followed] = []
    for row in rows:
        for version, change in enumerate(row.changes, row.base + 1):
            changes.append(Followed(version, row.at_ms, change))
        await timer.pause()
    return changes


async def _move(connection: Any, name: str, event: str, base: int, to: int) -> None:
    """Note how far the effects are made."""
    if await connection.fetchval(_MOVE, name, event, base, to) is None:
        raise Overtaken(f"{name} is not at {base} of {event} any more")
