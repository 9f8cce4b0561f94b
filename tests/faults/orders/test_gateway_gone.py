"""The gateway is not there for a while: who pays waits, and nobody else notices."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median

import pytest

from tests.contract.client import Answer, Api, Person, check_problem
from tests.faults.orders.judge import come_to_rest, violations
from tests.faults.orders.parts import Json, Parts, parts_at, sale_of

pytestmark = [pytest.mark.race, pytest.mark.slow, pytest.mark.timeout(240)]

BUYER = {"email": "buyer@example.org"}
ASKED = 3
FREE = 30
SLOWER = 4.0
"""Other tests run beside this one; who waited for a gateway would wait for seconds."""

LOOKS_MAX = 900


class Shop:
    """A server with an event that is paid, and one that costs nothing."""

    def __init__(self, parts: Parts, api: Api) -> None:
        self.parts, self.api = parts, api
        self.paid, self.free = "", ""
        self.buyer: Person
        self.orders = 0

    async def open(self) -> "Shop":
        self.paid = await sale_of(self.api, "hall")
        self.free = await self.api.sale(
            None, capacity=1_000, max_per_user=1_000, max_per_booking=10
        )
        self.buyer = await self.api.guest()
        return self

    async def hold(self) -> Json:
        """Hold the next seat that has to be paid; return what orders it."""
        self.orders += 1
        label = f"R1-{self.orders}"
        held = await self.api.ok(self.paid, self.buyer, "hold", seats=[label])
        return {"event": self.paid, "hold": held["hold"], "buyer": BUYER}

    async def order(self, body: Json) -> Answer:
        key = {"Idempotency-Key": body["hold"]}
        return await self.api.request(
            "POST", "/v1/orders", body, who=self.buyer, headers=key
        )

    async def free_ms(self) -> float:
        """Order what costs nothing, one after the other; return the median."""
        took = []
        for _ in range(FREE):
            held = await self.api.ok(self.free, self.buyer, "hold", areas={"GA": 1})
            body = {"event": self.free, "hold": held["hold"], "buyer": BUYER}
            began = time.perf_counter()
            made = await self.api.good("POST", "/v1/orders", body, who=self.buyer)
            took.append((time.perf_counter() - began) * 1e3)
            assert made["status"] == "confirmed"
        return median(took)

    async def status(self, order: str) -> str:
        shown = await self.api.good("GET", f"/v1/orders/{order}", who=self.buyer)
        return str(shown["status"])


@asynccontextmanager
async def stopped(parts: Parts) -> AsyncIterator[None]:
    """Nobody listens."""
    await asyncio.to_thread(parts.gateway.end)
    yield
    await asyncio.to_thread(parts.gateway.start)


@asynccontextmanager
async def frozen(parts: Parts) -> AsyncIterator[None]:
    """It takes connections, and answers nothing."""
    assert parts.gateway.process is not None
    parts.gateway.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        parts.gateway.process.send_signal(signal.SIGCONT)


@asynccontextmanager
async def raving(parts: Parts) -> AsyncIterator[None]:
    """It answers what nobody can read."""
    parts.asked.rubbish = True
    yield
    parts.asked.rubbish = False


async def test_who_pays_waits_for_the_gateway_and_nobody_else_does(database_url: str):
    async with parts_at(database_url) as parts, Api(parts.server) as api:
        shop = await Shop(parts, api).open()
        await shop.free_ms()
        before_ms = await shop.free_ms()
        for gone in (stopped, frozen, raving):
            owned = await shop.order(await shop.hold())
            assert await parts.choose(owned.body["payment"]["url"], "pay") == 303
            order = owned.body["order"]
            await _confirmed(shop, [order])
            wanted = [await shop.hold() for _ in range(ASKED)]
            async with gone(parts):
                asking = [asyncio.create_task(shop.order(one)) for one in wanted]
                path = f"/v1/orders/{order}/cancel"
                leaving = asyncio.create_task(api.request("POST", path, who=shop.buyer))
                free_ms = await shop.free_ms()
                for answer in await asyncio.gather(*asking):
                    problem = check_problem(answer, 503)
                    assert problem["code"] == "provider_unavailable"
                    assert problem["transient"] is True
                # What was given back is so; only its money waits.
                assert (await leaving).status == 200
                assert await shop.status(order) == "refunded"
                health = await api.good("GET", "/health")
                assert "payments" in str(health)
            assert free_ms < SLOWER * before_ms, gone.__name__
            made = [await shop.order(one) for one in wanted]
            assert [one.status for one in made] == [201] * ASKED
            for one in made:
                assert await parts.choose(one.body["payment"]["url"], "pay") == 303
            await _confirmed(shop, [one.body["order"] for one in made])
        await come_to_rest(parts, LOOKS_MAX, hurry=True)
        assert await violations(parts, api, [shop.paid]) == []
        assert len(parts.books()[1]) == 3


async def _confirmed(shop: Shop, orders: list[str]) -> None:
    """Wait until orders are confirmed."""
    for _ in range(LOOKS_MAX):
        if {await shop.status(order) for order in orders} == {"confirmed"}:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("paid orders are not confirmed")
