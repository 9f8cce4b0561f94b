"""`bench recover`: how soon an event sells again after its process has died.

An event with a long journal is recovered by an actor, as at the start of a process.
Then a server is killed with `kill -9` under an event that sells: once it is started
again on the same data, and once another process of its cluster takes over, which has
to wait for the lease to end.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from time import perf_counter
from typing import Any

import aiohttp
from msgspec import Struct

from bench.bench_recovery import FIGURE_S, SEATS, WITH, Recovered
from bench.bench_recovery import measure as measure_rows
from bench.children import ChildError
from bench.contenders import start_valkey
from bench.lab import Lab, describe
from bench.onsale import Onsale
from bench.outcome import HERE, Common, Outcome, Value, in_lab
from bench.progress import new_console
from inventory.limits import LEASE_MS

DATABASE = "bench_recover"
SELLS_TIMEOUT_S = 60.0
LOOK_AGAIN_S = 0.02


class Death(Struct, kw_only=True):
    """From `kill -9` until the next hold is accepted."""

    kind: str
    seconds: float


async def sells(office: Onsale, event: str) -> None:
    """Hold one seat, however often that has to be tried."""
    error: Exception | None = None
    try:
        async with asyncio.timeout(SELLS_TIMEOUT_S):
            while True:
                try:
                    await office.ask("POST", f"/v1/events/{event}/commands", WISH)
                except (ChildError, aiohttp.ClientError) as refused:
                    error = refused
                    await asyncio.sleep(LOOK_AGAIN_S)
                else:
                    return
    except TimeoutError:
        raise ChildError(f"the event did not sell again: {error}") from None


WISH: dict[str, Any] = {"op": "hold_best", "id": 1, "quantity": 1}


async def restart(lab: Lab) -> Death:
    """Kill the server, and start it again on what it left."""
    async with AsyncExitStack() as stack:
        first = Onsale(lab, stack)
        await first.start()
        (event,) = await first.open_sales(1)
        await sells(first, event)
        begun = perf_counter()
        os.kill(first.pid, signal.SIGKILL)
        second = Onsale(lab, stack, revived=first)
        await second.start()
        await sells(second, event)
        return Death(kind="restarted", seconds=perf_counter() - begun)


async def take_over(lab: Lab) -> Death:
    """Kill the owner, and ask the other process of the cluster."""
    async with AsyncExitStack() as stack:
        redis_url, _ = await start_valkey(stack, lab)
        owner = Onsale(lab, stack, redis_url)
        await owner.start()
        (event,) = await owner.open_sales(1)
        other = Onsale(lab, stack, redis_url, neighbour=owner)
        await other.start()
        await owner.own([event])
        await sells(other, event)
        begun = perf_counter()
        os.kill(owner.pid, signal.SIGKILL)
        await sells(other, event)
        return Death(kind="taken over", seconds=perf_counter() - begun)


async def measure(lab: Lab, rows: int) -> tuple[list[Recovered], list[Death]]:
    """Recover a long journal, then survive two deaths."""
    say = new_console().print
    say(f"making {rows:,} rows")
    url = await lab.make_database(DATABASE)
    try:
        recovered = await measure_rows(url, rows, (1,))
    finally:
        await lab.drop_database(DATABASE)
    for one in recovered:
        say(f"{one.kind}: {one.seconds:.2f} s")
    deaths = [await restart(lab), await take_over(lab)]
    return recovered, deaths


def conclude(
    recovered: list[Recovered],
    deaths: list[Death],
    rows: int,
    machine: dict[str, object],
) -> Outcome:
    """Make the table; the figure is for an actor with the oldest snapshot there is."""
    return Outcome(
        bench="recover",
        title=f"Recovery of an event of {SEATS:,} seats",
        settings={"rows": rows},
        machine=machine,
        columns=["what", "seconds"],
        rows=[
            *([f"{rows:,} rows, {r.kind}", f"{r.seconds:.2f}"] for r in recovered),
            *([f"kill -9, {d.kind}", f"{d.seconds:.2f}"] for d in deaths),
        ],
        values=[
            *(
                Value(
                    name=f"{rows:,} rows, {r.kind}",
                    value=r.seconds,
                    unit="s",
                    at_most=FIGURE_S if r.kind == WITH else None,
                )
                for r in recovered
            ),
            *(
                Value(name=f"kill -9, {d.kind}", value=d.seconds, unit="s")
                for d in deaths
            ),
        ],
        notes=[
            "Rows: of one change each; until the actor is ready. A server always has a"
            " snapshot of its longer events.",
            "kill -9: until the next hold is accepted; a restart includes the start of"
            f" the process, a takeover the end of the lease of {LEASE_MS / 1e3:g} s.",
        ],
        missed=[sentence for r in recovered for sentence in r.differences],
    )


def make_work(rows: int) -> Callable[[Lab], Awaitable[Outcome]]:
    """Bind the settings, for a store still to be started."""

    async def work(lab: Lab) -> Outcome:
        if lab.target is not None:
            raise ChildError("A server that is not ours cannot be killed.")
        machine = await describe(lab)
        return conclude(*await measure(lab, rows), rows, machine)

    return work


def recover(*, rows: int = 1_000_000, common: Common = HERE) -> int:
    """Measure how soon an event sells again after its process has died.

    Ends with 1 where an actor takes more than 2 s for an event with that many rows in
    its journal.

    Parameters
    ----------
    rows
        Rows of the journal, one change each; making them takes a while.
    """
    return in_lab(make_work(rows), common)
