"""`bench fanout`: what it takes to tell every watcher of every change.

Seats change at a fixed rate while watchers watch. The server's CPU for a delivery is
what it uses more than for the same sale without watchers; beside it the same watchers
get as many frames, as long, from a server that writes prebuilt bytes to each transport.
The delay of a commit counts from the buyer's reply until the last watcher has it.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from time import perf_counter

import msgspec
from msgspec import Struct

from bench.children import ChildError
from bench.contenders import Running, start_module
from bench.drive import BUSY_MAX, Driven, Load, drive
from bench.lab import Lab, describe
from bench.onsale import start_onsale
from bench.outcome import HERE, Common, Outcome, Value, in_lab
from bench.partner import Partner
from bench.plots import Plot
from bench.progress import new_console, shown
from bench.report import number_of
from bench.samples import Latency, curve_of, latency_of
from bench.usage import cpu_seconds
from bench.watching import Party, Question, Ready, Seen

TO_PREBUILT_MAX = 1.15
JUDGED_BY_CPU = 1_000
"""With so many watchers the figure for CPU is promised; more of them share a frame."""

LAST_MS_MAX = 500.0
SEATS = 20_000
BUYERS = 50
PARTY_MAX = 5_000
"""Watchers in one process."""

COMMITS_ASKED = 300
CONNECT_TIMEOUT_S = 180.0
JUDGING_S = 180.0
WARM_S = 0.5


class Told(Struct, kw_only=True):
    """What one crowd of watchers saw."""

    frames: int
    bytes: int
    faults: dict[str, int]
    last: list[float]
    """Delays in ms until the last watcher had a commit, in order."""

    busiest: float
    """How much of a core the busiest process of the watchers used."""


class Run(Struct, kw_only=True):
    """One number of watchers."""

    watchers: int
    changes_per_s: float
    frames: int
    frame_bytes: float
    delivery_us: float
    """CPU of the server for a delivery, the sale itself left out."""

    sale_cpu: float
    """Cores that the server uses for the sale without watchers."""

    cpu: float
    """And with them."""

    prebuilt_us: float | None = None
    last: Latency | None
    """None where the watchers were too slow to tell."""

    last_curve: list[tuple[float, float]] = []
    others: float
    faults: list[str]


class Crowd:
    """Watchers in as many processes as they need."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._partners: list[Partner] = []
        self._since = 0.0

    async def gather(self, url: str, tokens: list[str], event: str) -> None:
        """Connect everyone."""
        for first in range(0, len(tokens), PARTY_MAX):
            partner = await Partner.start(self._stack, "bench.watching")
            self._partners.append(partner)
            some = tokens[first : first + PARTY_MAX]
            party = Party(url=url, tokens=some, event=event)
            await partner.ask(party, Ready, CONNECT_TIMEOUT_S)
        self._since = perf_counter()

    @property
    def pids(self) -> list[int]:
        """Their processes."""
        return [partner.pid for partner in self._partners]

    async def ask(self, question: Question) -> Told:
        """Ask everyone what they saw."""
        loaded_s = perf_counter() - self._since
        for partner in self._partners:
            partner.tell(question)
        answers = [await partner.hear(Seen, JUDGING_S) for partner in self._partners]
        faults: dict[str, int] = {}
        for seen in answers:
            for name, count in seen.faults.items():
                faults[name] = faults.get(name, 0) + count
            if seen.behind:
                faults["never saw the last version"] = seen.behind
        by_commit = zip(*(seen.last_ms for seen in answers), strict=True)
        known = [[each for each in commit if each is not None] for commit in by_commit]
        return Told(
            frames=sum(seen.frames for seen in answers),
            bytes=sum(seen.bytes for seen in answers),
            faults=faults,
            last=sorted(max(each) for each in known if len(each) == len(answers)),
            busiest=max(seen.cpu_s for seen in answers) / loaded_s,
        )


async def measure_one(lab: Lab, watchers: int, load: Load) -> Run:
    """Sell without watchers and with them, then write prebuilt frames to as many."""
    async with AsyncExitStack() as stack:
        running = await start_onsale(
            stack, lab.shaped(connections=BUYERS + watchers), 2
        )
        events = running.events
        audience = running.tokens[BUYERS:]
        running = msgspec.structs.replace(
            running, tokens=running.tokens[:BUYERS], events=events[:1]
        )
        alone = await _sell(load, running)
        async with AsyncExitStack() as inner:
            crowd = Crowd(inner)
            # Another event, since the seats of the first are gone.
            running = msgspec.structs.replace(running, events=events[1:])
            await crowd.gather(running.ws_url, audience, events[1])
            driven = await _sell(load, running)
            told = await crowd.ask(_question(driven))
        settled = await running.settle()
    run = _run_of(watchers, load, alone, driven, told)
    audit = settled["audit"]
    if isinstance(audit, dict) and not audit["ok"]:
        run.faults.append("the audit found a difference")
    if lab.target is None and told.frames:
        run.prebuilt_us = await _prebuilt_us(lab, watchers, load.seconds, told)
    return run


async def _sell(load: Load, running: Running) -> Driven:
    async with AsyncExitStack() as stack:
        return await drive(stack, load, running)


def _question(driven: Driven) -> Question:
    commits = sorted(
        (answered, int(version)) for _, answered, version in driven.samples
    )
    if not commits:
        raise ChildError(f"nothing was sold: {driven.figures.faults}")
    step = max(1, len(commits) // COMMITS_ASKED)
    return Question(
        begin=driven.begin,
        end=driven.end,
        commits=commits[::step],
        reach=max(version for _, version in commits),
    )


def _run_of(
    watchers: int, load: Load, alone: Driven, driven: Driven, told: Told
) -> Run:
    figures = driven.figures
    seconds = figures.window_s
    sale_cpu = alone.figures.cpu.server / alone.figures.window_s
    cpu = figures.cpu.server / seconds
    faults = [
        f"{name}, {count} times"
        for found in (alone.figures.faults, figures.faults, told.faults)
        for name, count in found.items()
    ]
    faults += [
        f"{count} refused as {code}"
        for found in (alone.figures.refused, figures.refused)
        for code, count in found.items()
    ]
    if figures.refusal:
        faults.append(f"not measured, {figures.refusal}")
    slow = told.busiest > BUSY_MAX
    if slow:
        faults.append(
            f"not measured, a process of the watchers used {told.busiest:.0%} of its"
            " core"
        )
    return Run(
        watchers=watchers,
        changes_per_s=figures.per_second * load.seats_per_hold,
        frames=told.frames,
        frame_bytes=told.bytes / told.frames if told.frames else 0.0,
        delivery_us=(cpu - sale_cpu) * seconds / told.frames * 1e6
        if told.frames
        else 0.0,
        sale_cpu=sale_cpu,
        cpu=cpu,
        last=None if slow else latency_of(told.last),
        last_curve=[] if slow else curve_of(told.last),
        others=max(0.0, figures.cpu.others / seconds - told.busiest),
        faults=faults,
    )


async def _prebuilt_us(lab: Lab, watchers: int, seconds: float, told: Told) -> float:
    """CPU for a delivery of a server that only writes bytes it has."""
    per_second = max(1.0, told.frames / watchers / seconds)
    plan = round(told.bytes / told.frames), per_second
    async with AsyncExitStack() as stack:
        child = await start_module(
            stack, lab, "bench.baselines.prebuilt", stdin=msgspec.json.encode(plan)
        )
        crowd = Crowd(stack)
        url = f"ws://{await child.address()}/v1/ws"
        await crowd.gather(url, [f"{n:0>160}" for n in range(watchers)], "event")
        await asyncio.sleep(WARM_S)
        begin, used_s = perf_counter(), cpu_seconds([child.pid])
        async with shown("prebuilt", seconds):
            await asyncio.sleep(seconds)
        end, used_s = perf_counter(), cpu_seconds([child.pid]) - used_s
        seen = await crowd.ask(Question(begin=begin, end=end))
    if seen.faults:
        raise ChildError(f"the prebuilt frames: {seen.faults}")
    return used_s / seen.frames * 1e6


def values_of(runs: list[Run]) -> list[Value]:
    """The figures, by the number of watchers."""
    found = []
    for run in runs:
        who = f"{run.watchers:,} watchers"
        if run.prebuilt_us:
            judged = run.watchers == JUDGED_BY_CPU
            found.append(
                Value(
                    name=f"{who}, CPU of a delivery to that of a prebuilt write",
                    value=run.delivery_us / run.prebuilt_us,
                    at_most=TO_PREBUILT_MAX if judged else None,
                )
            )
        found.append(
            Value(
                name=f"{who}, commit to last socket p99",
                value=run.last.p99_ms if run.last is not None else math.nan,
                unit="ms",
                at_most=LAST_MS_MAX,
            )
        )
    return found


def conclude(runs: list[Run], load: Load, machine: dict[str, object]) -> Outcome:
    """Make the table."""
    return Outcome(
        bench="fanout",
        title=f"Changes of {SEATS:,} seats, told to watchers",
        settings=msgspec.to_builtins(load),
        machine=machine,
        columns=[
            *("watchers", "changes/s", "frames", "bytes", "µs each", "prebuilt"),
            *("last p50", "p99 ms", "max ms", "server", "alone", "others"),
        ],
        rows=[_row(run) for run in runs],
        values=values_of(runs),
        figures={"runs": runs},
        notes=[
            "µs each: CPU of the server for a delivery beyond that of the sale alone;"
            " last: from the buyer's reply to the last watcher; server, alone, others:"
            " cores."
        ],
        missed=[f"{run.watchers:,} watchers: {f}" for run in runs for f in run.faults],
        plots=[
            Plot(
                title="Commit to last socket, by percentile",
                x="commits",
                y="ms",
                lines={f"{run.watchers:,}": run.last_curve for run in runs},
                by_share=True,
            )
        ],
    )


def _row(run: Run) -> list[str]:
    last = run.last
    each = (last.p50_ms, last.p99_ms, last.max_ms) if last else (math.nan,) * 3
    return [
        f"{run.watchers:,}",
        f"{run.changes_per_s:,.0f}",
        f"{run.frames:,}",
        f"{run.frame_bytes:.0f}",
        f"{run.delivery_us:.1f}",
        number_of(run.prebuilt_us, 1),
        *(number_of(value, 0) for value in each),
        f"{run.cpu:.2f}",
        f"{run.sale_cpu:.2f}",
        f"{run.others:.2f}",
    ]


def make_work(counts: list[int], load: Load) -> Callable[[Lab], Awaitable[Outcome]]:
    """Bind the settings, for a store still to be started."""

    async def work(lab: Lab) -> Outcome:
        machine = await describe(lab)
        lab = lab.shaped(seats_per_event=SEATS, seats_per_hold=load.seats_per_hold)
        runs = []
        for count in counts:
            runs.append(await measure_one(lab, count, load))
            new_console().print(f"{count:,} watchers: {runs[-1].frames:,} frames")
        return conclude(runs, load, machine)

    return work


def fanout(
    *,
    watchers: tuple[int, ...] = (1_000, 10_000),
    changes: float = 200.0,
    seconds: float = 8.0,
    warmup: float = 2.0,
    common: Common = HERE,
) -> int:
    """Measure telling watchers of changes, beside writing prebuilt frames to them.

    Ends with 1 where a delivery to 1,000 watchers takes more than 1.15 of the CPU of a
    prebuilt write, or the last of the watchers hears of a commit later than 500 ms.

    Parameters
    ----------
    watchers
        Numbers of watchers, measured one after the other.
    changes
        Seats that change each second.
    seconds
        Length of each measured window.
    warmup
        Seconds of load before it.
    """
    load = Load(
        rate=changes,
        seconds=seconds,
        warmup=warmup,
        seats_per_event=SEATS,
        seats_per_hold=1,
    )
    return in_lab(make_work(list(watchers), load), common)
