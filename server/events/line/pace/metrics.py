"""What a process knows of its lines, as Prometheus reads it: counted when it asks."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from inventory.line.line import AWAY, PAUSED, WAITING
from inventory.ports import Clock, Publication
from inventory.rules.line_turns import choosing_at_most
from server.base.metrics import Histogram
from server.events.line.pace.conductor import Conductors
from server.events.line.service import LineDesk
from server.events.line.waiters.state import phase_now
from server.events.line.waiters.waiters import Waiters
from server.live.actors.registry import EventRegistry

_STATES: Final = (
    ("waiting", WAITING, "Places whose turn is to come, with somebody there."),
    ("away", AWAY, "Places whose turn is to come, with nobody there."),
    ("paused", PAUSED, "Places that are passed over as their owners asked."),
)


class LineMetrics(Collector):
    """The lines of the events of this process, and those who wait at it."""

    def __init__(
        self,
        registry: EventRegistry,
        conductors: Conductors,
        waiters: Waiters,
        desk: LineDesk,
        times: Iterable[Histogram],
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._conductors = conductors
        self._waiters = waiters
        self._desk = desk
        self._times = list(times)
        self._clock = clock
        self._given: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()

    def heard(self, event: str, publication: Publication) -> None:
        """Count turns of an event, where that is ours."""
        if any(one.actor.event == event for one in self._registry.owned()):
            self._given.update([one.because for one in publication.turns])
            self._ended.update([one.why for one in publication.turns_over])

    def collect(self) -> Iterable[Metric]:
        """Yield counters and gauges."""
        yield from self._places()
        yield from self._pace()
        yield _counter("turns", "because", "Turns that were given.", self._given)
        yield _counter("turns_ended", "why", "Turns that are over.", self._ended)
        text = "Those who would join: taken in, there already, or refused with a code."
        yield _counter("joins", "outcome", text, self._desk.joins)
        yield _gates(self._desk)
        yield from [one.family() for one in self._times]
        waiters = self._waiters
        frames = Counter({f"{s} s": n for s, n in waiters.told.items()})
        text = "Frames to those who wait, by how soon they get the next."
        yield _counter("frames", "distance", text, frames)
        yield CounterMetricFamily(
            "onsale_line_fanout_seconds",
            "What telling those who wait took of the loop.",
            value=waiters.spent_s,
        )
        yield GaugeMetricFamily(
            "onsale_line_sockets",
            "Sockets of this process that somebody waits at.",
            value=sum(len(one.waiters) for one in waiters.crowds.values()),
        )

    def _places(self) -> Iterable[Metric]:
        stocks = [one.actor.stock for one in self._registry.owned()]
        lines = [(one, one.line) for one in stocks if one is not None and one.line]
        for name, state, text in _STATES:
            count = sum(line.states.count(state) for _, line in lines)
            yield GaugeMetricFamily(f"onsale_line_{name}", text, value=count)
        now_ms, entries = self._clock.now_ms(), Counter[str]()
        for stock, line in lines:
            entries[phase_now(stock, line, now_ms)] += line.fed
        family = GaugeMetricFamily(
            "onsale_line_entries",
            "Places that have a rank, over or not, by the phase of their line.",
            labels=["phase"],
        )
        for phase, count in sorted(entries.items()):
            family.add_metric([phase], count)
        yield family
        led = self._waiters.leading.led.values()
        yield GaugeMetricFamily(
            "onsale_line_here",
            "Places among the next in line with somebody seen there within a second.",
            value=sum(one.presence.here for one in led),
        )
        yield GaugeMetricFamily(
            "onsale_line_turns_open",
            "Turns that are not over.",
            value=sum(len(line.turns.open) for _, line in lines),
        )
        yield GaugeMetricFamily(
            "onsale_line_guard",
            "How many may choose at once, in all lines in front of a sale.",
            value=sum(choosing_at_most(s, line) for s, line in lines if line.gated),
        )

    def _pace(self) -> Iterable[Metric]:
        leading = self._conductors.leading.values()
        rates = [one.rate for one in leading if one.rate is not None]
        yield GaugeMetricFamily(
            "onsale_line_pace",
            "Turns a second that lines in front of a sale may give.",
            value=sum(rate.r for rate in rates),
        )
        yield _counter(
            "pace_changes",
            "why",
            "How often the pace of a line moved.",
            self._conductors.moves,
        )


def _gates(desk: LineDesk) -> CounterMetricFamily:
    family = CounterMetricFamily(
        "onsale_line_gate",
        "How often gates of lines were passed, or were not.",
        labels=["gate", "outcome"],
    )
    for (gate, outcome), count in sorted(desk.gates.passes.items()):
        family.add_metric([gate, outcome], count)
    return family


def _counter(
    name: str, label: str, text: str, counts: Counter[str]
) -> CounterMetricFamily:
    family = CounterMetricFamily(f"onsale_line_{name}", text, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family
