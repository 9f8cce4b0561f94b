"""`bench hot`: accepted, committed holds per second on one hot event, side by side.

The servers take turns, never running at the same time, on the same Postgres and with
the same frames from the same client. A round is every server once and then the echo and
Onsale once more; each run is set in relation to the echo that ran just before it, since
other work on the machine changes what a second is worth.
"""

import asyncio
import importlib.util
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from bench import arena
from bench.children import ChildError, finish
from bench.contenders import (
    Absent,
    Running,
    Start,
    start_echo,
    start_redis_script,
    start_row_locks,
    start_row_locks_seats,
)
from bench.lab import Lab, describe
from bench.onsale import start_onsale
from bench.plan import Figures, Plan
from persistence.data_directory import DataDirectory
from persistence.embedded import EmbeddedPostgres

ECHO = "echo"
SERVERS: dict[str, Start] = {
    ECHO: start_echo,
    "onsale": start_onsale,
    "row_locks": start_row_locks,
    "row_locks_seats": start_row_locks_seats,
    "redis_script": start_redis_script,
}
RATES_MAX = {"row_locks": 6_000, "row_locks_seats": 8_000, "redis_script": 20_000}
"""Holds per second that seats are provided for; for the others: as the echo allows."""

ECHO_HEADROOM = 1.2
PATIENCE_S = 15
JUDGING_S = 120

Say = Callable[[str], None]
Done = TypeVar("Done")


class Options(Struct, kw_only=True, frozen=True):
    """The settings of a measurement, as they go into its report."""

    connections: int = 1_000
    in_flight: int = 1
    seconds: float = 8.0
    warmup: float = 2.0
    seats_per_hold: int = 2
    seats_per_event: int = 100_000
    keys: bool = False
    rounds: int = 1
    loop: str = "uvloop"
    servers: tuple[str, ...] = (ECHO, "onsale", "row_locks", "redis_script")
    rate_max: int = 90_000


class Run(Struct, kw_only=True):
    """One server, measured once."""

    round: int
    server: str
    figures: Figures
    settled: dict[str, object]
    faults: dict[str, int]
    """All that was wrong, what the store says included; empty in a run that counts."""

    to_echo: float | None = None


class Report(Struct, kw_only=True):
    """Everything that was measured, and where."""

    options: Options
    machine: dict[str, object]
    runs: list[Run]
    skipped: dict[str, str]


def order(servers: tuple[str, ...], rounds: int) -> list[tuple[int, str]]:
    """Say which server runs when: all in turn, then the first two again."""
    again = [name for name in (ECHO, "onsale") if name in servers]
    one = [*servers, *(again if len(again) == 2 else [])]
    return [(number + 1, name) for number in range(rounds) for name in one]


async def measure(options: Options, lab: Lab, say: Say) -> Report:
    """Run every server in turn."""
    _check(options)
    report = Report(options=options, machine=await describe(lab), runs=[], skipped={})
    if "onsale" in options.servers and not importlib.util.find_spec("server.__main__"):
        report.skipped["onsale"] = "there is no server yet"
    echo: float | None = None
    for number, name in order(options.servers, options.rounds):
        if name in report.skipped:
            continue
        rate = min(RATES_MAX.get(name, options.rate_max), options.rate_max)
        if name != ECHO and echo is not None:
            rate = min(rate, int(echo * ECHO_HEADROOM))
        try:
            run = await measure_one(options, lab, number, name, SERVERS[name], rate)
        except Absent as absent:
            report.skipped[name] = str(absent)
            say(f"{name}: skipped, {absent}")
            continue
        if name == ECHO:
            echo = run.figures.per_second
        elif echo:
            run.to_echo = run.figures.per_second / echo
        say(
            f"round {number} {name}: {run.figures.per_second:,.0f}/s"
            f" p99 {run.figures.p99_ms:.1f} ms"
            + (f" WRONG: {run.faults}" if run.faults else "")
        )
        report.runs.append(run)
    return report


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
        figures = await load(stack, options, running, holds)
        settled = await running.settle()
    faults = dict(figures.faults)
    held = settled.get("held")
    if held is not None and held != figures.accepted_total * options.seats_per_hold:
        faults[f"{held} seats held for {figures.accepted_total} holds"] = 1
    if settled.get("audit_exit"):
        faults["audit"] = 1
    if faults:
        print(f"{name} said:\n{running.said()}", file=sys.stderr)
    return Run(
        round=number, server=name, figures=figures, settled=settled, faults=faults
    )


async def load(
    stack: AsyncExitStack,
    options: Options,
    running: Running,
    holds: int,
    patience_s: float = PATIENCE_S,
) -> Figures:
    """Run the load generator, a process of its own, against a server that is ready."""
    plan = Plan(
        url=f"ws://{running.address}/v1/ws",
        tokens=running.tokens,
        events=running.events,
        seats_per_event=options.seats_per_event,
        seats_per_hold=options.seats_per_hold,
        in_flight=options.in_flight,
        warmup_s=options.warmup,
        seconds=options.seconds,
        patience_s=patience_s,
        keys=options.keys,
        holds_max=holds,
        echo=running.echo,
        server_pids=running.server_pids,
        store_pids=running.store_pids,
    )
    status, output, errors = await finish(
        stack,
        [sys.executable, "-m", "bench.load"],
        stdin=msgspec.json.encode(plan),
        timeout_s=options.warmup + options.seconds + patience_s + JUDGING_S,
    )
    if status:
        raise ChildError(f"the load generator failed:\n{errors}")
    return msgspec.json.decode(output, type=Figures)


def run_with_store(
    work: Callable[[Path, str, list[int]], Awaitable[Done]], database_url: str | None
) -> Done:
    """Give the work a directory and a Postgres, and leave neither behind."""
    # Not below /tmp, which may be memory: there a commit would cost nothing.
    directory = Path(tempfile.mkdtemp(prefix="onsale-bench-", dir="/var/tmp"))
    directory.chmod(0o711)  # Postgres, and the server's own, pass through to theirs
    data = DataDirectory(directory / "postgres")
    postgres = None
    try:
        pids = []
        if database_url is None:
            data.lock()
            postgres = EmbeddedPostgres(data)
            database_url = postgres.start()
            pids = [postgres.pid] if postgres.pid is not None else []
        with asyncio.Runner() as runner:
            return runner.run(_until_stopped(work(directory, database_url, pids)))
    finally:
        if postgres is not None:
            postgres.stop()
        data.unlock()
        shutil.rmtree(directory, ignore_errors=True)


async def _until_stopped(work: Awaitable[Done]) -> Done:
    """End on SIGTERM as on Ctrl-C, with the children stopped."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work
