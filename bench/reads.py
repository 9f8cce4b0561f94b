"""`bench reads`: reads over REST, beside a bare aiohttp handler with the same bytes.

For each of what clients read most, the two take turns on a closed loop, which finds the
most that each can do; who begins changes from round to round. Then both get half of
Onsale's most in an open loop. Nothing is sold meanwhile. At last events are read while
nothing is sold, and then while their seats are sold at a steady rate.

What is promised is judged twice: by the reads per second, and by the CPU time that the
server's process takes for each. Other work on the machine changes that too, but less,
so the rounds are to be looked at one by one where the two disagree.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from statistics import median

import aiohttp
import msgspec
from msgspec.structs import replace

from bench.contenders import Running, start_module
from bench.drive import Driven, Load, drive
from bench.hot import SHARE_OF_PEAK, Run, Say, tell
from bench.lab import Lab, describe
from bench.onsale import start_onsale
from bench.outcome import HERE, Common, Outcome, Value, in_lab
from bench.progress import new_console
from bench.report import draw_runs, name_of, number_of

TO_BARE_MIN = 0.8
TO_QUIET_MIN = 0.8
SELLING = "while it sells"
QUIET = "while nothing sells"
SEATS = 20_000
BARE = "bare"
ONSALE = "onsale"
PATHS = {"availability": "/availability", "event": ""}


async def start_bare(stack: AsyncExitStack, lab: Lab, running: Running) -> Running:
    """Serve what the server answered, and nothing else."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{running.url}{running.path}") as answer,
    ):
        content = answer.headers["Content-Type"], await answer.read()
    child = await start_module(
        stack, lab, "bench.baselines.page", stdin=msgspec.json.encode(content)
    )
    return replace(
        running,
        name=BARE,
        address=await child.address(),
        secure=False,
        server_pids=[child.pid],
        store_pids=[],
        said=child.said,
        count=None,
    )


def run_of(name: str, driven: Driven, number: int) -> Run:
    """Put a run into the shape of those of hot."""
    return Run(
        round=number,
        server=name,
        figures=driven.figures,
        settled={},
        faults=driven.figures.faults,
        curves=driven.curves,
    )


async def measure_sale(
    onsale: Running, load: Load, sold_per_s: float, say: Say
) -> list[Run]:
    """Read one event after the other, first quiet and then while it is sold.

    The sale begins before the reading and ends after it.
    """
    runs: list[Run] = []
    sold_seats = 0
    paths = list(PATHS.items())
    for number, event in enumerate(onsale.events):
        what, suffix = paths[number % len(paths)]
        running = replace(onsale, events=[event])
        reading = replace(load, path=f"/v1/events/{event}{suffix}", changing=True)
        sale = replace(
            load,
            # Or it would only be read once more.
            path="",
            rate=sold_per_s,
            processes=1,
            seats_per_event=SEATS,
            seconds=load.seconds + 2 * load.warmup,
            holds_max=SEATS,
        )
        for when in (QUIET, SELLING):
            async with AsyncExitStack() as generators, asyncio.TaskGroup() as group:
                read = group.create_task(drive(generators, reading, running))
                sold = None
                if when == SELLING:
                    sold = group.create_task(drive(generators, sale, running))
            run = run_of(f"onsale {what} {when}", read.result(), number + 1)
            if sold is not None:
                figures = sold.result().figures
                run.faults = {**run.faults, **figures.faults, **figures.refused}
                sold_seats += figures.accepted_total
            tell(run, say)
            runs.append(run)
    held = (await onsale.settle())["held"]
    if runs and not held == sold_seats > 0:
        runs[-1].faults[f"{held} seats held for {sold_seats} sold"] = 1
    return runs


async def measure(lab: Lab, load: Load, rounds: int, sold_per_s: float) -> list[Run]:
    """Read each path, from both servers in turn; then while seats are sold."""
    say = new_console().print
    runs: list[Run] = []
    async with AsyncExitStack() as stack:
        onsale = await start_onsale(stack, lab, 1 + len(PATHS) * (rounds // 2))
        sales = replace(onsale, events=onsale.events[1:])
        for what, suffix in PATHS.items():
            path = f"/v1/events/{onsale.events[0]}{suffix}"
            onsale = replace(onsale, path=path)
            servers = [onsale]
            async with AsyncExitStack() as inner:
                if lab.target is None:
                    servers.insert(0, await start_bare(inner, lab, onsale))
                load = replace(load, path=path, rate=None)
                peaks = []
                for number in range(rounds):
                    # What grows or fades in the course of a run is nobody's advantage.
                    for server in servers[:: -1 if number % 2 else 1]:
                        async with AsyncExitStack() as generators:
                            driven = await drive(generators, load, server)
                        run = run_of(f"{server.name} {what}", driven, number + 1)
                        tell(run, say)
                        runs.append(run)
                        if server is servers[-1]:
                            peaks.append(run.figures.per_second)
                paced = replace(load, rate=SHARE_OF_PEAK * median(peaks))
                for server in servers:
                    async with AsyncExitStack() as generators:
                        driven = await drive(generators, paced, server)
                    runs.append(run_of(f"{server.name} {what}", driven, 1))
                    tell(runs[-1], say)
        return runs + await measure_sale(sales, load, sold_per_s, say)


def values_of(runs: list[Run]) -> list[Value]:
    """The ratios that are promised for each path, and what they are made of."""
    found = []
    for what in PATHS:
        peak: dict[str, list[float]] = {}
        cpu_us: dict[str, list[float]] = {}
        for run in runs:
            server, _, path = run.server.partition(" ")
            if path == what and not run.open:
                figures = run.figures
                peak.setdefault(server, []).append(figures.per_second)
                cpu_us.setdefault(server, []).append(figures.cpu_us(figures.cpu.server))
        if BARE in peak:
            name = f"{what}, to the bare handler"
            found += [
                _ratio(name, peak[ONSALE], peak[BARE]),
                _ratio(f"{name} by server CPU", cpu_us[BARE], cpu_us[ONSALE]),
            ]
        for server, each in peak.items():
            name = f"{what}, {server}"
            found.append(Value(name=name, value=median(each), unit="1/s"))
            if BARE in peak:
                spent = median(cpu_us[server])
                found.append(Value(name=f"{name}, server CPU", value=spent, unit="µs"))
        selling, quiet = (
            [
                run.figures.per_second
                for run in runs
                if run.server == f"onsale {what} {when}"
            ]
            for when in (SELLING, QUIET)
        )
        found.append(_ratio(f"{what}, kept {SELLING}", selling, quiet, TO_QUIET_MIN))
    return found


def _ratio(
    name: str,
    one: list[float],
    other: list[float],
    at_least: float = TO_BARE_MIN,
) -> Value:
    """Compare what was measured one right after the other, round by round."""
    pairs = zip(one, other, strict=True)
    value = median(a / b if b else 0.0 for a, b in pairs)
    return Value(name=name, value=value, at_least=at_least)


def conclude(runs: list[Run], load: Load, machine: dict[str, object]) -> Outcome:
    """Make the table."""
    missed = [f"{name_of(run)}: {run.faults}" for run in runs if run.faults]
    missed += [
        f"{name_of(run)}: not measured, {run.figures.refusal}"
        for run in runs
        if run.figures.refusal
    ]
    return Outcome(
        bench="reads",
        title=f"Reads of an event of {SEATS:,} seats",
        settings=msgspec.to_builtins(load),
        machine=machine,
        columns=[
            *("what", "reads/s", "p50 ms", "p99 ms", "p99.9", "p99.99", "bytes"),
            *("server µs", "client", "others"),
        ],
        rows=[_row(run) for run in runs],
        values=values_of(runs),
        figures={"runs": runs},
        notes=[
            "Bytes: of the body, which both have alike while nothing is sold."
            " Onsale's heads are longer: a tag, an id, the headers of security.",
        ],
        missed=missed,
        plots=draw_runs(runs),
    )


def _row(run: Run) -> list[str]:
    figures = run.figures
    each = figures.p50_ms, figures.p99_ms, figures.p999_ms, figures.p9999_ms
    return [
        name_of(run),
        f"{figures.per_second:,.0f}",
        *(number_of(value, 1) for value in each),
        f"{figures.reply_bytes:,}",
        f"{figures.cpu_us(figures.cpu.server):.1f}",
        f"{figures.generator_share:.0%}",
        f"{figures.cpu.others / figures.window_s:.2f}",
    ]


def make_work(
    connections: int, load: Load, rounds: int, sold_per_s: float
) -> Callable[[Lab], Awaitable[Outcome]]:
    """Bind the settings, for a store still to be started."""

    async def work(lab: Lab) -> Outcome:
        machine = await describe(lab)
        lab = lab.shaped(connections=connections, seats_per_event=SEATS)
        runs = await measure(lab, load, rounds, sold_per_s)
        return conclude(runs, load, machine)

    return work


def reads(
    *,
    connections: int = 100,
    seconds: float = 5.0,
    warmup: float = 1.0,
    rounds: int = 4,
    sold_per_s: float = 500.0,
    common: Common = HERE,
) -> int:
    """Measure reads of an event and of its availability, beside a bare handler.

    Ends with 1 where either has less than 0.8 of the throughput of an aiohttp handler
    that answers with the same bytes and does nothing else, or takes the server more CPU
    time than in that proportion; and where less than 0.8 of it is left in a sale.

    Parameters
    ----------
    connections
        Connections, kept open, with one request under way each.
    seconds
        Length of each measured window.
    warmup
        Seconds of load before it.
    rounds
        How often the two take turns.
    sold_per_s
        Holds per second of the sale that goes on beside the last reads.
    """
    load = Load(seconds=seconds, warmup=warmup)
    return in_lab(make_work(connections, load, rounds, sold_per_s), common)
