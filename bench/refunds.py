"""`bench refunds`: a cancelled event gives its orders back while another one sells.

A few orders are made and paid as anybody makes them, and then copied: in the tables of
the shop and in the file of the gateway, each with a name of its own. In the journal the
copies are not; nothing of giving back a cancelled event asks it. So what is measured is
what the server does with ten thousand paid orders, without an hour of paying them.

Beside it another event sells at a steady rate: first while nothing else happens, then
while refunds are under way, in windows of the same length. The echo gets the same rate
before both.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from statistics import median
from typing import Annotated, Any, Final

import asyncpg
import msgspec
from cyclopts import Parameter
from msgspec import Struct
from msgspec.structs import replace

from bench.children import ChildError
from bench.contenders import Running, start_echo
from bench.drive import Driven, Load, drive
from bench.lab import Lab, describe
from bench.outcome import HERE, Common, Outcome, Value, in_lab
from bench.progress import new_console
from bench.shop import Shop, open_shop
from bench.usage import cpu_seconds
from persistence.shop.payments.gateway_file import GatewayFile
from server.shop.payments.gateway.book import SESSION
from server.shop.payments.gateway.command import FILE, FOLDER
from server.shop.payments.gateway.machine import Sitting

RATIO_MAX: Final = 1.2
SEED: Final = 20
"""Orders that are made in earnest; the others are copies of them."""

SEATS_TO_HOLDS: Final = 2
"""Seats for each hold of a window: no connection runs out before its end."""

CONFIRMED_S: Final = 60.0
REFUNDED_S: Final = 1_200.0
LOOK_S: Final = 0.25

COPIES: Final[dict[str, dict[str, str]]] = {
    "orders": {
        "order_id": "t.order_id || '_' || n",
        "reference": "t.reference || n",
        "accepted_payment": "t.accepted_payment || '_' || n",
    },
    "order_part": {
        "order_id": "t.order_id || '_' || n",
        "hold": "t.hold || '_' || n",
        "booking_id": "t.booking_id || '_' || n",
    },
    "order_line": {"order_id": "t.order_id || '_' || n"},
    "payment": {
        "payment_id": "t.payment_id || '_' || n",
        "order_id": "t.order_id || '_' || n",
        "provider_ref": "t.provider_ref || '_' || n",
    },
    "money_entry": {"order_id": "t.order_id || '_' || n"},
    "booking": {
        "booking_id": "t.booking_id || '_' || n",
        "order_id": "t.order_id || '_' || n",
        "reference": "t.reference || n",
        # Holders are told in the order of versions, so each has its own.
        "version": "t.version + n * 1000000",
    },
    "ticket": {
        "ticket_id": "t.ticket_id || '_' || n",
        "order_id": "t.order_id || '_' || n",
        "booking_id": "t.booking_id || '_' || n",
        "number": "translate(upper(left(md5(t.ticket_id || n), 10)), '01', 'GH')",
        "label": "t.label || '/' || n",
    },
}
"""What a copy has of its own, by table; all else is as it is of the first."""

_COLUMNS: Final = """
SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    AND attidentity = ''
"""
_ORDERS: Final = "SELECT array_agg(order_id) FROM order_part WHERE event_id = $1"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """The settings of a measurement, as they are typed and go into its report."""

    orders: int = 10_000
    """Paid orders of the event that is cancelled."""

    rate: float = 1_000.0
    """Holds per second of the event that sells beside it."""

    connections: int = 200
    """Buyers of that event, each with a connection of its own."""

    seconds: float = 8.0
    """Length of each measured window."""

    warmup: float = 2.0
    """Seconds of holds before it."""

    rounds: int = 3
    """Windows without refunds, and windows with them."""

    alone: Annotated[bool, Parameter(negative=())] = False
    """Give back with nothing beside it, for the time that takes."""


USUAL: Final = Options()


class Found(Struct, kw_only=True):
    """What was measured."""

    echo: list[Driven]
    quiet: list[Driven]
    beside: list[Driven]
    orders: int
    took_s: float
    cpu_s: float
    """Of the server, for refunds and what was sold beside them."""
    failed: int
    outlasted: bool
    """Whether refunds were under way to the end of each window."""


async def make_orders(shop: Shop, database_url: str, lab: Lab, count: int) -> str:
    """Have an event with so many paid orders; return it."""
    (event,) = await shop.office.open_sales(1, payment="required")
    for wish in await shop.holds(event, SEED):
        order = await shop.order(wish)
        await shop.pay(order["payment"]["url"])
    async with asyncio.timeout(CONFIRMED_S):
        while await shop.confirmed(event) < SEED:  # noqa: ASYNC110 - as a page asks
            await asyncio.sleep(LOOK_S)
    connection = await asyncpg.connect(database_url)
    try:
        tickets = "SELECT count(*) FROM ticket WHERE event_id = $1"
        async with asyncio.timeout(CONFIRMED_S):
            while await connection.fetchval(tickets, event) < SEED:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_S)
        copies = -(-count // SEED) - 1
        refs = await copy_orders(connection, event, copies)
    finally:
        await connection.close()
    file = GatewayFile(lab.directory / "gateway" / FOLDER / FILE)
    try:
        copy_sessions(file, refs, copies)
    finally:
        file.close()
    return event


async def copy_orders(connection: Any, event: str, copies: int) -> list[str]:
    """Copy all orders of an event so often; return the sessions of the first ones."""
    orders = await connection.fetchval(_ORDERS, event)
    refs: list[str] = await connection.fetchval(
        "SELECT array_agg(provider_ref) FROM payment WHERE order_id = ANY ($1)", orders
    )
    async with connection.transaction():
        for table, own in COPIES.items():
            columns = await connection.fetchval(_COLUMNS, table)
            values = ", ".join(own.get(name, f't."{name}"') for name in columns)
            names = ", ".join(f'"{name}"' for name in columns)
            await connection.execute(
                f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} t"
                " CROSS JOIN generate_series(1, $2::int) AS n"
                " WHERE t.order_id = ANY ($1)",
                orders,
                copies,
            )
    await connection.execute("ANALYZE")
    return refs


def copy_sessions(file: GatewayFile, refs: list[str], copies: int) -> None:
    """Have the gateway know a payment of each copied order."""
    encode = msgspec.msgpack.Encoder().encode
    decode = msgspec.msgpack.Decoder(Sitting).decode
    with file.writing():
        for ref in refs:
            body = file.get(SESSION, ref)
            if body is None:
                raise ChildError(f"the gateway has no session {ref}")
            first = decode(body)
            for number in range(1, copies + 1):
                attempt = f"{first.ask.attempt}_{number}"
                ask = replace(first.ask, attempt=attempt)
                one = replace(first, ref=f"{ref}_{number}", ask=ask)
                now_ms = one.changed_at_ms
                file.put(SESSION, one.ref, encode(one), now_ms=now_ms, alias=attempt)


async def sell(
    stack: AsyncExitStack, lab: Lab, shop: Shop, tokens: list[str], options: Options
) -> Driven:
    """Sell an event at the rate, for a window."""

    async def settle() -> dict[str, object]:
        return await shop.office.settle(events)

    events = await shop.office.open_sales(1)
    running = Running(
        name="onsale",
        address=shop.office.address,
        tokens=tokens,
        events=events,
        server_pids=[shop.office.pid],
        store_pids=lab.store_pids,
        said=shop.office.said,
        count=shop.office.count,
        settle=settle,
    )
    return await drive(stack, _load(lab, options), running)


def _load(lab: Lab, options: Options) -> Load:
    return Load(
        rate=options.rate,
        seconds=options.seconds,
        warmup=options.warmup,
        seats_per_event=lab.seats_per_event,
    )


async def progress(shop: Shop, event: str) -> dict[str, Any]:
    """Return how far an event is given back."""
    return await shop.office.ask("GET", f"/v1/events/{event}/refunds", None)


async def measure(lab: Lab, options: Options) -> Found:
    """Sell alone, then beside refunds; wait for the last of these."""
    say = new_console().print
    found = Found(
        echo=[],
        quiet=[],
        beside=[],
        orders=options.orders,
        took_s=0.0,
        cpu_s=0.0,
        failed=0,
        outlasted=True,
    )
    async with AsyncExitStack() as stack:
        shop = await open_shop(stack, lab)
        event = await make_orders(shop, shop.office.database_url, lab, options.orders)
        say(f"{options.orders:,} paid orders are there")
        tokens = await shop.office.guests(options.connections)
        if not options.alone:
            async with AsyncExitStack() as beside:
                echo = await start_echo(beside, lab, 1)
                driven = await drive(beside, _load(lab, options), echo)
                found.echo.append(driven)
            for _ in range(options.rounds):
                found.quiet.append(await sell(stack, lab, shop, tokens, options))
            say(f"alone: {spread(found.quiet)}; echo: {spread(found.echo)}")
        cpu, begun = cpu_seconds([shop.office.pid]), time.perf_counter()
        await shop.office.ask("POST", f"/v1/events/{event}/cancel", {})
        if not options.alone:
            await _sell_beside(stack, lab, shop, event, tokens, options, found)
            say(f"beside refunds: {spread(found.beside)}")
        async with asyncio.timeout(REFUNDED_S):
            told = await progress(shop, event)
            while told["status"] != "done":
                await asyncio.sleep(LOOK_S)
                told = await progress(shop, event)
        found.took_s = time.perf_counter() - begun
        found.cpu_s = cpu_seconds([shop.office.pid]) - cpu
        found.failed = told["orders"] - told["done"]
        say(f"{told['done']:,} orders are given back after {found.took_s:.0f} s")
    return found


async def _sell_beside(
    stack: AsyncExitStack,
    lab: Lab,
    shop: Shop,
    event: str,
    tokens: list[str],
    options: Options,
    found: Found,
) -> None:
    """Sell while refunds are under way, in as many windows as they last."""
    for _ in range(options.rounds):
        driven = await sell(stack, lab, shop, tokens, options)
        if not (await progress(shop, event))["waiting"]:
            # They were over before its end: of this one nobody knows what it shows.
            found.outlasted = False
            break
        found.beside.append(driven)


def spread(windows: list[Driven]) -> str:
    """Write the middle and the slow end of windows, in ms."""
    if not windows:
        return "no whole window"
    p50 = median(one.figures.p50_ms for one in windows)
    return f"{p50:.1f} / {_p99(windows):.1f} ms"


def _p99(windows: list[Driven]) -> float:
    return median(one.figures.p99_ms for one in windows)


def conclude(found: Found, options: Options, machine: dict[str, object]) -> Outcome:
    """Make the table, and hold the ratio against what is promised."""
    values = [
        Value(name="all are given back after", value=found.took_s, unit="s"),
        Value(name="refunds", value=found.orders / found.took_s, unit="1/s"),
    ]
    if options.alone:
        each = found.cpu_s / found.orders * 1e3
        values.append(Value(name="server CPU of an order", value=each, unit="ms"))
    missed = [f"{found.failed} orders were not given back"] if found.failed else []
    kinds = {"echo": found.echo, "alone": found.quiet, "beside refunds": found.beside}
    for name, windows in kinds.items():
        if windows:
            values.append(Value(name=f"p99, {name}", value=_p99(windows), unit="ms"))
        for one in windows:
            figures = one.figures
            missed += [f"{name}: {kind} {n}" for kind, n in figures.faults.items()]
            if figures.refusal:
                missed.append(f"{name}: {figures.refusal}")
    if found.quiet and found.beside:
        ratio = _p99(found.beside) / _p99(found.quiet)
        values.append(Value(name="p99 beside to alone", value=ratio, at_most=RATIO_MAX))
    elif not options.alone:
        missed.append("refunds were over within the first window: take more orders")
    notes = ["Each refund is of one seat, with a notice and a mail."]
    if not found.outlasted:
        notes.append("Refunds were over before all windows: the last one is left out.")
    return Outcome(
        bench="refunds",
        title=f"{found.orders:,} orders of a cancelled event, given back",
        settings=asdict(options),
        machine=machine,
        columns=["what", "value"],
        rows=[[one.name, str(one).partition(": ")[2]] for one in values],
        values=values,
        notes=notes,
        missed=missed,
    )


def refunds(options: Options = USUAL, *, common: Common = HERE) -> int:
    """Measure what refunds of a cancelled event do to the sale of another one.

    Ends with 1 where its p99 is more than 1.2 times what it is without them.
    """

    async def work(lab: Lab) -> Outcome:
        if lab.target is not None:
            raise ChildError("The bench of refunds starts a gateway and a server.")
        machine = await describe(lab)
        holds = options.rate * (options.warmup + options.seconds)
        each = int(SEATS_TO_HOLDS * holds / options.connections) + 1
        shape = lab.shaped(
            seats_per_event=each * options.connections,
            seats_per_hold=1,
            connections=options.connections,
        )
        return conclude(await measure(shape, options), options, machine)

    return in_lab(work, common)
