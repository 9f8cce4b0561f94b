"""Writes records to Postgres, and keeps the house of the table.

Over connections of its own: whatever happens here, bookings and reads have theirs.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from time import monotonic

import structlog
from prometheus_client import Histogram

from persistence.errors import Unavailable
from persistence.people.activity import ActivityLog, Record, from_ms
from server.base.jobs import Job
from server.people.activity.limits import (
    AHEAD_S,
    BACKOFF_S_MAX,
    BACKOFF_S_MIN,
    HOUSE_AGAIN_S,
    HOUSE_S,
)

BATCH_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0)

UNWRITABLE = (ValueError, TypeError, OverflowError)

log = structlog.get_logger()


class Writer:
    """Puts records where they stay."""

    def __init__(
        self, store: ActivityLog, now_ms: Callable[[], int], keep_days: int
    ) -> None:
        self.written = 0
        """Records stored by this process; one that was there already counts not."""
        self.unwritable = 0
        """Records that the database would not have."""
        self.batch_seconds = Histogram(
            "onsale_activity_batch_seconds",
            "How long storing a batch of records of activity took.",
            buckets=BATCH_BUCKETS_S,
            registry=None,
        )
        self._store = store
        self._now_ms = now_ms
        self._keep = timedelta(days=keep_days)

    async def write(self, records: Sequence[Record]) -> None:
        """Store records; each that is there already stays as it is.

        Raises `Unavailable`: then some may be stored, and all may be brought again.
        """
        began = monotonic()
        try:
            self.written += await self._store.store(records)
        except UNWRITABLE:
            for record in records:
                await self._write_one(record)
        self.batch_seconds.observe(monotonic() - began)

    async def write_for_sure(self, records: Sequence[Record]) -> None:
        """Store records, however long the database is away."""
        backoff_s = BACKOFF_S_MIN
        while True:
            try:
                await self.write(records)
            except Unavailable as error:
                log.warning("activity waits for the database", reason=str(error))
            else:
                return
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def _write_one(self, record: Record) -> None:
        try:
            self.written += await self._store.store([record])
        except UNWRITABLE as error:
            # Not the record itself: it may hold what made it unwritable.
            self.unwritable += 1
            log.error("an activity record is unwritable", id=record.id, why=str(error))

    async def keep_house(self, job: Job) -> None:
        """Make the partitions of now and soon, drop the too old ones, for ever."""
        while True:
            pause_s = HOUSE_S
            try:
                with job:
                    await self.tidy()
            except Unavailable as error:
                log.warning("the activity log is not tidied", reason=str(error))
                pause_s = HOUSE_AGAIN_S
            await asyncio.sleep(pause_s)

    async def tidy(self) -> None:
        """Do so once. Raises `Unavailable`."""
        now = from_ms(self._now_ms())
        await self._store.ensure([now, now + timedelta(seconds=AHEAD_S)])
        dropped = await self._store.drop_before(now - self._keep)
        if dropped:
            log.info("dropped old activity", partitions=dropped)
