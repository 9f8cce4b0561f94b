"""A miniature of the on-sale: the same people come again, and lies are noticed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import pytest
from aiohttp import WSMsgType, web

from bench import on_sale
from bench.crowd import Booking, CrowdPlan, CrowdTaken
from bench.lab import Lab
from bench.partner import Partner
from bench.plan import Connected, Go
from bench.population import draw_client

Frame = dict[str, Any]


def test_the_same_seed_brings_the_same_people() -> None:
    once, again = (
        [draw_client(seed, number, 10.0) for number in range(300)] for seed in (1, 1)
    )
    assert once == again
    assert once != [draw_client(2, number, 10.0) for number in range(300)]
    visits = [visit for client in once for visit in client.visits]
    assert all(0 <= client.arrival_s <= 10 for client in once)
    assert sum(client.arrival_s < 3 for client in once) > 150
    places = [visit.place for visit in visits if visit.place is not None]
    assert sum(place < 0.2 for place in places) > len(places) * 0.4
    for name in ("releases", "walks_away", "books_twice"):
        assert 0 < sum(getattr(visit, name) for visit in visits) < len(visits) / 5
    assert 0 < sum(visit.drops_s is not None for visit in visits) < len(visits) / 5


@pytest.mark.postgres
@pytest.mark.slow
def test_a_small_sale_is_exact(tmp_path: Path, server_url: str) -> None:
    lab = Lab(
        directory=tmp_path, admin_url=server_url, store_pids=[], seats_per_event=100
    )
    sale = on_sale.Sale(clients=20, seats=100, arrival=0.5)
    sold = asyncio.run(on_sale.measure(lab, sale))
    faults = [name for name in sold.faults if not name.startswith("not measured")]
    assert faults == []
    assert len(sold.bookings) > 5
    assert sold.latencies["enter"].count == 20
    assert sold.settled["held"] == 0


BOOKINGS = [Booking(0.0, "b1", ["1-1", "1-2"]), Booking(0.0, "b2", ["1-3"])]
GOOD: dict[str, object] = {"booked": 3, "audit": {"ok": True}}


@pytest.mark.parametrize(
    ("bookings", "settled", "faults"),
    [
        (BOOKINGS, GOOD, []),
        ([*BOOKINGS, Booking(0.0, "b3", ["1-3"])], GOOD | {"booked": 4}, ["twice"]),
        (BOOKINGS, GOOD | {"booked": 4}, ["4 seats booked, not 3"]),
        (BOOKINGS, GOOD | {"audit": {"ok": False}}, ["the audit"]),
        (BOOKINGS, GOOD | {"audit": None}, ["the audit"]),
    ],
)
def test_what_clients_were_told_is_compared(
    bookings: list[Booking], settled: dict[str, object], faults: list[str]
) -> None:
    found = on_sale.compare(bookings, settled)
    assert len(found) == len(faults)
    assert all(word in name for name, word in zip(found, faults, strict=True))


# -- A shop that lies


class Shop:
    """Sells to one client at a time; `lie` is what may be wrong."""

    def __init__(self, lie: Callable[[Frame, Frame], Frame | None]) -> None:
        self._lie = lie
        self._number = 0

    def answer(self, frame: Frame) -> list[Frame]:
        self._number += 1
        reply: Frame = {"op": "ok", "id": frame["id"]}
        more: list[Frame] = []
        if frame["op"] == "watch":
            reply["resumed"] = False
            more = [{"op": "snapshot", "history_id": "h", "version": 1}]
        elif frame["op"].startswith("hold"):
            reply |= {"hold": "token", "expires_in_ms": 60_000}
        elif frame["op"] == "book":
            reply |= {"booking": f"b{frame['key']}", "seats": [f"s{self._number}"]}
        told = self._lie(frame, reply)
        return [*([told] if told is not None else []), *more]

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                for frame in self.answer(msgspec.json.decode(message.data)):
                    await ws.send_json(frame)
        return ws


@asynccontextmanager
async def opened(shop: Shop) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/v1/ws", shop.serve)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"ws://{host}:{port}/v1/ws"
    finally:
        await runner.cleanup()


async def visit(shop: Shop) -> CrowdTaken:
    async with opened(shop) as url, AsyncExitStack() as stack:
        crowd = await Partner.start(stack, "bench.crowd")
        plan = CrowdPlan(
            url=url,
            tokens=["token"] * 40,
            first=0,
            event="e",
            seats=100,
            arrival_s=0.1,
            seed=1,
        )
        await crowd.ask(plan, Connected, 30)
        return await crowd.ask(Go(at=perf_counter()), CrowdTaken, 60)


def tell_the_truth(frame: Frame, reply: Frame) -> Frame | None:
    return reply


class Forgets:
    """Gives every booking another name."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, frame: Frame, reply: Frame) -> Frame | None:
        self.calls += 1
        return reply | ({"booking": f"b{self.calls}"} if frame["op"] == "book" else {})


def lose_the_hold(frame: Frame, reply: Frame) -> Frame | None:
    if frame["op"] == "book":
        return {"op": "refused", "id": frame["id"], "code": "hold_expired"}
    return reply


@pytest.mark.parametrize(
    ("lie", "fault"),
    [
        (tell_the_truth, None),
        (Forgets(), "another answer to the same key"),
        (lose_the_hold, "refused hold_expired"),
    ],
)
def test_a_shop_that_breaks_a_promise_is_noticed(
    lie: Callable[[Frame, Frame], Frame | None], fault: str | None
) -> None:
    taken = asyncio.run(visit(Shop(lie)))
    if fault is None:
        assert taken.faults == {}
        assert len(taken.bookings) == taken.counts["booked"] > 40
    else:
        assert taken.faults.get(fault, 0) > 0
