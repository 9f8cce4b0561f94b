"""`bench watchers`: what watchers take from the sale that they watch.

The same load is put on one event without watchers, with them, and without them again;
the throughput with them is set in relation to the mean of the other two. Everything
shares the machine, the watchers' own process included, so the ratio says less than what
the actor would keep if they sat elsewhere.
"""

import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.children import ChildError, finish
from bench.contenders import Running
from bench.lab import Lab, describe
from bench.onsale import start_onsale
from bench.outcome import Outcome, new_console, with_store
from bench.partner import Partner
from bench.plan import Plan
from bench.trading import Traded
from bench.watching import Party, Question, Ready, Seen

RATIO_MIN = 0.5
SEATS = 20_000
PATIENCE_S = 15.0
JUDGING_S = 120.0
CONNECT_TIMEOUT_S = 180


class Run(Struct, kw_only=True):
    """One stretch of selling."""

    watchers: int
    traded: Traded
    seen: Seen | None = None


async def trade(
    stack: AsyncExitStack,
    running: Running,
    traders: int,
    seconds: float,
    warmup: float,
) -> Traded:
    """Put the load on, from a process of its own."""
    plan = Plan(
        url=f"ws://{running.address}/v1/ws",
        tokens=running.tokens[:traders],
        events=running.events,
        seats_per_event=SEATS,
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
                traded = await sell()
                question = Question(
                    begin=traded.begin,
                    end=traded.end,
                    commits=traded.commits,
                    reach=traded.last_version,
                )
                seen = await partner.ask(question, Seen, JUDGING_S)
                runs.append(Run(watchers=watchers, traded=traded, seen=seen))
            runs.append(Run(watchers=0, traded=await sell()))
            say(f"round: {', '.join(f'{r.traded.per_second:,.0f}/s' for r in runs)}")
    return runs


def ratios(runs: list[Run]) -> list[float]:
    """Throughput with watchers to the mean of the runs just before and after."""
    return [
        run.traded.per_second
        / ((before.traded.per_second + after.traded.per_second) / 2)
        for before, run, after in zip(runs, runs[1:], runs[2:], strict=False)
        if run.watchers
    ]


def missed(runs: list[Run]) -> list[str]:
    """Say what was not reached, and whatever was wrong."""
    found = []
    # Rounds differ by what else the machine does: the middle one counts.
    ratio = sorted(ratios(runs))[len(ratios(runs)) // 2]
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
    found = ratios(runs)
    each = ", ".join(f"{ratio:.2f}" for ratio in found)
    return Outcome(
        bench="watchers",
        title=f"Holds and releases on {SEATS:,} seats, with {watchers:,} watchers"
        " and without",
        columns=[
            *("watchers", "cmds/s", "p50 ms", "p99 ms", "server"),
            *("frames/s", "MB/s", "seen ms", "p99 ms", "last ms", "clients"),
        ],
        rows=[_row(run) for run in runs],
        figures={"ratio_min": RATIO_MIN, "ratios": found, "runs": runs},
        notes=[
            f"Kept of the throughput: {each}, at least {RATIO_MIN:g} is asked for.",
            "seen: from the buyer's reply to a watcher, median and p99; last: to the"
            " last watcher, median of a sample; clients: CPU of their process.",
        ],
        missed=missed(runs),
        machine=machine,
    )


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
        f"{seen.delay_p50_ms:.0f}",
        f"{seen.delay_p99_ms:.0f}",
        f"{seen.last_p50_ms:.0f}",
        f"{seen.cpu_s / seconds:.0%}",
    ]


def make_work(
    count: int, traders: int, seconds: float, warmup: float, rounds: int
) -> Callable[[Path, str, list[int]], Awaitable[Outcome]]:
    """Bind the settings, for a store still to be started."""

    async def work(directory: Path, url: str, pids: list[int]) -> Outcome:
        lab = Lab(
            directory=directory,
            admin_url=url,
            store_pids=pids,
            connections=count + traders,
            seats_per_event=SEATS,
            seats_per_hold=2,
            loop="uvloop",
        )
        runs = await measure(lab, count, traders, seconds, warmup, rounds)
        return conclude(runs, count, await describe(lab))

    return work


def watchers(
    *,
    count: int = 5_000,
    traders: int = 500,
    seconds: float = 6.0,
    warmup: float = 2.0,
    rounds: int = 2,
    database_url: str | None = None,
    json: Path | None = None,
) -> int:
    """Measure what watchers take from the sale that they watch.

    The table goes to stderr, the JSON to stdout or to the file; ends with 1 where the
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
    database_url
        A Postgres to use instead of starting one; its databases named `bench_…` are
        dropped.
    json
        Write the JSON here.
    """
    return with_store(
        make_work(count, traders, seconds, warmup, rounds), database_url, json
    )
