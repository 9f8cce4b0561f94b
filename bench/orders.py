"""`bench orders`: from a hold to a confirmed order, free and paid at the test gateway.

Free orders come by an open loop, at a rate that both our server and a bare aiohttp
handler get, one after the other: from when a request was due until its answer says
`confirmed`. Paid ones by a closed loop of many buyers, each of whom orders, pays on the
gateway's page and goes; counted is until all of them are confirmed, and of the server's
CPU everything that it did until then, its tickets included. Then orders are abandoned,
to see when their seats are free again; and seats are booked at a steady rate, to see
how far tickets, notices and webhooks are behind (`bench.followed`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from statistics import median
from time import perf_counter
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct

from bench.bench_decide import order_us
from bench.check import percentile
from bench.children import ChildError
from bench.contenders import start_module
from bench.followed import measure_behind
from bench.lab import Lab, describe
from bench.line import Line
from bench.outcome import HERE, Common, Outcome, Value, in_lab
from bench.progress import new_console
from bench.shop import Shop, open_shop
from bench.usage import cpu_seconds

FREE_P50_MS, FREE_P99_MS = 15.0, 60.0
PAID_CPU_MS, PAID_PER_S = 3.0, 300.0
ORDER_US = 12.0
FREED_P99_MS = 50.0
BEHIND_S = 0.3
BUYERS_AT_ONCE = 24
ABANDONED = 50
CONFIRMED_TIMEOUT_S = 60.0
PAY_S = 60
"""The shortest time to pay that an event may have."""


class Found(Struct, kw_only=True):
    """What was measured; times in ms unless they say otherwise."""

    echo: list[float]
    free: list[float]
    paid: int
    paid_s: float
    paid_cpu_s: float
    freed: list[float]
    behind_s: list[float]
    booked_per_s: float
    decided_us: float


async def paced(
    rate: float, count: int, ask: Callable[[int], Awaitable[float]]
) -> list[float]:
    """Ask by a schedule; return in ms how long after its due time each was answered."""
    begun = perf_counter() + 0.1

    async def one(number: int) -> float:
        due = begun + number / rate
        await asyncio.sleep(due - perf_counter())
        return (await ask(number) - due) * 1e3

    return sorted(await asyncio.gather(*map(one, range(count))))


async def measure_echo(lab: Lab, rate: float, count: int) -> list[float]:
    """Ask the bare handler, which answers as many bytes as an order has."""
    stdin = msgspec.json.encode(("application/json", b"x" * 900))
    async with AsyncExitStack() as stack:
        child = await start_module(stack, lab, "bench.baselines.page", stdin=stdin)
        url = f"http://{await child.address()}/"
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector)
        )

        async def ask(number: int) -> float:
            async with session.get(url) as answer:
                await answer.read()
                return perf_counter()

        return await paced(rate, count, ask)


async def measure_free(shop: Shop, rate: float, count: int) -> list[float]:
    """Order what costs nothing, at a rate."""
    (event,) = await shop.office.open_sales(1, prices={})
    wishes = await shop.holds(event, count)

    async def ask(number: int) -> float:
        wish = wishes[number]
        body = {"event": event, "hold": wish.hold}
        received, order = await shop.ask("POST", "/v1/orders", body, wish.token)
        if order["status"] != "confirmed":
            raise ChildError(f"a free order is {order['status']}")
        return received

    return await paced(rate, count, ask)


async def measure_paid(shop: Shop, count: int) -> tuple[float, float]:
    """Order and pay, as fast as it goes; return seconds, and CPU of the server."""
    (event,) = await shop.office.open_sales(1, payment="required")
    left = iter(await shop.holds(event, count))
    cpu = cpu_seconds([shop.office.pid])
    begun = perf_counter()

    async def buy() -> None:
        for wish in left:
            order = await shop.order(wish)
            await shop.pay(order["payment"]["url"])

    async with asyncio.TaskGroup() as buyers:
        for _ in range(BUYERS_AT_ONCE):
            buyers.create_task(buy())
    async with asyncio.timeout(CONFIRMED_TIMEOUT_S):
        while await shop.confirmed(event) < count:  # noqa: ASYNC110 - as a page asks
            await asyncio.sleep(0.02)
    return perf_counter() - begun, cpu_seconds([shop.office.pid]) - cpu


class Watcher(Line):
    """Notes when which seat was free again."""

    def __init__(self, url: str, token: str, event: str) -> None:
        super().__init__(url, token, event)
        self.freed: dict[int, float] = {}
        self.all_freed = asyncio.Event()

    def hear(self, frame: dict[str, Any]) -> None:
        """Take one frame, and the time at which it came."""
        if frame["op"] == "delta":
            now = time.time()
            for index in frame["seats"].get("f", ()):
                self.freed[index] = now
            if len(self.freed) == ABANDONED:
                self.all_freed.set()
        super().hear(frame)


async def measure_freed(shop: Shop) -> list[float]:
    """Abandon orders; return in ms how long after its end each left its seat."""
    settings = {"payment": "required", "pay_s": PAY_S}
    (event,) = await shop.office.open_sales(1, **settings)
    wishes = await shop.holds(event, ABANDONED)
    (token,) = await shop.office.guests(1)
    watcher = Watcher(f"ws://{shop.office.address}/v1/ws", token, event)
    await watcher.enter()
    ends = []
    for wish in wishes:
        order = await shop.order(wish)
        ends.append(datetime.fromisoformat(order["pay_until"]).timestamp())
    async with asyncio.timeout(PAY_S + CONFIRMED_TIMEOUT_S):
        await watcher.all_freed.wait()
    watcher.leave()
    return sorted((watcher.freed[n] - end) * 1e3 for n, end in enumerate(ends))


async def measure(
    lab: Lab, rate: float, seconds: float, paid: int, booked_per_s: float
) -> Found:
    """Measure one thing after the other; nothing else runs meanwhile."""
    say = new_console().print
    count = int(rate * seconds)
    decided_us = order_us()
    say(f"{decided_us:.1f} µs to decide and apply what an order asks of its event")
    async with AsyncExitStack() as stack:
        shop = await open_shop(stack, lab)
        await measure_free(shop, rate, count // 4)
        free = await measure_free(shop, rate, count)
        echo = await measure_echo(lab, rate, count)
        say(f"free: {spread(free)}; bare handler: {spread(echo)}")
        paid_s, cpu_s = await measure_paid(shop, paid)
        say(f"paid: {paid / paid_s:.0f}/s, {cpu_s / paid * 1e3:.2f} ms of CPU each")
        behind = await measure_behind(stack, lab, shop, paced, booked_per_s, seconds)
        say(
            f"followers: at most {behind.lags_s[-1]:.2f} s behind at"
            f" {behind.per_second:,.0f}/s; made: {behind.made}"
        )
        freed = await measure_freed(shop)
        say(f"abandoned: free after {spread(freed)}")
    return Found(
        echo=echo,
        free=free,
        paid=paid,
        paid_s=paid_s,
        paid_cpu_s=cpu_s,
        freed=freed,
        behind_s=behind.lags_s,
        booked_per_s=behind.per_second,
        decided_us=decided_us,
    )


def spread(times: list[float]) -> str:
    """Write the middle and the slow end of times in ms."""
    return f"{median(times):.1f} / {percentile(times, 0.99):.1f} ms"


def conclude(
    found: Found, settings: dict[str, object], machine: dict[str, object]
) -> Outcome:
    """Make the table."""
    values = [
        _ms("free order, p50", median(found.free), FREE_P50_MS),
        _ms("free order, p99", percentile(found.free, 0.99), FREE_P99_MS),
        _ms("bare handler, p50", median(found.echo)),
        _ms("bare handler, p99", percentile(found.echo, 0.99)),
        _ms("paid order, server CPU", found.paid_cpu_s / found.paid * 1e3, PAID_CPU_MS),
        Value(
            name="paid orders confirmed",
            value=found.paid / found.paid_s,
            unit="1/s",
            at_least=PAID_PER_S,
        ),
        Value(
            name="pledge and book, decide and apply",
            value=found.decided_us,
            unit="µs",
            at_most=ORDER_US,
        ),
        _ms(
            "end of pay time to free, p99", percentile(found.freed, 0.99), FREED_P99_MS
        ),
        Value(
            name="tickets, notices, hooks behind, at most",
            value=found.behind_s[-1],
            unit="s",
            at_most=BEHIND_S,
        ),
        Value(name="bookings followed", value=found.booked_per_s, unit="1/s"),
    ]
    return Outcome(
        bench="orders",
        title="Orders, from request to confirmed",
        settings=settings,
        machine=machine,
        columns=["what", "value"],
        rows=[[one.name, str(one).partition(": ")[2]] for one in values],
        values=values,
    )


def _ms(name: str, value: float, at_most: float | None = None) -> Value:
    return Value(name=name, value=value, unit="ms", at_most=at_most)


def orders(
    *,
    rate: float = 200.0,
    seconds: float = 8.0,
    paid: int = 2_000,
    bookings: float = 2_000.0,
    common: Common = HERE,
) -> int:
    """Measure orders: free, paid, abandoned, and what follows from bookings.

    Ends with 1 where a figure is missed.

    Parameters
    ----------
    rate
        Free orders per second.
    seconds
        How long free orders, and bookings, are made.
    paid
        How many orders are paid.
    bookings
        Bookings per second, for what follows the journal.
    """
    settings: dict[str, object] = {
        "rate": rate,
        "seconds": seconds,
        "paid": paid,
        "bookings": bookings,
    }

    async def work(lab: Lab) -> Outcome:
        if lab.target is not None:
            raise ChildError("The bench of orders starts a gateway and a server.")
        machine = await describe(lab)
        return conclude(
            await measure(lab, rate, seconds, paid, bookings), settings, machine
        )

    return in_lab(work, common)
