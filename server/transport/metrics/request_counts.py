"""How many requests came, by what they asked for, and how long they took."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from server.base.metrics import Histogram

BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER: Final = "other"
"""A method that nobody knows: clients make up as many as they like."""

UNMATCHED: Final = "unmatched"
"""A path that is served by no route."""

REQUESTS: Final = "onsale_http_requests"
SECONDS: Final = "onsale_http_request_duration_seconds"
_SECONDS_TEXT: Final = "How long answering requests took, by method and route."


class RequestCounts(Collector):
    """Counts by method, template of the route, and status: as many as we made."""

    def __init__(self) -> None:
        self._statuses: Counter[tuple[str, str, int]] = Counter()
        self._times: dict[tuple[str, str], Histogram] = {}

    def add(
        self, method: str, route: str, status: int, seconds: float | None = None
    ) -> None:
        """Count a request; `seconds` is None where it is not the time of an answer."""
        if method not in METHODS:
            method = OTHER
        self._statuses[method, route, status] += 1
        if seconds is None:
            return
        times = self._times.get((method, route))
        if times is None:
            times = Histogram(SECONDS, _SECONDS_TEXT, BUCKETS_S)
            self._times[method, route] = times
        times.add(seconds)

    def slow_of(self, method: str, route: str) -> tuple[int, int]:
        """Return how many took longer than all bounds, and how many there were."""
        times = self._times.get((method, route))
        return (0, 0) if times is None else (times.counts[-1], sum(times.counts))

    def collect(self) -> Iterable[Metric]:
        """Yield the counter and the histogram."""
        requests = CounterMetricFamily(
            REQUESTS,
            "Requests that were answered, by method, route and status.",
            labels=["method", "route", "status"],
        )
        for (method, route, status), count in self._statuses.items():
            requests.add_metric([method, route, str(status)], count)
        yield requests
        seconds = HistogramMetricFamily(
            SECONDS, _SECONDS_TEXT, labels=["method", "route"]
        )
        for (method, route), times in self._times.items():
            seconds.add_metric([method, route], times.buckets(), times.sum)
        yield seconds
