"""Buyers who order, pay, decline, pay too late, give back; and do not give up asking.

Each remembers what was answered, for the end to be held against it.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.contract.client import Answer, Api, Person
from tests.faults.orders.parts import Json, Parts, ref_of

AGAIN_S = 0.1
TRIES_MAX = 1_200
LOOKS_MAX = 100
PLANS = {
    "pay": 40,
    "pay, then give back": 16,
    "decline, then pay": 10,
    "leave": 8,
    "pay late, and leave": 8,
    "pay twice": 8,
    "abandon": 5,
    "pay late": 5,
}
ENDED = ("cancelled", "refunded")


@dataclass
class Promise:
    """An order, and what its buyer was told of it."""

    order: str
    plan: str
    total: Json | None
    units: list[str]
    seen: set[str] = field(default_factory=set)
    asked_back: bool = False
    paid: bool = False
    """The gateway took the money, or said that it would."""


class Buyer:
    """Buys one thing after the other."""

    def __init__(
        self, parts: Parts, api: Api, who: Person, event: str, dice: random.Random
    ) -> None:
        self.parts, self.api, self.who, self.event = parts, api, who, event
        self.dice = dice
        self.promises: list[Promise] = []
        self.asked: Counter[str] = Counter()
        self.asked_again = 0
        self._keys = 0

    async def shop(self, labels: list[str], stop: asyncio.Event) -> None:
        """Buy until told to stop, and finish what was begun."""
        plans, weights = list(PLANS), list(PLANS.values())
        while not stop.is_set():
            (plan,) = self.dice.choices(plans, weights)
            promise = await self.order(labels, plan)
            if promise is not None:
                await self.follow(promise)

    async def order(self, labels: list[str], plan: str) -> Promise | None:
        """Hold seats and order them; None where others have them."""
        seats = self.dice.sample(labels, self.dice.randint(1, 2))
        held = await self.ask(
            "POST", f"/v1/events/{self.event}/commands", {"op": "hold", "seats": seats}
        )
        if held.status >= 300:
            return None
        body = {
            "event": self.event,
            "hold": held.body["hold"],
            "buyer": {"email": "buyer@example.org"},
        }
        made = await self.ask("POST", "/v1/orders", body)
        if made.status >= 300:
            # The hold ran out while nobody was there.
            return None
        promise = Promise(
            made.body["order"], plan, made.body["total"], _units(made.body)
        )
        self.promises.append(promise)
        promise.seen.add(made.body["status"])
        self._url = made.body["payment"]["url"] if made.body["payment"] else None
        return promise

    async def follow(self, promise: Promise) -> None:
        """Do with an order as was planned."""
        url = self._url
        if url is None:
            return
        await self.treat(url, double=promise.plan == "pay twice")
        match promise.plan:
            case "pay" | "pay twice":
                await self.choose(promise, url, "pay")
            case "pay, then give back":
                await self.choose(promise, url, "pay")
                await self.see_confirmed(promise)
                await self.cancel(promise)
            case "decline, then pay":
                await self.choose(promise, url, "decline")
                path = f"/v1/orders/{promise.order}/payments"
                again = await self.ask("POST", path, {})
                if again.status < 300 and again.body["payment"] is not None:
                    await self.choose(promise, again.body["payment"]["url"], "pay")
            case "leave":
                await self.cancel(promise)
            case "pay late, and leave":
                await self.choose(promise, url, "late")
                await self.cancel(promise)
            case "pay late":
                await self.choose(promise, url, "late")
            case _:
                assert promise.plan == "abandon"

    async def treat(self, url: str, *, double: bool) -> None:
        """Have the gateway tell of a session as badly as it likes."""
        dice = self.dice
        behaviour: Json = {
            "webhook_copies": dice.choice((1, 2, 4)),
            "webhook_delay_ms": dice.choice((0, 0, 300, 1_500)),
            "reversed": dice.random() < 0.4,
            "forged": dice.random() < 0.4,
            "stale": dice.random() < 0.4,
            # Also of a second charge, which is then found by looking.
            "lost": dice.random() < (0.5 if double else 0.1),
            "delay_ms": dice.choice((0, 0, 0, 400)),
            "double_charge": double,
            "refunds": dice.choices(
                ("settle", "settle_later", "fail", "fail_later"), (75, 15, 5, 5)
            )[0],
        }
        for _ in range(TRIES_MAX):
            try:
                await self.parts.gateway.behave(ref_of(url), **behaviour)
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(AGAIN_S)
            else:
                return
        raise AssertionError("the gateway does not come back")

    async def choose(self, promise: Promise, url: str, outcome: str) -> None:
        """Choose on the gateway's page, again where it died meanwhile."""
        for _ in range(TRIES_MAX):
            status = await self.parts.choose(url, outcome)
            if status:
                promise.paid = promise.paid or (outcome == "pay" and status == 303)
                return
            await asyncio.sleep(AGAIN_S)
        raise AssertionError("the gateway does not come back")

    async def see_confirmed(self, promise: Promise) -> None:
        """Look for a while whether it is confirmed."""
        for _ in range(LOOKS_MAX):
            shown = await self.ask("GET", f"/v1/orders/{promise.order}")
            promise.seen.add(shown.body["status"])
            if shown.body["status"] != "payment_pending":
                return
            await asyncio.sleep(AGAIN_S)

    async def cancel(self, promise: Promise) -> None:
        """Give it back, or up."""
        promise.asked_back = True
        answer = await self.ask("POST", f"/v1/orders/{promise.order}/cancel")
        if answer.status < 300:
            promise.seen.add(answer.body["status"])

    async def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Ask until there is an answer that says what became of it."""
        self._keys += 1
        headers = {"Idempotency-Key": f"{self.who.id}-{self._keys}"}
        for _ in range(TRIES_MAX):
            try:
                answer = await self.api.request(
                    method, path, body, who=self.who, headers=headers
                )
            except (aiohttp.ClientError, OSError):
                self.asked_again += 1
            else:
                if answer.status < 500:
                    self.asked[f"{path.rpartition('/')[2]} {answer.status}"] += 1
                    return answer
                assert answer.status == 503, answer.raw
                self.asked_again += 1
            await asyncio.sleep(AGAIN_S)
        raise AssertionError(f"{method} {path} has no answer")

    async def broken(self) -> list[str]:
        """Return what does not stand of what was promised."""
        wrong = []
        for one in self.promises:
            shown = await self.ask("GET", f"/v1/orders/{one.order}")
            if shown.status != 200:
                wrong.append(f"{one.order} is gone: {shown.status}")
                continue
            wrong += _broken(one, shown.body)
        return wrong


def _broken(one: Promise, order: Json) -> list[str]:
    """Return what one order breaks of its promises."""
    told = f"{one.order} ({one.plan}, saw {sorted(one.seen)}) is {order['status']}"
    if (order["total"], _units(order)) != (one.total, one.units):
        return [f"{told}, of other lines or another total"]
    status = order["status"]
    if "confirmed" in one.seen and not one.asked_back and status != "confirmed":
        return [told]
    if one.seen & set(ENDED) and status not in ENDED:
        return [told]
    if one.paid and not one.asked_back and status not in ("confirmed", "refunded"):
        return [f"{told}, and was paid"]
    return []


def _units(order: Any) -> list[str]:
    return sorted(line["label"] for line in order["lines"])
