"""What the server counts, as Prometheus reads it and by its conventions.

The hot path adds to plain integers; the rest is read off when somebody asks. What only
grows is a counter, whose name ends in `_total`; what goes up and down is a gauge. Units
are seconds and bytes, and a help text is a sentence.
"""

import asyncio
import traceback
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import accumulate
from time import monotonic

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from inventory.ports import CommitStatus

log = structlog.get_logger()

LAG_EVERY_S = 0.5
COMMIT_BUCKETS_S = (0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0)
BATCH_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 4_096)
SLOW_COMMIT_S = 0.25
LAG_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)

Reader = Callable[[], float]


class Histogram:
    """Counts values by bucket: a library takes five times as long."""

    def __init__(self, name: str, text: str, bounds: tuple[float, ...]) -> None:
        self.name, self.text, self.bounds = name, text, bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, int]]:
        """Return how many values were at most as large as each bound."""
        names = [*map(floatToGoString, self.bounds), "+Inf"]
        return list(zip(names, accumulate(self.counts), strict=True))

    def family(self) -> HistogramMetricFamily:
        """Return what is counted as a histogram."""
        return HistogramMetricFamily(
            self.name, self.text, buckets=self.buckets(), sum_value=self.sum
        )


class Metrics(Collector):
    """Implements `inventory.ports.Observer`, and collects gauges from whom has them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauges: dict[str, tuple[str, Reader]] = {}
        self._counters: dict[str, tuple[str, Reader]] = {}
        self.commits = 0
        self.commands = 0
        self.slow_commits = 0
        self.refusals: Counter[str] = Counter()
        self.doubts: Counter[str] = Counter()
        self.failures = 0
        self._batch = Histogram(
            "onsale_batch_commands",
            "Commands that one commit answered.",
            BATCH_BUCKETS,
        )
        self._commit = Histogram(
            "onsale_commit_seconds",
            "How long one commit to the journal took.",
            COMMIT_BUCKETS_S,
        )
        self._lag = Histogram(
            "onsale_loop_lag_seconds",
            "How late the event loop ran what was due.",
            LAG_BUCKETS_S,
        )
        self.registry.register(self)
        # CPU, memory, open files and the start of this process.
        ProcessCollector(registry=self.registry)

    def committed(self, commands: int, seconds: float) -> None:
        """Note a clean commit."""
        self.commits += 1
        self.commands += commands
        self._batch.add(commands)
        self._commit.add(seconds)
        if seconds > SLOW_COMMIT_S:
            self.slow_commits += 1

    def refused(self, code: str) -> None:
        """Note a refusal by its code."""
        self.refusals[code] += 1

    def doubted(self, status: CommitStatus) -> None:
        """Note a commit that was not a clean success."""
        self.doubts[status.value] += 1
        log.warning("a commit was not a clean success", status=status.value)

    def failed(self, event: str, error: BaseException) -> None:
        """Note that an event's actor stopped on an error."""
        self.failures += 1
        log.error(
            "an event's actor stopped on an error",
            event_id=event,
            error="".join(traceback.format_exception(error)),
        )

    def gauge(self, name: str, text: str, read: Reader) -> None:
        """Show a number that goes up and down, read when somebody asks."""
        self._gauges[name] = (text, read)

    def counter(self, name: str, text: str, read: Reader) -> None:
        """Show a number that only grows; its name ends in `_total`."""
        assert name.endswith("_total"), name
        self._counters[name] = (text, read)

    def read(self, name: str) -> float:
        """Return what a gauge or a counter is now; raises KeyError."""
        _, read = self._gauges.get(name) or self._counters[name]
        return read()

    def collect(self) -> Iterable[Metric]:
        """Yield the counters and gauges."""
        yield CounterMetricFamily(
            "onsale_commits", "Commits that succeeded.", value=self.commits
        )
        yield CounterMetricFamily(
            "onsale_commands",
            "Commands that were answered after a commit.",
            value=self.commands,
        )
        yield CounterMetricFamily(
            "onsale_actor_failures",
            "Actors of events that an error stopped.",
            value=self.failures,
        )
        for name, label, text, counts in (
            (
                "onsale_rejections",
                "code",
                "Commands that were refused, by the code of the refusal.",
                self.refusals,
            ),
            (
                "onsale_doubtful_commits",
                "status",
                "Commits that were no clean success, by what became of them.",
                self.doubts,
            ),
        ):
            family = CounterMetricFamily(name, text, labels=[label])
            for value, count in counts.items():
                family.add_metric([value], count)
            yield family
        for histogram in (self._batch, self._commit, self._lag):
            yield histogram.family()
        for name, (text, read) in self._gauges.items():
            yield GaugeMetricFamily(name, text, value=read())
        for name, (text, read) in self._counters.items():
            yield CounterMetricFamily(name, text, value=read())

    async def watch_loop(self) -> None:
        """Measure how late the loop is, twice a second."""
        while True:
            due = monotonic() + LAG_EVERY_S
            await asyncio.sleep(LAG_EVERY_S)
            self._lag.add(max(0.0, monotonic() - due))
