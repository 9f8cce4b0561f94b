"""`bench on-sale`: a whole on-sale with people in it, who must not notice each other.

Clients arrive in a burst, watch, look for seats, hesitate, abandon, lose their
connections and come back, as `bench.population` describes. In the end every seat that a
client was told to have bought is compared with all others and with the server's audit.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from time import perf_counter

from cyclopts import Parameter
from msgspec import Struct

from bench.children import ChildError
from bench.crowd import HOME_S, Booking, CrowdPlan, CrowdTaken
from bench.drive import BUSY_MAX, LEAD_S
from bench.lab import Lab, describe
from bench.monitor import Monitor
from bench.office import Office
from bench.onsale import open_office
from bench.outcome import HERE, Common, Outcome, Value, in_lab
from bench.partner import Partner
from bench.plan import Connected, Go
from bench.plots import Plot
from bench.progress import new_console, shown
from bench.report import number_of
from bench.samples import Latency, Points, curve_of, latency_of, rate_curve, sum_curve

HOLD_TTL_S = 10
EXPIRED_TIMEOUT_S = 60.0
JUDGING_S = 60.0
PROCESSES = 2


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Sale:
    """The settings of a measurement, as they are typed and go into its report."""

    clients: int = 5_000
    """Who come; each watches and buys over a connection of its own."""

    seats: int = 20_000
    """Of the arena."""

    arrival: float = 20.0
    """Seconds within which they come, most of them early."""

    seed: int = 1
    """Of everything that is random about them."""


class Sold(Struct, kw_only=True):
    """What came of it."""

    bookings: list[Booking]
    latencies: dict[str, Latency]
    counts: dict[str, int]
    faults: dict[str, int]
    settled: dict[str, object]
    seconds: float
    sold_per_s: Points
    sold: Points
    curves: dict[str, Points]
    cpu: dict[str, Points]
    memory: Points
    batch: Points


async def measure(lab: Lab, sale: Sale) -> Sold:
    """Open the doors, and count when all have gone."""
    async with AsyncExitStack() as stack:
        office, server_pids, store_pids = await open_office(stack, lab)
        new_console().print(f"{sale.clients:,} clients get ready")
        events = await office.open_sales(1, hold_ttl_s=HOLD_TTL_S)
        tokens = await office.guests(sale.clients)
        ways = "wss" if office.secure else "ws"
        crowds = []
        for number in range(PROCESSES):
            first = sale.clients * number // PROCESSES
            last = sale.clients * (number + 1) // PROCESSES
            plan = CrowdPlan(
                url=f"{ways}://{office.address}/v1/ws",
                tokens=tokens[first:last],
                first=first,
                event=events[0],
                seats=sale.seats,
                arrival_s=sale.arrival,
                seed=sale.seed,
            )
            crowd = await Partner.start(stack, "bench.crowd")
            await crowd.ask(plan, Connected, JUDGING_S)
            crowds.append(crowd)
        groups = {"server": server_pids, "store": store_pids}
        for number, crowd in enumerate(crowds):
            groups[f"generator {number + 1}"] = [crowd.pid]
        within_s = sale.arrival + HOME_S + JUDGING_S
        async with shown("on-sale", within_s), Monitor(groups, office.count) as monitor:
            begin = perf_counter() + LEAD_S
            for crowd in crowds:
                crowd.tell(Go(at=begin))
            parts = [await crowd.hear(CrowdTaken, within_s) for crowd in crowds]
            end = perf_counter()
        await _nothing_held(office, events[0])
        settled = await office.settle(events)
    return combine(parts, monitor, begin, end, settled)


async def _nothing_held(office: Office, event: str) -> None:
    """Wait until what was walked away from has run out."""
    try:
        async with asyncio.timeout(EXPIRED_TIMEOUT_S):
            while True:
                shown = await office.ask("GET", f"/v1/events/{event}", None)
                if not shown["counts"]["held"]:
                    return
                await asyncio.sleep(0.25)
    except TimeoutError:
        raise ChildError("holds that nobody wanted did not run out") from None


def combine(
    parts: list[CrowdTaken],
    monitor: Monitor,
    begin: float,
    end: float,
    settled: dict[str, object],
) -> Sold:
    """Bring the processes' parts together and compare them with the server's."""
    counts, faults = Counter[str](), Counter[str]()
    for part in parts:
        counts.update(part.counts)
        faults.update(part.faults)
    bookings = [booking for part in parts for booking in part.bookings]
    faults.update(compare(bookings, settled))
    busiest = monitor.busiest(begin, end)
    if busiest > BUSY_MAX:
        faults[f"not measured, a process of the clients used {busiest:.0%}"] += 1
    delays = {
        what: sorted(ms for part in parts for ms in part.latencies_ms[what])
        for what in parts[0].latencies_ms
    }
    moments = [booking.at for booking in bookings for _ in booking.seats]
    return Sold(
        bookings=bookings,
        latencies={what: latency_of(each) for what, each in delays.items()},
        counts=dict(counts),
        faults=dict(faults),
        settled=settled,
        seconds=end - begin,
        sold_per_s=rate_curve(moments, begin, end),
        sold=sum_curve(moments, begin),
        curves={what: curve_of(each) for what, each in delays.items()},
        cpu=monitor.cpu_curves(begin),
        memory=monitor.memory_curve(begin),
        batch=monitor.batch_curve(begin),
    )


def compare(bookings: list[Booking], settled: dict[str, object]) -> dict[str, int]:
    """Name every difference between what clients were told and what is stored."""
    faults: Counter[str] = Counter()
    sold = Counter(seat for booking in bookings for seat in booking.seats)
    twice = sum(count > 1 for count in sold.values())
    if twice:
        faults["seats sold twice"] = twice
    if sold.total() != settled["booked"]:
        faults[f"{settled['booked']} seats booked, not {sold.total()}"] = 1
    audit = settled["audit"]
    if not isinstance(audit, dict) or not audit["ok"]:
        faults["the audit found a difference"] = 1
    return dict(faults)


def conclude(sold: Sold, sale: Sale, machine: dict[str, object]) -> Outcome:
    """Make the table; a single fault misses the figure."""
    slow = any(name.startswith("not measured") for name in sold.faults)
    seats = sum(len(booking.seats) for booking in sold.bookings)
    names = {"enter": "arrival to watching", "hold": "hold", "book": "book"}
    audit = sold.settled["audit"]
    second = "seconds"
    return Outcome(
        bench="on-sale",
        title=f"An on-sale of {sale.seats:,} seats to {sale.clients:,} clients",
        settings=asdict(sale),
        machine=machine,
        columns=["what", "times", "p50 ms", "p99 ms", "p99.9", "p99.99", "max"],
        rows=[
            [names[what], f"{each.count:,}", *_cells(each, slow)]
            for what, each in sold.latencies.items()
        ],
        values=[
            Value(name="errors", value=float(sum(sold.faults.values())), at_most=0.0),
            Value(name="seats sold", value=float(seats)),
            *(
                Value(
                    name=f"{names[what]} p99",
                    value=math.nan if slow else each.p99_ms,
                    unit="ms",
                )
                for what, each in sold.latencies.items()
            ),
        ],
        figures={
            "counts": sold.counts,
            "latencies": sold.latencies,
            "seconds": sold.seconds,
        },
        audit=audit if isinstance(audit, dict) else None,
        notes=[
            f"{seats:,} seats were sold in {sold.seconds:.1f} s, each to one client.",
            "; ".join(f"{name}: {n:,}" for name, n in sorted(sold.counts.items())),
        ],
        missed=[f"{name}: {count:,}" for name, count in sold.faults.items()],
        plots=[
            Plot(
                title="Latency by percentile",
                x="times",
                y="ms",
                lines={} if slow else sold.curves,
                by_share=True,
            ),
            Plot(title="Seats sold", x=second, y="", lines={"sold": sold.sold}),
            Plot(title="Seats per second", x=second, y="", lines={"": sold.sold_per_s}),
            Plot(title="Commands per commit", x=second, y="", lines={"": sold.batch}),
            Plot(title="CPU", x=second, y="cores", lines=sold.cpu),
            Plot(
                title="Memory of the server", x=second, y="MiB", lines={"": sold.memory}
            ),
        ],
    )


def _cells(each: Latency, slow: bool) -> list[str]:
    values = each.p50_ms, each.p99_ms, each.p999_ms, each.p9999_ms, each.max_ms
    return [number_of(math.nan if slow else value, 1) for value in values]


def make_work(sale: Sale) -> Callable[[Lab], Awaitable[Outcome]]:
    """Bind the settings, for a store still to be started."""

    async def work(lab: Lab) -> Outcome:
        machine = await describe(lab)
        lab = lab.shaped(seats_per_event=sale.seats)
        return conclude(await measure(lab, sale), sale, machine)

    return work


USUAL = Sale()


def on_sale(sale: Sale = USUAL, *, common: Common = HERE) -> int:
    """Let a crowd buy out an arena, and compare what it was told with what is stored.

    Clients arrive in a burst, watch, want popular seats, hesitate, abandon, reconnect
    and retry. Ends with 1 at a single error or difference.
    """
    return in_lab(make_work(sale), common)
