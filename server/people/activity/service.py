"""The activity log of one process: its parts put together, started and stopped."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from persistence.people.activity import ActivityLog, Record
from persistence.postgres.pool import Pool
from server.base.jobs import Job
from server.base.metrics import Metrics
from server.people.activity.feed import Feed
from server.people.activity.limits import GOODBYE_S_MAX
from server.people.activity.writer import Writer

if TYPE_CHECKING:
    from server.people.activity.consumer import Consumer
    from server.people.activity.stream import Stream

CONNECTIONS_MAX: Final = 1
"""To Postgres, of each process: one batch at a time is enough."""


class Activities:
    """Takes what was done, and sees that it is stored."""

    def __init__(self, pool: Pool, now_ms: Callable[[], int], keep_days: int) -> None:
        self.now_ms = now_ms
        self.writer = Writer(ActivityLog(pool), now_ms, keep_days)
        self.feed = Feed(self.writer)
        self.consumer: Consumer | None = None
        self._pool = pool
        self._streams: list[Stream] = []
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(
        cls, database_url: str, now_ms: Callable[[], int], keep_days: int
    ) -> "Activities":
        """Connect; raises `Unavailable`. Nothing runs before `start`."""
        pool = await Pool.open(
            database_url, size=CONNECTIONS_MAX, name="onsale activity"
        )
        return cls(pool, now_ms, keep_days)

    def use_redis(self, url: str, cluster: str, secret: bytes, process: str) -> None:
        """Send records by way of Redis, and store what comes out there."""
        # Here, because who is alone needs no client of Redis, slow to import.
        from server.people.activity.consumer import Consumer
        from server.people.activity.stream import Sender, Stream

        sending = Stream(url, cluster, secret, process)
        reading = Stream(url, cluster, secret, process)
        self._streams = [sending, reading]
        self.feed.sink = Sender(sending, self.feed.send_again)
        self.consumer = Consumer(reading, self.writer, self.feed.send_again)

    def start(self, house: Job) -> None:
        """Let go what goes on by itself; `house` notes the housekeeping."""
        self._run(self.writer.keep_house(house), "activity house")
        self._run(self.feed.run(), "activity feed")
        if self.consumer is not None:
            self._run(self.consumer.run(), "activity consumer")

    def put(self, record: Record) -> None:
        """Take a record; never waits, never raises."""
        self.feed.put(record)

    @property
    def lag_s(self) -> float:
        """How long the oldest record has been waiting that is not stored."""
        waits = self.feed.oldest_ms
        in_stream = None if self.consumer is None else self.consumer.oldest_ms
        times = [time for time in (waits, in_stream) if time is not None]
        return max(0, self.now_ms() - min(times)) / 1_000 if times else 0.0

    def count_in(self, metrics: Metrics) -> None:
        """Show what is counted here."""
        metrics.registry.register(self.writer.batch_seconds)
        consumer = self.consumer
        metrics.gauge(
            "onsale_activity_lag_seconds",
            "How long the oldest record of activity has been waiting to be stored.",
            lambda: self.lag_s,
        )
        metrics.gauge(
            "onsale_activity_waiting",
            "Records of activity in the queue of this process.",
            lambda: self.feed.waiting,
        )
        for name, meaning, read in (
            (
                "written",
                "Records of activity that this process stored.",
                lambda: self.writer.written,
            ),
            (
                "dropped",
                "Records of activity that were lost because the queue was full.",
                lambda: self.feed.dropped,
            ),
            (
                "redelivered",
                "Records of activity that were read again from the stream.",
                lambda: 0 if consumer is None else consumer.redelivered,
            ),
            (
                "unusable",
                "Records of activity that were unreadable or not storable.",
                lambda: (
                    self.writer.unwritable
                    + (0 if consumer is None else consumer.unreadable)
                ),
            ),
        ):
            metrics.counter(f"onsale_activity_{name}_total", meaning, read)

    async def close(self) -> None:
        """Stop, and hand over what waits; nobody puts any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.feed.flush()
        if self.consumer is not None:
            await self.consumer.leave()
        for stream in self._streams:
            await stream.close()
        await self._pool.close(GOODBYE_S_MAX)

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))


ACTIVITIES: Final = web.AppKey("activities", Activities)
