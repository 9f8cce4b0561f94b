"""`bench many`: many lukewarm events beside one hot one, on one server.

The same buyers first crowd one event, then spread over many: every command goes to
another event. What is lost between the two is what an event costs by itself.
"""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from statistics import median

from cyclopts import Parameter

from bench.contenders import Running
from bench.hot import SHARE_OF_PEAK, Options, Report, Run, measure_one, tell
from bench.lab import Lab, describe
from bench.onsale import start_onsale
from bench.outcome import HERE, Common, Outcome, Value, in_lab
from bench.progress import new_console
from bench.report import COLUMNS, draw_runs, faults, row_of, summary, warnings

EVENTS = 1_000
TO_HOT_MIN = 0.7
ONE = "onsale, one event"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Spread:
    """The settings of a measurement, as they are typed and go into its report."""

    events: int = EVENTS
    """Over which the commands are spread."""

    connections: int = 1_000
    """Websocket connections, with one command in flight each."""

    seconds: float = 8.0
    """Length of each measured window."""

    warmup: float = 2.0
    """Seconds of load before it."""

    rounds: int = 3
    """How often the two take turns."""

    rate_max: int = 60_000
    """Holds per second that seats are provided for."""


async def measure(lab: Lab, spread: Spread) -> Report:
    """Load one event and many in turn, then many at half of their peak."""
    say = new_console().print
    hot = Options(
        connections=spread.connections,
        seconds=spread.seconds,
        warmup=spread.warmup,
        rate_max=spread.rate_max,
    )
    seats = seats_of_each(spread)
    many = replace(hot, side_by_side=True, seats_per_event=seats)
    report = Report(options=hot, machine=await describe(lab), runs=[], skipped={})
    name = many_of(spread)

    async def start_many(stack: AsyncExitStack, lab: Lab, events: int) -> Running:
        return await start_onsale(stack, lab, spread.events)

    async def run_many(options: Options, number: int) -> Run:
        shape = lab.shaped(**options.shape())
        rate = spread.rate_max
        run = await measure_one(options, shape, number, name, start_many, rate)
        tell(run, say)
        report.runs.append(run)
        return run

    for number in range(spread.rounds):
        shape = lab.shaped(**hot.shape())
        one = await measure_one(
            hot, shape, number + 1, ONE, start_onsale, spread.rate_max
        )
        tell(one, say)
        report.runs.append(one)
        run = await run_many(many, number + 1)
        run.to_echo = run.figures.per_second / (one.figures.per_second or 1.0)
    peak = median(report.peaks(name))
    await run_many(replace(many, rate=SHARE_OF_PEAK * peak), 1)
    return report


def many_of(spread: Spread) -> str:
    """Name the runs with many events."""
    return f"onsale, {spread.events:,} events"


def seats_of_each(spread: Spread) -> int:
    """Seats of each event, so that none is sold out before the end."""
    holds = spread.rate_max * (spread.warmup + spread.seconds)
    turns = -(-holds // (spread.connections * spread.events))
    return int(max(1, turns)) * spread.connections * 2


def conclude(report: Report, spread: Spread) -> Outcome:
    """Make the table, and hold the ratio against what is promised."""
    name = many_of(spread)
    pairs = zip(report.peaks(name), report.peaks(ONE), strict=True)
    audits = [run.settled["audit"] for run in report.runs]
    return Outcome(
        bench="many",
        title=f"{spread.events:,} events, each command to another one",
        settings=asdict(spread),
        machine=report.machine,
        columns=COLUMNS,
        rows=[row_of(server, row) for server, row in summary(report).items()],
        values=[
            Value(
                name="many to one event",
                value=median(a / b if b else 0.0 for a, b in pairs),
                at_least=TO_HOT_MIN if spread.events == EVENTS else None,
            ),
            Value(name=ONE, value=median(report.peaks(ONE)), unit="holds/s"),
            Value(name=name, value=median(report.peaks(name)), unit="holds/s"),
        ],
        figures={"summary": summary(report)},
        audit={"runs": audits},
        notes=warnings(report),
        missed=faults(report),
        plots=draw_runs(report.runs),
    )


def make_work(spread: Spread) -> Callable[[Lab], Awaitable[Outcome]]:
    """Bind the settings, for a store still to be started."""

    async def work(lab: Lab) -> Outcome:
        return conclude(await measure(lab, spread), spread)

    return work


USUAL = Spread()


def many(spread: Spread = USUAL, *, common: Common = HERE) -> int:
    """Measure many lukewarm events beside one hot one.

    Ends with 1 where 1,000 events together have less than 0.7 of the throughput of one.
    """
    return in_lab(make_work(spread), common)
