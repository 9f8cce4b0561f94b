"""Holds of a hot event with 100,000 waiting behind it, beside the same without.

Both are events of one server, in turn, with the same buyers and the same frames; an
echo is measured before and after. Those who wait wish for what the house has not, so
that what is held goes to none of them: they only make the line long.
"""

import asyncio
from contextlib import AsyncExitStack
from statistics import median

from msgspec import Struct, structs

from bench import arena
from bench.children import ChildError
from bench.contenders import Running, start_echo
from bench.drive import Driven, Load, drive
from bench.lab import Lab
from bench.line_parts import Part, fill
from bench.onsale import Onsale
from inventory import limits
from inventory.line.wishes import Wish

FED_WITHIN_S = 60.0
LOOK_S = 0.1
SETTLE_S = 2.0
"""What follows the journal is to be done with them before anything is measured."""

SHARE_MIN = 0.9
SEATS_A_SECOND = 20_000
"""So many each event has for a second; whoever sells more ends sooner."""


class Crowd(Struct, frozen=True):
    """How many wait, and how long it is looked at."""

    people: int
    connections: int
    seconds: float
    warmup: float
    rounds: int


async def measure(lab: Lab, crowd: Crowd) -> Part:
    """Hold seats of events with and without a line, in turn."""
    part = Part()
    seats = int(SEATS_A_SECOND * (crowd.seconds + crowd.warmup))
    seats = min(seats - seats % arena.SEATS_PER_ROW, limits.SEATS_PER_VENUE_MAX)
    lab = lab.shaped(connections=crowd.connections, seats_per_event=seats)
    echoes = [await _echo(lab, crowd, part)]
    with_line: list[Driven] = []
    without: list[Driven] = []
    async with AsyncExitStack() as stack:
        server = Onsale(lab, stack)
        await server.start()
        events = await server.open_sales(2 * crowd.rounds)
        tokens = await server.guests(crowd.connections)
        for number, event in enumerate(events):
            behind = number % 2 == 1
            if behind:
                await _fill(server, event, crowd.people)
            await lab.checkpoint()
            running = Running(
                name="onsale",
                address=server.address,
                tokens=tokens,
                events=[event],
                server_pids=[server.pid],
                said=server.said,
                store_pids=lab.store_pids,
                count=server.count,
                settle=_nothing,
            )
            driven = await _drive(lab, crowd, running, part)
            (with_line if behind else without).append(driven)
    echoes.append(await _echo(lab, crowd, part))
    _tell(crowd, with_line, without, echoes, part)
    return part


async def _nothing() -> dict[str, object]:
    return {}


async def _echo(lab: Lab, crowd: Crowd, part: Part) -> Driven:
    async with AsyncExitStack() as stack:
        return await _drive(lab, crowd, await start_echo(stack, lab, 1), part)


async def _drive(lab: Lab, crowd: Crowd, running: Running, part: Part) -> Driven:
    """Put a closed loop of holds on one event."""
    load = Load(
        seconds=crowd.seconds,
        warmup=crowd.warmup,
        seats_per_event=lab.seats_per_event,
        seats_per_hold=1,
        holds_max=lab.seats_per_event,
    )
    async with AsyncExitStack() as stack:
        driven = await drive(stack, load, structs.replace(running))
    part.fault(f"holds of {running.name}", driven.figures.faults)
    part.fault(f"refused by {running.name}", driven.figures.refused)
    return driven


async def _fill(server: Onsale, event: str, people: int) -> None:
    """Put so many in the line behind an event, and wait until it has them."""
    await server.ask("POST", f"/v1/events/{event}/line/open", {})
    before = await server.metric("onsale_line_fed_total")
    wishes = [Wish(number + 1, accessible=True) for number in range(10)]
    await fill(server.database_url, event, people, late=True, wishes=wishes)
    for _ in range(int(FED_WITHIN_S / LOOK_S)):
        if await server.metric("onsale_line_fed_total") - before >= people:
            await asyncio.sleep(SETTLE_S)
            return
        await asyncio.sleep(LOOK_S)
    raise ChildError(f"{people:,} were not fed within {FED_WITHIN_S:.0f} s")


def _tell(
    crowd: Crowd,
    with_line: list[Driven],
    without: list[Driven],
    echoes: list[Driven],
    part: Part,
) -> None:
    what = (
        f"{crowd.connections:,} buyers in a closed loop, one seat a hold,"
        f" {crowd.rounds} times {crowd.seconds:g} s each in turn; median"
    )
    echo = f"{_middle(echoes):,.0f} /s, {_cpu_us(echoes):.1f} µs"
    behind, alone = _middle(with_line), _middle(without)
    part.add("hot without a line", alone, "/s", what, echo=echo)
    part.add(
        f"hot with {crowd.people:,} waiting behind it", behind, "/s", what, echo=echo
    )
    part.add(
        "of that without, by throughput",
        behind / alone if alone else float("nan"),
        "",
        "one by the other",
        at_least=SHARE_MIN,
    )
    cpu = _cpu_us(with_line)
    part.add(
        "of that without, by server CPU a hold",
        _cpu_us(without) / cpu if cpu else float("nan"),
        "",
        f"{_cpu_us(without):.1f} µs by {cpu:.1f} µs: this hardly shows what else runs",
        at_least=SHARE_MIN,
    )


def _middle(runs: list[Driven]) -> float:
    return median(run.figures.per_second for run in runs)


def _cpu_us(runs: list[Driven]) -> float:
    return median(run.figures.cpu_us(run.figures.cpu.server) for run in runs)
