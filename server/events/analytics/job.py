"""The job that counts: looks what is behind, counts some of it, rests, for ever."""

import asyncio
from time import monotonic
from typing import Final

import structlog
from aiohttp import web

from persistence.analytics.rollup import Counted, Rollup
from persistence.errors import Unavailable
from persistence.journal.stretches import Behind
from persistence.postgres.pool import Pool
from server.base.jobs import Job
from server.base.metrics import Metrics

LOOK_S: Final = 2.0
"""How often it is looked what is not counted yet."""

AGAIN_S: Final = 0.1
"""How soon it is looked again where something was left."""

LOOP_SHARE_MAX: Final = 0.03
"""How much of the loop counting may have; with its statements it is about 0.05.

On two cores that is about 12,000 versions a second.
"""

PASS_S_MAX: Final = 2.0
"""When it is looked again, however much is left."""

SPOILT_S: Final = 60.0
"""How long an event that cannot be counted is left alone."""

SPOILT_MAX: Final = 1_000

log = structlog.get_logger()


class RollupJob:
    """Keeps the roll-up tables current."""

    def __init__(self, rollup: Rollup) -> None:
        self.behind = Behind([])
        """As of the last look."""
        self.counted = 0
        """Versions that this process counted."""
        self._rollup = rollup
        self._spoilt: dict[str, float] = {}

    @classmethod
    async def open(cls, database_url: str) -> tuple["RollupJob", Pool]:
        """Connect; raises `Unavailable`. Whoever asks closes the pool."""
        pool = await Pool.open(database_url, size=1, name="onsale analytics")
        return cls(Rollup(pool)), pool

    def count_in(self, metrics: Metrics) -> None:
        """Show how far the counts are behind."""
        metrics.gauge(
            "onsale_analytics_events_behind",
            "Events of which something is not counted yet.",
            lambda: self.behind.events_behind,
        )
        metrics.gauge(
            "onsale_analytics_versions_behind",
            "Versions of events that are not counted yet.",
            lambda: self.behind.versions_behind,
        )
        metrics.gauge(
            "onsale_analytics_lag_seconds",
            "How long the oldest version has been waiting to be counted.",
            lambda: self.behind.lag_s,
        )
        metrics.counter(
            "onsale_analytics_versions_counted_total",
            "Versions of events that this process counted.",
            lambda: self.counted,
        )

    async def run(self, job: Job) -> None:
        """Count for ever."""
        while True:
            more = False
            try:
                with job:
                    more = await self.look_and_count()
            except Unavailable as error:
                log.warning("analytics are not counted", reason=str(error))
            await asyncio.sleep(AGAIN_S if more else LOOK_S)

    async def look_and_count(self) -> bool:
        """Count what is behind, for a while; return whether something is left.

        Raises `Unavailable`.
        """
        ends = monotonic() + PASS_S_MAX
        # Else so many of them as are named at a time would keep out all others.
        self.behind = await self._rollup.behind(self._spoilt)
        waiting = [event for event in self.behind.events if not self._is_spoilt(event)]
        while waiting and monotonic() < ends:
            # One stretch of each in turn, so that a busy event holds up no other.
            waiting = [event for event in waiting if await self._count(event)]
        return bool(waiting)

    async def _count(self, event: str) -> bool:
        """Count a stretch of an event; return whether something is left.

        What was committed meanwhile comes with the next look: a sale would else be
        counted as often as it commits, each time for a few.
        """
        try:
            done = await self._rollup.count(event)
        except Unavailable:
            raise
        except Exception as error:
            # A damaged journal or a bug of ours spoils the counts of its event alone.
            log.exception("an event cannot be counted", event_id=event, error=error)
            if len(self._spoilt) >= SPOILT_MAX:
                self._spoilt.clear()
            self._spoilt[event] = monotonic() + SPOILT_S
            return False
        self.counted += done.versions
        await asyncio.sleep(rest_after(done))
        return done.more

    def _is_spoilt(self, event: str) -> bool:
        until = self._spoilt.get(event)
        if until is None:
            return False
        if until > monotonic():
            return True
        del self._spoilt[event]
        return False


def rest_after(done: Counted) -> float:
    """Return how long to leave the loop to others, in seconds."""
    return done.busy_s * (1.0 - LOOP_SHARE_MAX) / LOOP_SHARE_MAX


ROLLUP_JOB: Final = web.AppKey("job", RollupJob)
