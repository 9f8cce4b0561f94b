"""The journal port over Postgres.

Purpose: give `inventory.ports.Journal` to the actors of one process.

Concurrency: commits and renewals go through lanes, fences through the fencer, taking
and giving up ownership over one more dedicated connection, reads and snapshots through
the pool. What writes an event's head runs in tasks of its own, so that a caller that is
cancelled cancels nothing in the database.

Invariants: the head's row is the owner, whatever a process believes. Leases only tell
when to try. Heads and journal are read from the primary.

Imports: `inventory.ports`, asyncpg by way of `connection` and `pool`.
"""

import asyncio
import random
import secrets
import zlib
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from msgspec import Struct

from inventory.ports import (
    Batch,
    CommitStatus,
    Fenced,
    JournalRow,
    KeyedResult,
    Ownership,
    StoredSnapshot,
)
from persistence import limits
from persistence.errors import Aborted, Ambiguous, Unavailable, Unsent
from persistence.journal.fencer import Fencer
from persistence.journal.lanes import Lane
from persistence.postgres.clock import DatabaseClock
from persistence.postgres.connection import Connection
from persistence.postgres.pool import Pool

_ACQUIRE = """
SELECT status, history_id, epoch, version, chain, now_ms
FROM acquire_head($1, $2, $3, $4)
"""
# Of before the clock was set back, and of a process that nobody sees any more: it would
# last until the clock is there again. A head that is locked is being committed to.
_END_IMPOSSIBLE = """
WITH impossible AS (
    SELECT event_id FROM event_head h
    WHERE event_id = $1 AND owner_token IS NOT NULL
        AND lease_until > clock_timestamp() + make_interval(secs => $2)
        AND NOT EXISTS (SELECT FROM process p WHERE p.process = h.owner_address
            AND p.seen_at BETWEEN clock_timestamp() - make_interval(secs => $3)
            AND clock_timestamp() + make_interval(secs => $3))
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE event_head h SET owner_token = NULL, lease_until = '-infinity'
FROM impossible i WHERE h.event_id = i.event_id
RETURNING clock_ms() AS now_ms
"""
# Without a token nobody can commit, and anybody may acquire. Without an address the
# head leaves the index of what is owned, and nobody looks after it until it is used.
_RELEASE = """
UPDATE event_head SET owner_token = NULL, lease_until = '-infinity',
    owner_address = CASE WHEN $4 THEN owner_address END
WHERE event_id = $1 AND epoch = $2 AND owner_token = $3
RETURNING clock_ms() AS now_ms
"""
_CLOCK = "SELECT clock_ms() AS now_ms"
_SNAPSHOT = "SELECT version, body FROM snapshot WHERE event_id = $1"
_ROWS = """
SELECT from_version, to_version, body, chain,
    (extract(epoch FROM at) * 1000)::bigint AS at_ms
FROM journal WHERE event_id = $1 AND to_version > $2
ORDER BY to_version LIMIT $3
"""
_RESULTS = """
SELECT r.user_id, r.key, r.request_hash, r.version, r.outcome
FROM unnest($2::text[], $3::text[]) AS k(asker, key)
JOIN command_result r
    ON r.event_id = $1 AND r.user_id = k.asker AND r.key = k.key
"""
_SAVE_SNAPSHOT = """
INSERT INTO snapshot (event_id, version, epoch, body, state_hash)
SELECT event_id, $4, $2, $5, $6 FROM event_head
WHERE event_id = $1 AND epoch = $2 AND owner_token = $3 AND version >= $4
ON CONFLICT (event_id) DO UPDATE SET
    version = excluded.version, epoch = excluded.epoch, body = excluded.body,
    state_hash = excluded.state_hash, stored_at = excluded.stored_at
WHERE snapshot.version <= excluded.version
"""
_HEADS = """
SELECT event_id, history_id, epoch, version,
    CASE WHEN owner_token IS NOT NULL AND lease_until > clock_timestamp()
        THEN owner_address END AS address,
    CASE WHEN isfinite(lease_until)
        THEN (extract(epoch FROM lease_until) * 1000)::bigint END AS lease_until_ms
FROM event_head WHERE event_id = ANY ($1)
"""

_T = TypeVar("_T")


class Head(Struct, frozen=True):
    """Where an event's journal stands, and who seems to own it: a hint, not a right."""

    event: str
    history_id: str
    epoch: int
    version: int
    address: str | None
    lease_until_ms: int | None


class PostgresJournal:
    """Implements `inventory.ports.Journal` for the actors of one process.

    `address` is where other processes reach this one; it is stored with each lease.
    """

    def __init__(
        self,
        url: str,
        pool: Pool,
        address: str,
        clock: DatabaseClock,
        lanes: int = limits.LANES,
        lease_ttl_s: float = limits.LEASE_TTL_S,
        call_deadline_s: float = limits.CALL_DEADLINE_S,
    ) -> None:
        def connection(name: str) -> Connection:
            return Connection(url, f"onsale {name}", clock, call_deadline_s)

        self.clock = clock
        """Whether what is given up here is for another process to look after."""
        self._pool = pool
        self._address = address
        self._lease_ttl_ms = round(lease_ttl_s * 1000)
        self._lanes = [Lane(connection(f"lane {n}"), lease_ttl_s) for n in range(lanes)]
        self._fencer = Fencer(connection("fencer"), lease_ttl_s)
        self._control = connection("control")
        self._control_free = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()

    @classmethod
    async def open(
        cls, url: str, pool: Pool, address: str, clock: DatabaseClock, **options: Any
    ) -> "PostgresJournal":
        """Make a journal and set the clock. Raises `Unavailable`."""
        journal = cls(url, pool, address, clock, **options)
        try:
            await journal._call(_CLOCK)
        except Unavailable:
            await journal.close()
            raise
        return journal

    async def close(self) -> None:
        """Finish what is under way, but not for ever; then close the connections."""
        await asyncio.gather(
            *(lane.close() for lane in self._lanes),
            self._fencer.close(),
            self._close_control(),
        )

    async def _close_control(self) -> None:
        if self._tasks:
            _, left = await asyncio.wait(self._tasks, timeout=limits.CLOSE_S_MAX)
            # A release that is given up leaves a lease that ends by itself.
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        await self._control.close()

    async def acquire(self, event: str) -> Ownership | None:
        """Take ownership, committed before it returns; None while another has it.

        Raises KeyError when there is no such event, and `Unavailable`.
        """
        token = secrets.token_urlsafe(16)
        asked = (_ACQUIRE, event, token, self._address, self._lease_ttl_ms)
        (row,) = await self._call(*asked)
        if row["status"] == "taken" and await self._call(
            _END_IMPOSSIBLE, event, limits.LEASE_S_MAX, limits.SEEN_S_MAX
        ):
            (row,) = await self._call(*asked)
        if row["status"] == "missing":
            raise KeyError(event)
        if row["status"] != "acquired":
            return None
        return Ownership(
            event=event,
            history_id=row["history_id"],
            epoch=row["epoch"],
            token=token,
            version=row["version"],
            chain=row["chain"],
        )

    async def release(self, ownership: Ownership, *, due: bool) -> None:
        """End the lease; a commit under this ownership is refused from now on.

        Where something is `due`, the event is an orphan until somebody adopts it.
        """
        await self._call(
            _RELEASE,
            ownership.event,
            ownership.epoch,
            ownership.token,
            due,
        )

    async def commit(self, ownership: Ownership, batch: Batch) -> CommitStatus:
        """Write one batch; never raises for what the database does."""
        return await self._lane(ownership.event).submit(ownership, batch)

    async def confirm(self, ownership: Ownership) -> CommitStatus:
        """Renew the lease, refused as a commit would be."""
        return await self._lane(ownership.event).submit(ownership, None)

    async def fence(self, ownership: Ownership, token: str) -> Fenced | None:
        """Shut out every late write of `ownership`; see `Fencer`."""
        return await self._fencer.submit(ownership, token)

    async def load_snapshot(self, event: str) -> StoredSnapshot | None:
        """Return the newest recovery snapshot."""
        row = await self._pool.fetch_one(_SNAPSHOT, event)
        return None if row is None else StoredSnapshot(row["version"], row["body"])

    async def load_rows(self, event: str, after: int, limit: int) -> list[JournalRow]:
        """Return the batches whose `to` is above `after`, in order, at most `limit`."""
        return [
            JournalRow(
                base=row["from_version"],
                to=row["to_version"],
                at_ms=row["at_ms"],
                body=row["body"],
                chain=row["chain"],
            )
            for row in await self._pool.fetch(_ROWS, event, after, limit)
        ]

    async def find_results(
        self, event: str, keys: Iterable[tuple[str, str]]
    ) -> list[KeyedResult]:
        """Return the stored outcomes of these (user, key) pairs."""
        pairs = list(keys)
        users, names = [user for user, _ in pairs], [key for _, key in pairs]
        try:
            # People wait for it: a database that is silent gets no longer for this than
            # for a commit.
            async with asyncio.timeout(limits.CALL_DEADLINE_S):
                rows = await self._pool.fetch(_RESULTS, event, users, names)
        except TimeoutError as error:
            raise Unavailable("the look-up of keys took too long") from error
        return [
            KeyedResult(
                user=row["user_id"],
                key=row["key"],
                request_hash=row["request_hash"],
                version=row["version"],
                outcome=row["outcome"],
            )
            for row in rows
        ]

    async def save_snapshot(
        self, ownership: Ownership, version: int, body: bytes, state_hash: bytes = b""
    ) -> None:
        """Store a recovery snapshot; nothing happens where another is the owner.

        `state_hash` is for those who look from outside: a body checks itself.
        """
        await self._pool.fetch(
            _SAVE_SNAPSHOT,
            ownership.event,
            ownership.epoch,
            ownership.token,
            version,
            body,
            state_hash,
        )

    async def heads(self, events: list[str]) -> list[Head]:
        """Tell where these events stand and who owns them."""
        return [
            Head(
                event=row["event_id"],
                history_id=row["history_id"],
                epoch=row["epoch"],
                version=row["version"],
                address=row["address"],
                lease_until_ms=row["lease_until_ms"],
            )
            for row in await self._pool.fetch(_HEADS, events)
        ]

    def _lane(self, event: str) -> Lane:
        return self._lanes[zlib.crc32(event.encode()) % len(self._lanes)]

    async def _call(self, sql: str, *args: object) -> list[Any]:
        """Run a repeatable statement on the control connection."""
        return await self._apart(self._repeat(sql, *args))

    async def _repeat(self, sql: str, *args: object) -> list[Any]:
        """Ask until there is a clear answer, a few times.

        Each of these statements says the same however often it arrives, so an unknown
        outcome is simply asked for again.
        """
        backoff_s = limits.BACKOFF_S_MIN
        for attempt in range(1, limits.CONTROL_ATTEMPTS_MAX + 1):
            try:
                async with self._control_free:
                    return await self._control.call(sql, *args)
            except (Unsent, Aborted, Ambiguous) as error:
                if attempt == limits.CONTROL_ATTEMPTS_MAX:
                    raise Unavailable(str(error)) from error
            await asyncio.sleep(backoff_s * random.uniform(0.5, 1.5))
            backoff_s = min(backoff_s * 2, limits.BACKOFF_S_MAX)
        raise AssertionError("the last attempt returns or raises")

    async def _apart(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run it in a task of its own, which outlives a cancelled caller."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)
