"""A server is killed at each step at which an order can be, and another goes on.

Each case stops at its own step: inside a transaction, while that commits, before the
gateway is asked or before its answer is there. One kill then ends several of them.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import aiohttp
import pytest

from tests.contract.client import Answer, Api, Person
from tests.faults.orders.judge import come_to_rest, violations
from tests.faults.orders.parts import Json, Parts, parts_at, ref_of, sale_of

pytestmark = [pytest.mark.race, pytest.mark.slow, pytest.mark.timeout(240)]

LOOKS_MAX = 900
STEPS_MAX = 1_000
ASKED_MAX = 60
ASK_AGAIN_S = 0.5
PAY_S = 240
"""On a slow machine a wave takes longer than the shortest time to pay."""

SEATS = ["A-1", "A-2"]
GONE = (aiohttp.ClientError, OSError)


class Case:
    """One order of one event, and what its buyer was last promised."""

    def __init__(self, parts: Parts, name: str) -> None:
        self.parts, self.name = parts, name
        self.event, self.hold = "", ""
        self.buyer: Person
        self.answered: Json = {}
        self.ends = "confirmed"
        self._asking: asyncio.Task[Any] | None = None

    async def begin(self, api: Api) -> "Case":
        """Hold two seats of an event of its own."""
        self.event = await sale_of(api, pay_s=PAY_S)
        self.buyer = await api.guest()
        held = await api.ok(self.event, self.buyer, "hold", seats=SEATS)
        self.hold = held["hold"]
        return self

    async def order(self, api: Api) -> Answer:
        """Order what is held; the same again is the same order."""
        body = {
            "event": self.event,
            "hold": self.hold,
            "buyer": {"email": f"{self.name}@example.org"},
        }
        key = {"Idempotency-Key": self.name}
        asked = 0
        while True:
            asked += 1
            answer = await api.request(
                "POST", "/v1/orders", body, who=self.buyer, headers=key
            )
            if self._asking is not None:
                return answer
            # Another driver may be at it, and its page comes a moment later.
            pending = answer.status == 201 and _is_pending(answer.body)
            if asked == ASKED_MAX or not (answer.status == 503 or pending):
                break
            # The connections are with those who were stopped: nothing happened.
            await asyncio.sleep(ASK_AGAIN_S)
        assert answer.status == 201, answer.raw
        if self.answered:
            assert answer.body["order"] == self.answered["order"]
            assert answer.body["total"] == self.answered["total"]
            assert _priced(answer.body) == _priced(self.answered)
        self.answered = answer.body
        return answer

    async def cancel(self, api: Api) -> Answer:
        """Give it back, or up."""
        path = f"/v1/orders/{self.answered['order']}/cancel"
        answer = await api.request("POST", path, who=self.buyer)
        if self._asking is None:
            assert answer.status in (200, 202), answer.raw
        return answer

    def ask(self, work: Coroutine[Any, Any, Any]) -> None:
        """Begin what will not be answered."""
        self._asking = asyncio.create_task(work)

    async def unanswered(self) -> None:
        """Make sure that nobody answered."""
        if self._asking is not None:
            told: object
            (told,) = await asyncio.gather(self._asking, return_exceptions=True)
            # Or that nobody knew what to answer, where the machine is slow.
            unknown = isinstance(told, Answer) and told.status == 503
            assert unknown or isinstance(told, GONE), told
            self._asking = None

    @property
    def url(self) -> str:
        return str(self.answered["payment"]["url"])

    async def pay(self, outcome: str = "pay") -> None:
        """Choose on the gateway's page."""
        assert await self.parts.choose(self.url, outcome) == 303

    async def shown(self, api: Api) -> Json:
        """Return the order as its buyer sees it."""
        path = f"/v1/orders/{self.answered['order']}"
        found: Json = await api.good("GET", path, who=self.buyer)
        return found

    async def stored(self, so: str) -> None:
        """Wait until the row of its order is so."""
        sql = (
            "SELECT FROM orders o JOIN order_part p USING (order_id)"
            f" WHERE p.event_id = $1 AND {so}"
        )
        for _ in range(STEPS_MAX):
            if await self.parts.rows(sql, self.event):
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{self.name} is not so that {so}")

    async def until(self, api: Api, status: str) -> None:
        """Wait until its buyer sees a status."""
        for _ in range(STEPS_MAX):
            if (await self.shown(api))["status"] == status:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{self.name} is not {status}")


def _is_pending(order: Json) -> bool:
    """Return whether an order waits for its page."""
    waits = order["status"] in ("initiated", "payment_pending")
    return waits and order["payment"] is None


def _priced(order: Json) -> list[Json]:
    """Return the lines of an order, whatever became of them since."""
    return [{**line, "state": ""} for line in order["lines"]]


class Wave:
    """Cases that one kill ends."""

    def __init__(self, parts: Parts, api: Api) -> None:
        self.parts, self.api = parts, api
        self.cases: list[Case] = []

    async def case(self, name: str) -> Case:
        made = await Case(self.parts, name).begin(self.api)
        self.cases.append(made)
        return made

    async def opening(self, name: str, when: Any) -> None:
        """Stop at the question for a page."""
        one = await self.case(name)
        spring = self.parts.asked.spring(
            "POST", "/v1/sessions", f"{name}@example.org", when
        )
        one.ask(one.order(self.api))
        await spring.sprung.wait()

    async def paying(self, name: str, place: Any, *, undone: bool) -> None:
        """Stop at what follows from a payment."""
        one = await self.case(name)
        await one.order(self.api)
        halt = await self.parts.halts.put(one.event, place, undone=undone)
        await one.pay()
        await self.parts.halts.reached(halt)

    async def confirmed(self, name: str) -> Case:
        one = await self.case(name)
        await one.order(self.api)
        await one.pay()
        await one.until(self.api, "confirmed")
        one.ends = "refunded"
        return one

    async def refunding(self, name: str, when: Any) -> None:
        """Stop at the question for money back."""
        one = await self.confirmed(name)
        ref = ref_of(one.url)
        spring = self.parts.asked.spring("POST", "/v1/refunds", ref, when)
        one.ask(one.cancel(self.api))
        await spring.sprung.wait()

    async def expiring(self, name: str) -> None:
        """Stop at the answer that an attempt has ended."""
        one = await self.case(name)
        await one.order(self.api)
        one.ends = "cancelled"
        spring = self.parts.asked.spring("POST", "/expire", ref_of(one.url), "after")
        one.ask(one.cancel(self.api))
        await spring.sprung.wait()

    async def late(self, name: str) -> None:
        """Stop where money is told of whose seats have gone back."""
        one = await self.case(name)
        await one.order(self.api)
        await self.parts.gateway.behave(ref_of(one.url), late_ms=0)
        await one.pay("late")
        told = f"payment.captured {ref_of(one.url)}"
        spring = self.parts.told.spring("POST", "/webhook", told, "before")
        await self.parts.rows(
            "UPDATE orders SET pay_until = now(), driven_until = now()"
            " WHERE order_id = $1",
            one.answered["order"],
        )
        await one.until(self.api, "cancelled")
        halt = await self.parts.halts.put(one.event, "webhook", undone=False)
        await spring.sprung.wait()
        spring.let_go.set()
        await self.parts.halts.reached(halt)


async def undone(wave: Wave) -> None:
    """What was begun is not there, though all before it is."""
    await wave.paying("webhook-not-stored", "webhook", undone=True)
    # One of them stops the journal, perhaps for the others, too.
    freed = await wave.confirmed("seats-not-freed")
    booked = await wave.case("not-booked")
    await booked.order(wave.api)
    held = await wave.case("hold-not-given")
    halts = wave.parts.halts
    for one in (freed, booked, held):
        await halts.put(one.event, "journal", undone=True)
    freed.ask(freed.cancel(wave.api))
    await booked.pay()
    held.ask(held.order(wave.api))
    await freed.stored(
        "EXISTS (SELECT FROM order_line l"
        " WHERE l.order_id = o.order_id AND l.state = 'leaving')"
    )
    await booked.stored("step = 'paid'")
    await held.stored("step = 'pledging'")
    await halts.reached()


async def untold(wave: Wave) -> None:
    """What was done is there, and nobody was told."""
    await wave.late("late")
    await wave.paying("webhook-stored-not-answered", "webhook", undone=False)
    held = await wave.case("hold-given-not-told")
    halt = await wave.parts.halts.put(held.event, "journal", undone=False)
    held.ask(held.order(wave.api))
    await wave.parts.halts.reached(halt)


async def outside(wave: Wave) -> None:
    """What the gateway was asked, and what follows the journal."""
    meanwhile = await wave.case("paid-while-nobody-was-there")
    await meanwhile.order(wave.api)
    await wave.opening("page-not-asked-for", "before")
    await wave.opening("page-not-told", "after")
    await wave.expiring("end-not-told")
    await wave.refunding("refund-not-asked-for", "before")
    await wave.refunding("refund-not-told", "after")
    await wave.paying("tickets-not-written", "ticket", undone=True)
    await wave.paying("booked-not-told", "journal", undone=False)


async def go_on(wave: Wave) -> None:
    """Start another server, and let the buyers ask again for what they asked for."""
    for one in wave.cases:
        await one.unanswered()
    await wave.parts.start_server()
    async with Api(wave.parts.server) as api:
        for one in wave.cases:
            # Also where it was answered before: it is found, whatever became of it.
            await one.order(api)
            if one.ends != "confirmed":
                await one.cancel(api)
            elif one.answered["status"] == "payment_pending" and one.name != "late":
                await wave.parts.choose(one.url, "pay")


async def test_whoever_goes_on_after_a_death_ends_where_the_dead_would_have(
    database_url: str,
):
    cases: list[Case] = []
    async with parts_at(database_url) as parts:
        for begin in (undone, untold, outside):
            async with Api(parts.server) as api:
                wave = Wave(parts, api)
                await begin(wave)
                await parts.kill()
                for one in wave.cases:
                    if one.name == "paid-while-nobody-was-there":
                        await one.pay()
            await go_on(wave)
            cases += wave.cases
        await come_to_rest(parts, LOOKS_MAX, hurry=True)
        async with Api(parts.server) as api:
            ends = {one.name: (await one.shown(api))["status"] for one in cases}
            events = [one.event for one in cases]
            wrong = await violations(parts, api, events)
        sessions, refunds = parts.books()
    assert ends == {one.name: one.ends for one in cases}
    assert wrong == []
    assert len(sessions) == len({one.ask.order for one in sessions}) == len(cases)
    gave_back = sum(one.ends == "refunded" for one in cases)
    assert [one.state for one in refunds] == ["settled"] * gave_back
