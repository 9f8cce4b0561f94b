"""Who may do a job now, and how it went the last time.

Purpose: of several processes one does a job at a time. It takes it for a while, and for
longer while it is at it; where it dies, anybody may take it when that is over.

Invariants: a take counts the job's turn up. Whoever comes back from a former turn, say
from a long pause, neither keeps the job nor ends it. Time is the database's.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from msgspec import Struct

from persistence.postgres.pool import Pool

BACKOFF_S_MAX: Final = 300.0
"""A job that fails comes again later each time, but no later than that, or than it
comes in any case."""

DOUBLINGS_MAX: Final = 10

_PUT = """
INSERT INTO job AS j (name, every_s) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET every_s = excluded.every_s,
    next_at = least(j.next_at, now() + excluded.every_s * interval '1 s')
WHERE j.every_s <> excluded.every_s
"""
_STATES = """
SELECT name, every_s, next_at, by, began_at, ok_at, failed_at, failures, error, took_ms,
    coalesce(taken_until > clock_timestamp(), false) AS taken,
    extract(epoch FROM next_at - clock_timestamp())::float AS due_in_s
FROM job WHERE name = ANY ($1) ORDER BY name
"""
_TAKE = """
UPDATE job SET taken_until = clock_timestamp() + $3 * interval '1 s', by = $2,
    turn = turn + 1, began_at = clock_timestamp()
WHERE name = $1 AND next_at <= clock_timestamp()
    AND (taken_until IS NULL OR taken_until < clock_timestamp())
RETURNING turn
"""
_RENEW = """
UPDATE job SET taken_until = clock_timestamp() + $3 * interval '1 s'
WHERE name = $1 AND turn = $2 AND taken_until IS NOT NULL
RETURNING turn
"""
# What was asked for since it began comes at once, and what took longer than its period.
_DONE = """
UPDATE job SET taken_until = NULL, ok_at = clock_timestamp(), failures = 0,
    took_ms = $3, next_at = CASE WHEN next_at > began_at THEN next_at
        ELSE greatest(began_at + every_s * interval '1 s', clock_timestamp()) END
WHERE name = $1 AND turn = $2 AND taken_until IS NOT NULL
RETURNING turn
"""
_FAILED = """
UPDATE job SET taken_until = NULL, failed_at = clock_timestamp(),
    failures = failures + 1, error = $4, took_ms = $3,
    next_at = CASE WHEN next_at > began_at THEN next_at
        ELSE clock_timestamp() + interval '1 s' * least(
            every_s * power(2, least(failures, $6)), greatest(every_s, $5)) END
WHERE name = $1 AND turn = $2 AND taken_until IS NOT NULL
RETURNING turn
"""
_RELEASE = """
UPDATE job SET taken_until = NULL
WHERE name = $1 AND turn = $2 AND taken_until IS NOT NULL
"""
_RUN_NOW = "UPDATE job SET next_at = clock_timestamp() WHERE name = $1 RETURNING name"


class JobRow(Struct, frozen=True):
    """A job as all processes know it."""

    name: str
    every_s: float
    next_at: datetime
    by: str | None
    """The process that has it, or had it last."""
    began_at: datetime | None
    ok_at: datetime | None
    failed_at: datetime | None
    failures: int
    error: str | None
    took_ms: int | None
    taken: bool
    due_in_s: float
    """Below 0 it is so late."""


class JobTable:
    """The jobs of a database. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put(self, name: str, every_s: float) -> None:
        """Let there be a job, due at once; of one that there is, how often it comes."""
        await self._pool.fetch(_PUT, name, every_s)

    async def states(self, names: Collection[str]) -> list[JobRow]:
        """Return those of these jobs that there are, by name."""
        rows = await self._pool.fetch(_STATES, list(names))
        return [JobRow(**row) for row in rows]

    async def take(self, name: str, by: str, lease_s: float) -> int | None:
        """Take a job that is due for a while; return the turn, None where it is not."""
        row = await self._pool.fetch_one(_TAKE, name, by, lease_s)
        return None if row is None else int(row["turn"])

    async def renew(self, name: str, turn: int, lease_s: float) -> bool:
        """Keep a job for longer; return whether it is still ours."""
        return await self._pool.fetch_one(_RENEW, name, turn, lease_s) is not None

    async def done(self, name: str, turn: int, took_ms: int) -> bool:
        """Note that a job was done; return whether it was still ours."""
        return await self._pool.fetch_one(_DONE, name, turn, took_ms) is not None

    async def failed(self, name: str, turn: int, took_ms: int, error: str) -> bool:
        """Note that a job was not done; it comes again later each time."""
        arguments = (name, turn, took_ms, error, BACKOFF_S_MAX, DOUBLINGS_MAX)
        return await self._pool.fetch_one(_FAILED, *arguments) is not None

    async def release(self, name: str, turn: int) -> None:
        """Leave a job to others, as if it had not been taken."""
        await self._pool.fetch(_RELEASE, name, turn)

    async def run_now(self, name: str) -> bool:
        """Let a job be due, or once more where it runs; return whether there is one."""
        return await self._pool.fetch_one(_RUN_NOW, name) is not None
