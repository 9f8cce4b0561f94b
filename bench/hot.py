"""`bench hot`: accepted, committed holds per second on one hot event, side by side.

The servers take turns, never running at the same time, on the same Postgres and with
the same frames from the same client. A round is every server once and then the echo and
Onsale once more; each run is set in relation to the echo that ran just before it, since
other work on the machine changes what a second is worth.

That is a closed loop, and finds the most that each can do. Then Onsale and the echo get
half of Onsale's most in an open loop, which tells what a buyer waits for.
"""

import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from statistics import median
from typing import Annotated, Literal

from cyclopts import Parameter
from msgspec import Struct

from bench import arena
from bench.children import ChildError
from bench.contenders import (
    Absent,
    Running,
    Start,
    start_echo,
    start_redis_script,
    start_row_locks,
    start_row_locks_seats,
)
from bench.drive import Driven, Load, drive
from bench.lab import Lab, describe
from bench.onsale import start_onsale
from bench.plan import Curves, Figures

ECHO = "echo"
ONSALE = "onsale"
SERVERS: dict[str, Start] = {
    ECHO: start_echo,
    ONSALE: start_onsale,
    "row_locks": start_row_locks,
    "row_locks_seats": start_row_locks_seats,
    "redis_script": start_redis_script,
}
RATES_MAX = {"row_locks": 6_000, "row_locks_seats": 8_000, "redis_script": 20_000}
"""Holds per second that seats are provided for; for the others: as the echo allows."""

ECHO_HEADROOM = 1.2
PATIENCE_S = 15
SHARE_OF_PEAK = 0.5
"""Of what Onsale can do at most: the rate of the open loop where none is given."""

Say = Callable[[str], None]


Server = Literal["echo", "onsale", "row_locks", "row_locks_seats", "redis_script"]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """The settings of a measurement, as they are typed and go into its report."""

    rate: float | None = None
    """Holds per second of the open loop, which is then all that is measured."""

    closed: Annotated[bool, Parameter(negative=())] = False
    """Leave the open loop out."""

    connections: int = 1_000
    """Websocket connections, each a buyer of its own."""

    in_flight: int = 1
    """Commands that each connection keeps unanswered in a closed loop."""

    seconds: float = 8.0
    """Length of each measured window."""

    warmup: float = 2.0
    """Seconds of load before it."""

    seats_per_hold: int = 2
    """Neighbouring seats asked for by each command."""

    seats_per_event: int = 100_000
    """Seats of the arena; when they are sold, the sale goes on with a further event."""

    keys: bool = False
    """Give every command an idempotency key."""

    rounds: int = 1
    """How often all of it is repeated."""

    loop: Literal["uvloop", "asyncio"] = "uvloop"
    """Event loop of the servers."""

    servers: Annotated[tuple[Server, ...], Parameter(consume_multiple=True)] = (
        "echo",
        "onsale",
        "row_locks",
        "redis_script",
    )
    """Which servers, in this order."""

    rate_max: int = 90_000
    """Holds per second that seats are provided for."""

    processes: int = 0
    """Processes of the load generator; 0 for as many as suit the machine."""

    side_by_side: Annotated[bool, Parameter(parse=False)] = False

    def shape(self) -> dict[str, object]:
        """What the servers have to know of it."""
        names = ("connections", "seats_per_event", "seats_per_hold", "loop")
        return {name: getattr(self, name) for name in names}


class Run(Struct, kw_only=True):
    """One server, measured once."""

    round: int
    server: str
    figures: Figures
    settled: dict[str, object]
    faults: dict[str, int]
    """All that was wrong, what the store says included; empty in a run that counts."""

    to_echo: float | None = None
    curves: Curves = Curves()

    @property
    def open(self) -> bool:
        """Whether the load came by a schedule."""
        return self.figures.rate is not None


class Report(Struct, kw_only=True):
    """Everything that was measured, and where."""

    options: Options
    machine: dict[str, object]
    runs: list[Run]
    skipped: dict[str, str]

    def peaks(self, server: str) -> list[float]:
        """What a server reached in each closed loop."""
        return [
            run.figures.per_second
            for run in self.runs
            if run.server == server and not run.open
        ]


def order(servers: tuple[str, ...], rounds: int) -> list[tuple[int, str]]:
    """Say which server runs when: all in turn, then the first two again."""
    again = [name for name in (ECHO, "onsale") if name in servers]
    one = [*servers, *(again if len(again) == 2 else [])]
    return [(number + 1, name) for number in range(rounds) for name in one]


async def measure(options: Options, lab: Lab, say: Say) -> Report:
    """Run every server in turn."""
    _check(options)
    report = Report(options=options, machine=await describe(lab), runs=[], skipped={})
    if options.rate is None:
        await _measure_peaks(report, lab, say)
    if not options.closed:
        await _measure_open(report, lab, say)
    return report


async def _measure_peaks(report: Report, lab: Lab, say: Say) -> None:
    options = report.options
    echo: float | None = None
    for number, name in order(options.servers, options.rounds):
        if name in report.skipped:
            continue
        rate = min(RATES_MAX.get(name, options.rate_max), options.rate_max)
        if name != ECHO and echo is not None:
            rate = min(rate, int(echo * ECHO_HEADROOM))
        closed = replace(options, rate=None)
        try:
            run = await measure_one(closed, lab, number, name, SERVERS[name], rate)
        except Absent as absent:
            report.skipped[name] = str(absent)
            say(f"{name}: skipped, {absent}")
            continue
        if name == ECHO:
            echo = run.figures.per_second
        elif echo:
            run.to_echo = run.figures.per_second / echo
        tell(run, say)
        report.runs.append(run)


async def _measure_open(report: Report, lab: Lab, say: Say) -> None:
    options = report.options
    peaks = report.peaks(ONSALE)
    if options.rate is None and not peaks:
        return
    rate = options.rate or SHARE_OF_PEAK * median(peaks)
    paced = replace(options, rate=rate)
    names = [name for name in (ECHO, ONSALE) if name in options.servers]
    for number in range(options.rounds):
        for name in names:
            run = await measure_one(
                paced, lab, number + 1, name, SERVERS[name], int(rate) + 1
            )
            tell(run, say)
            report.runs.append(run)


def tell(run: Run, say: Say) -> None:
    """Say in a line how a run went."""
    figures = run.figures
    paced = f" at {figures.rate:,.0f}/s" if figures.rate else ""
    say(
        f"round {run.round} {run.server}{paced}: {figures.per_second:,.0f}/s"
        f" p99 {figures.p99_ms:.1f} ms"
        + (f" NOT MEASURED: {figures.refusal}" if figures.refusal else "")
        + (f" WRONG: {run.faults}" if run.faults else "")
    )


def _check(options: Options) -> None:
    per_connection = arena.holds_per_connection(
        options.seats_per_event, options.seats_per_hold, options.connections
    )
    if per_connection < 1:
        raise ChildError("there are not enough seats for every connection")
    if arena.SEATS_PER_ROW % options.seats_per_hold:
        raise ChildError(f"a row has {arena.SEATS_PER_ROW} seats: not a multiple")


async def measure_one(
    options: Options, lab: Lab, number: int, name: str, start: Start, rate: int
) -> Run:
    """Start one server, put the load on it, and count what it really did."""
    holds = int(rate * (options.warmup + options.seconds))
    per_event = options.connections * arena.holds_per_connection(
        options.seats_per_event, options.seats_per_hold, options.connections
    )
    async with AsyncExitStack() as stack:
        running = await start(stack, lab, -(-holds // per_event))
        await lab.checkpoint()
        driven = await load(stack, options, running, holds)
        settled = await running.settle()
    figures = driven.figures
    faults = dict(figures.faults)
    held = settled.get("held")
    if held is not None and held != figures.accepted_total * options.seats_per_hold:
        faults[f"{held} seats held for {figures.accepted_total} holds"] = 1
    audit = settled.get("audit")
    if isinstance(audit, dict) and not audit["ok"]:
        faults["audit"] = 1
    if faults:
        print(f"{name} said:\n{running.said()}", file=sys.stderr)
    return Run(
        round=number,
        server=name,
        figures=figures,
        settled=settled,
        faults=faults,
        curves=driven.curves,
    )


async def load(
    stack: AsyncExitStack,
    options: Options,
    running: Running,
    holds: int,
    patience_s: float = PATIENCE_S,
) -> Driven:
    """Put the load of these options on a server that is ready."""
    return await drive(
        stack,
        Load(
            rate=options.rate,
            in_flight=options.in_flight,
            seconds=options.seconds,
            warmup=options.warmup,
            seats_per_event=options.seats_per_event,
            seats_per_hold=options.seats_per_hold,
            holds_max=holds,
            keys=options.keys,
            side_by_side=options.side_by_side,
            processes=options.processes,
            patience_s=patience_s,
        ),
        running,
    )
