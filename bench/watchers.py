"""`bench watchers`: what watchers take from the sale that they watch.

The same load is put on one event without watchers, with them, and without them again;
the throughput with them is set in relation to the mean of the other two. Everything
shares the machine, the watchers' own process included, so the ratio says less than what
the actor would keep if they sat elsewhere.
"""

import re
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from statistics import median

import aiohttp
import msgspec
from msgspec import Struct

from bench.children import ChildError, finish
from bench.contenders import Running
from bench.lab import Lab, describe
from bench.onsale import start_onsale
from bench.outcome import HERE, Common, Outcome, in_lab
from bench.partner import Partner
from bench.progress import new_console
from bench.trading import Plan, Traded
from bench.watching import Party, Question, Ready, Seen

RATIO_MIN = 0.5
SEATS = 20_000
PATIENCE_S = 15.0
JUDGING_S = 120.0
CONNECT_TIMEOUT_S = 180

_FANOUT = re.compile(r"^onsale_fanout_seconds_total(?:\{[^}]*\})? (\S+)$", re.M)


class Run(Struct, kw_only=True):
    """One stretch of selling."""

    watchers: int
    traded: Traded
    seen: Seen | None = None
    fanout_s: float = 0.0
    """Loop time that the server spent on telling the watchers, warm-up included."""

    @property
    def per_cpu_second(self) -> float:
        """Commands for each second of CPU time that the server used."""
        return self.traded.accepted / (self.traded.cpu.server or 1.0)

    @property
    def others_share(self) -> float:
        """How much of one core work that is not ours used meanwhile."""
        ours_s = self.seen.cpu_s if self.seen is not None else 0.0
        seconds = self.traded.end - self.traded.begin
        return max(0.0, self.traded.cpu.others - ours_s) / seconds


async def trade(
    stack: AsyncExitStack,
    running: Running,
    traders: int,
    seconds: float,
    warmup: float,
    seats: int = SEATS,
) -> Traded:
    """Put the load on, from a process of its own."""
    plan = Plan(
        url=f"ws://{running.address}/v1/ws",
        tokens=running.tokens[:traders],
        event=running.events[0],
        seats_per_event=seats,
        warmup_s=warmup,
        seconds=seconds,
        patience_s=PATIENCE_S,
        server_pids=running.server_pids,
        store_pids=running.store_pids,
    )
    status, output, errors = await finish(
        stack,
        [sys.executable, "-m", "bench.trading"],
        stdin=msgspec.json.encode(plan),
        timeout_s=warmup + seconds + PATIENCE_S + JUDGING_S,
    )
    if status:
        raise ChildError(f"the load generator failed:\n{errors}")
    return msgspec.json.decode(output, type=Traded)


async def measure(
    lab: Lab, watchers: int, traders: int, seconds: float, warmup: float, rounds: int
) -> list[Run]:
    """Sell without, with, without … watchers; they leave between the stretches."""
    runs = []
    say = new_console().print
    async with AsyncExitStack() as stack:
        running = await start_onsale(stack, lab, 1)

        async def sell() -> Traded:
            return await trade(stack, running, traders, seconds, warmup)

        runs.append(Run(watchers=0, traded=await sell()))
        for _ in range(rounds):
            async with AsyncExitStack() as crowd:
                partner = await Partner.start(crowd, "bench.watching")
                party = Party(
                    url=f"ws://{running.address}/v1/ws",
                    tokens=running.tokens[traders : traders + watchers],
                    event=running.events[0],
                )
                await partner.ask(party, Ready, CONNECT_TIMEOUT_S)
                before_s = await _fanout_s(running)
                traded = await sell()
                question = Question(
                    begin=traded.begin,
                    end=traded.end,
                    commits=traded.commits,
                    reach=traded.last_version,
                )
                seen = await partner.ask(question, Seen, JUDGING_S)
                fanout_s = await _fanout_s(running) - before_s
                runs.append(
                    Run(watchers=watchers, traded=traded, seen=seen, fanout_s=fanout_s)
                )
            runs.append(Run(watchers=0, traded=await sell()))
            say(f"round: {', '.join(f'{r.traded.per_second:,.0f}/s' for r in runs)}")
    return runs


async def _fanout_s(running: Running) -> float:
    """Read the loop time spent on watchers so far."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{running.address}/metrics") as answer,
    ):
        found = _FANOUT.search(await answer.text())
    return float(found[1]) if found is not None else 0.0


def ratios(runs: list[Run], figure: Callable[[Run], float]) -> list[float]:
    """Set each run with watchers against the mean of the runs before and after it."""
    return [
        figure(run) / ((figure(before) + figure(after)) / 2)
        for before, run, after in zip(runs, runs[1:], runs[2:], strict=False)
        if run.watchers
    ]


def kept(runs: list[Run]) -> list[float]:
    """How much of its throughput the sale keeps: the figure, for each round."""
    return ratios(runs, lambda run: run.traded.per_second)


def missed(runs: list[Run]) -> list[str]:
    """Say what was not reached, and whatever was wrong."""
    found = []
    # Rounds differ by what else the machine does: the middle one counts.
    ratio = median(kept(runs))
    if ratio < RATIO_MIN:
        found.append(
            f"with watchers the sale keeps {ratio:.2f} of its throughput,"
            f" less than {RATIO_MIN:g}"
        )
    for run in runs:
        found += [
            f"traders: {name}, {n} times" for name, n in run.traded.faults.items()
        ]
        if run.seen is None:
            continue
        found += [f"watchers: {name}, {n} times" for name, n in run.seen.faults.items()]
        if run.seen.behind:
            found.append(f"{run.seen.behind} watchers never saw the last version")
    return found


def conclude(runs: list[Run], watchers: int, machine: dict[str, object]) -> Outcome:
    """Make the table."""
    shares = kept(runs)
    by_cpu = ratios(runs, lambda run: run.per_cpu_second)
    others = [run.others_share for run in runs]
    return Outcome(
        bench="watchers",
        title=f"Holds and releases on {SEATS:,} seats, with {watchers:,} watchers"
        " and without",
        columns=[
            *("watchers", "cmds/s", "p50 ms", "p99 ms", "server"),
            *("frames/s", "MB/s", "fan-out", "seen ms", "p99 ms", "last ms"),
        ],
        rows=[_row(run) for run in runs],
        figures={
            "ratio_min": RATIO_MIN,
            "kept": shares,
            "kept_by_cpu": by_cpu,
            "others_share": others,
            "runs": runs,
        },
        notes=[
            f"Kept of the throughput: {_listed(shares)}; {RATIO_MIN:g} is asked for.",
            f"Commands per CPU second of the server: {_listed(by_cpu)} of those"
            " without watchers.",
            f"Other work used {min(others):.0%} to {max(others):.0%} of a core"
            " meanwhile.",
            "server: CPU; fan-out: the loop's time for watchers; seen: from the buyer's"
            " reply to a watcher, median and p99; last: to the last one, median.",
        ],
        missed=missed(runs),
        machine=machine,
    )


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _row(run: Run) -> list[str]:
    traded, seen = run.traded, run.seen
    seconds = traded.end - traded.begin
    row = [
        f"{run.watchers:,}",
        f"{traded.per_second:,.0f}",
        f"{traded.p50_ms:.1f}",
        f"{traded.p99_ms:.1f}",
        f"{traded.cpu.server / seconds:.0%}",
    ]
    if seen is None:
        return row
    return [
        *row,
        f"{seen.frames / seconds:,.0f}",
        f"{seen.bytes / seconds / 1e6:.0f}",
        f"{run.fanout_s / run.traded.loaded_s:.0%}",
        f"{seen.delay_p50_ms:.0f}",
        f"{seen.delay_p99_ms:.0f}",
        f"{seen.last_p50_ms:.0f}",
    ]


def make_work(
    count: int, traders: int, seconds: float, warmup: float, rounds: int
) -> Callable[[Lab], Awaitable[Outcome]]:
    """Bind the settings, for a store still to be started."""

    async def work(lab: Lab) -> Outcome:
        lab = lab.shaped(connections=count + traders, seats_per_event=SEATS)
        runs = await measure(lab, count, traders, seconds, warmup, rounds)
        return conclude(runs, count, await describe(lab))

    return work


def watchers(
    *,
    count: int = 5_000,
    traders: int = 500,
    seconds: float = 6.0,
    warmup: float = 2.0,
    rounds: int = 3,
    common: Common = HERE,
) -> int:
    """Measure what watchers take from the sale that they watch.

    Ends with 1 where the
    sale keeps less than half of its throughput, or a watcher misses anything.

    Parameters
    ----------
    count
        Watchers, in a process of their own.
    traders
        Connections that hold and release, one command in flight each.
    seconds
        Length of each measured window.
    warmup
        Seconds of load before it.
    rounds
        How often the watchers come and go.
    """
    return in_lab(make_work(count, traders, seconds, warmup, rounds), common)
