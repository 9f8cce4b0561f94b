"""`bench growth`: whether selling gets slower as things grow.

The same buyers hold and release as fast as they are answered, in an event with few or
many seats, beside few or many other events, and after few or many rows of its journal.
"""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from statistics import median

import asyncpg
from cyclopts import Parameter
from msgspec import Struct

from bench import arena
from bench.bench_recovery import History, Trades
from bench.children import ChildError
from bench.contenders import Running
from bench.lab import Lab, describe
from bench.onsale import DATABASE, Onsale
from bench.outcome import HERE, Common, Outcome, Value, in_lab
from bench.plots import Plot
from bench.progress import new_console, shown
from bench.trading import Traded
from bench.watchers import trade
from inventory.venue.own import read_map
from persistence.journal.journal import PostgresJournal
from persistence.postgres.clock import DatabaseClock
from persistence.postgres.migrate import migrate
from persistence.postgres.pool import Pool

RATIO_MIN = 0.9
JUDGED = ("seats", "rows")
"""What the figure is promised for; events are only told."""

USUAL_SEATS = 20_000
EVENT = "evt_bench_growth"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The settings of a measurement, as they are typed and go into its report."""

    seats: tuple[int, ...] = (1_000, 10_000, 100_000)
    """Of the event, from few to many."""

    events: tuple[int, ...] = (1, 1_000, 10_000)
    """Which are open, of 1,000 seats each; one of them sells."""

    rows: tuple[int, ...] = (0, 100_000, 1_000_000)
    """Of the event's journal; making them takes a while."""

    buyers: int = 100
    """Connections with one command in flight each."""

    seconds: float = 5.0
    """Length of each measured window."""

    warmup: float = 1.0
    """Seconds of load before it."""

    rounds: int = 3
    """How often each size is measured, the sizes by turns."""


class Grown(Struct, kw_only=True):
    """One size, measured once."""

    what: str
    size: int
    traded: Traded


async def fill(url: str, seats: int, rows: int) -> None:
    """Make an event with a journal as long as that, whose seats are all free."""
    connection = await asyncpg.connect(url)
    try:
        await migrate(connection)
    finally:
        await connection.close()
    pool = await Pool.open(url)
    journal = await PostgresJournal.open(url, pool, "bench", DatabaseClock())
    try:
        venue_map = read_map(arena.build_map(seats))
        await History(url, pool, journal, venue_map, Trades).make(EVENT, rows, 1)
    finally:
        await journal.close()
        await pool.close()


class Stand:
    """A server on a database that was made for one size."""

    def __init__(self, lab: Lab, sizes: Sizes) -> None:
        self._lab = lab
        self._sizes = sizes

    async def start(self, stack: AsyncExitStack, what: str, size: int) -> Running:
        """Start a server that has grown to this size."""
        seats = {"seats": size, "events": 1_000}.get(what, USUAL_SEATS)
        lab = self._lab.shaped(seats_per_event=seats)
        server = Onsale(lab, stack)
        if what == "rows":
            server.database_url = await lab.make_database(DATABASE)
            stack.push_async_callback(lab.drop_database, DATABASE)
            await fill(server.database_url, seats, size)
        await server.start()
        if what == "rows":
            events = [EVENT]
        else:
            events = await server.open_sales(size if what == "events" else 1)

        async def settle() -> dict[str, object]:
            return await server.settle(events[:1])

        return Running(
            name=f"{size:,} {what}",
            address=server.address,
            tokens=await server.guests(self._sizes.buyers),
            events=events[:1],
            server_pids=[server.pid],
            store_pids=lab.store_pids,
            said=server.said,
            settle=settle,
        )


async def measure(lab: Lab, sizes: Sizes) -> list[Grown]:
    """Measure all sizes of one kind, then of the next."""
    say = new_console().print
    stand = Stand(lab, sizes)
    found = []
    for what in ("seats", "events", "rows"):
        for size in getattr(sizes, what):
            async with AsyncExitStack() as stack:
                running = await stand.start(stack, what, size)
                await lab.checkpoint()
                for _ in range(sizes.rounds):
                    async with (
                        AsyncExitStack() as inner,
                        shown(running.name, sizes.seconds + sizes.warmup),
                    ):
                        traded = await trade(
                            inner,
                            running,
                            sizes.buyers,
                            sizes.seconds,
                            sizes.warmup,
                            seats=1_000,
                        )
                    found.append(Grown(what=what, size=size, traded=traded))
                    say(f"{running.name}: {traded.per_second:,.0f}/s")
                audit = (await running.settle())["audit"]
                if not isinstance(audit, dict) or not audit["ok"]:
                    raise ChildError(f"{running.name}: the audit found a difference")
    return found


def speed(found: list[Grown], what: str, size: int) -> float:
    """Commands per second at a size, the middle of its rounds."""
    return median(
        one.traded.per_second for one in found if (one.what, one.size) == (what, size)
    )


def cpu_us(found: list[Grown], what: str, size: int) -> float:
    """CPU of the server for a command at a size, the middle of its rounds."""
    return median(
        one.traded.cpu.server / (one.traded.accepted or 1) * 1e6
        for one in found
        if (one.what, one.size) == (what, size)
    )


def conclude(found: list[Grown], sizes: Sizes, machine: dict[str, object]) -> Outcome:
    """Make the table: each size beside the smallest of its kind."""
    rows, values, lines = [], [], {}
    for what in ("seats", "events", "rows"):
        kinds = getattr(sizes, what)
        if not kinds:
            continue
        speeds = [speed(found, what, size) for size in kinds]
        lines[what] = [(float(place), each) for place, each in enumerate(speeds)]
        for size, each in zip(kinds, speeds, strict=True):
            ratio = each / speeds[0] if speeds[0] else 0.0
            cost = f"{cpu_us(found, what, size):.1f}"
            rows.append([f"{size:,} {what}", f"{each:,.0f}", f"{ratio:.2f}", cost])
        values.append(
            Value(
                name=f"{kinds[-1]:,} to {kinds[0]:,} {what}",
                value=speeds[-1] / speeds[0] if speeds[0] else 0.0,
                at_least=RATIO_MIN if what in JUDGED else None,
            )
        )
    return Outcome(
        bench="growth",
        title=f"Holds and releases of {sizes.buyers:,} buyers as things grow",
        settings=asdict(sizes),
        machine=machine,
        columns=["what", "commands/s", "to the smallest", "server µs"],
        rows=rows,
        values=values,
        figures={"measured": found},
        notes=[
            "A closed loop; each size has a server and a database of its own, so that"
            " other work on the machine counts: give it several rounds."
        ],
        missed=[
            f"{one.size:,} {one.what}: {name}, {count} times"
            for one in found
            for name, count in one.traded.faults.items()
        ],
        plots=[Plot(title="Throughput by size", x="step", y="commands/s", lines=lines)],
    )


def make_work(sizes: Sizes) -> Callable[[Lab], Awaitable[Outcome]]:
    """Bind the settings, for a store still to be started."""

    async def work(lab: Lab) -> Outcome:
        if lab.target is not None:
            raise ChildError("Growth is measured in databases of the bench's own.")
        machine = await describe(lab)
        return conclude(await measure(lab, sizes), sizes, machine)

    return work


USUAL = Sizes()


def growth(sizes: Sizes = USUAL, *, common: Common = HERE) -> int:
    """Measure whether selling gets slower as seats, events and the journal grow.

    Ends with 1 where the most seats, or the longest journal, leave less than 0.9 of the
    throughput of the fewest.
    """
    return in_lab(make_work(sizes), common)
