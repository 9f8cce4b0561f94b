"""Orders while their server dies, and at times its gateway; at the end all is right.

Each kill comes at a step that is drawn: as a message between the two is on its way, at
a row that is being written, or at a moment. Buyers go on through it. Then a storm of
webhooks, rest, and the judgement.
"""

import asyncio
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.contract.client import Api
from tests.faults.orders.buyers import Buyer
from tests.faults.orders.judge import come_to_rest, violations
from tests.faults.orders.parts import Parts, ref_of, sale_of

BUYERS = 24
SPRUNG_S_MAX = 4.0
LOOK_S = 0.01
GATEWAY_DIES = 0.2
REST_LOOKS_MAX = 4_000
"""Of a tenth of a second and what a look takes: an hour of misery ends, too."""

STORM_AT_ONCE = 12
STORM = {
    "webhook_copies": 10,
    "reversed": True,
    "forged": True,
    "stale": True,
    "webhook_delay_ms": 200,
}
"""Of one payment come 36 messages: each of three facts 10 times, forged and stale."""

STEPS: list[tuple[str, Any]] = [
    ("at a moment", None),
    *(
        (f"{when} the gateway hears {end}", ("asked", end, when))
        for end in ("/v1/sessions", "/expire", "/v1/refunds")
        for when in ("before", "after")
    ),
    ("before a webhook is here", ("told", "/webhook", "before")),
    ("after a webhook is taken", ("told", "/webhook", "after")),
    *(
        (f"{place}, {'undone' if undone else 'untold'}", (place, undone))
        for place in ("journal", "webhook", "ticket")
        for undone in (True, False)
    ),
]


@dataclass
class Report:
    """What was done, and what was wrong."""

    steps: Counter[str] = field(default_factory=Counter)
    unsprung: int = 0
    gateway_kills: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    plans: Counter[str] = field(default_factory=Counter)
    asked_again: int = 0
    webhooks_kept: int = 0
    sessions: int = 0
    refunds: Counter[str] = field(default_factory=Counter)
    rest_s: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Tell of it."""
        return [
            f"{sum(self.steps.values())} kill -9 of the server: {dict(self.steps)};"
            f" {self.unsprung} came by time where nothing came by",
            f"{self.gateway_kills} kill -9 of the gateway",
            f"{sum(self.orders.values())} orders: {dict(self.orders)}",
            f"of plans: {dict(self.plans)}",
            f"{self.asked_again} requests sent again without an answer",
            f"{sum(self.statuses.values())} webhooks delivered, answered"
            f" {dict(self.statuses)} (0: nobody there);"
            f" {self.webhooks_kept} different ones stored, each applied once",
            f"{self.sessions} sessions at the gateway, refunds {dict(self.refunds)}",
            f"at rest {self.rest_s:.0f} s after the last kill",
            f"{len(self.wrong)} violations",
            *self.wrong[:40],
        ]


async def run(parts: Parts, kills: int, storm: int, seed: int) -> Report:
    """Do all of it."""
    report, dice = Report(), random.Random(seed)
    async with Api(parts.server) as api:
        event = await sale_of(api, "hall", hold_ttl_s=60)
        labels = [seat["label"] for seat in (await api.map(event))["seats"]]
        buyers = [
            Buyer(parts, api, who, event, random.Random(f"{seed} {number}"))
            for number, who in enumerate(await api.guests(BUYERS))
        ]
        stop = asyncio.Event()
        shopping = [asyncio.create_task(one.shop(labels, stop)) for one in buyers]
        for _ in range(kills):
            await _kill(parts, event, dice, report)
        stop.set()
        await asyncio.gather(*shopping)
        ended = time.monotonic()
        await _storm(parts, api, storm)
        await come_to_rest(parts, REST_LOOKS_MAX)
        # What was paid late, and told by no webhook, is found ten minutes later.
        await parts.rows(_LATER)
        await come_to_rest(parts, REST_LOOKS_MAX)
        await _no_holds(api, event)
        report.rest_s = time.monotonic() - ended
        events = [r["event_id"] for r in await parts.rows(_EVENTS)]
        report.wrong = await violations(parts, api, events)
        for one in buyers:
            report.wrong += await one.broken()
        await _count(parts, buyers, report)
    return report


_LATER = """
UPDATE orders SET pay_until = now() - interval '600 s', driven_until = now()
WHERE order_id IN (SELECT order_id FROM payment WHERE state = 'expired')
"""
_EVENTS = "SELECT DISTINCT event_id FROM order_part"


async def _kill(parts: Parts, event: str, dice: random.Random, report: Report) -> None:
    """Kill the server at a step that is drawn, and start it again."""
    name, step = dice.choice(STEPS)
    if step is None:
        await asyncio.sleep(dice.uniform(0.1, 1.0))
    elif not await _sprung(parts, event, step):
        report.unsprung += 1
    await parts.kill()
    report.steps[name] += 1
    if dice.random() < GATEWAY_DIES:
        report.gateway_kills += 1
        await asyncio.to_thread(parts.gateway.end, signal.SIGKILL)
        await asyncio.to_thread(parts.gateway.start)
    await parts.start_server()


async def _sprung(parts: Parts, event: str, step: Any) -> bool:
    """Wait until somebody is at a step; False where nobody comes for a while."""
    spring = None
    if len(step) == 3:
        between = parts.asked if step[0] == "asked" else parts.told
        spring = between.spring("POST", step[1], "", step[2])
    else:
        await parts.halts.put(event, step[0], undone=step[1])
    for _ in range(round(SPRUNG_S_MAX / LOOK_S)):
        if spring is None and await parts.halts.is_reached():
            return True
        if spring is not None and spring.sprung.is_set():
            return True
        await asyncio.sleep(LOOK_S)
    return False


async def _storm(parts: Parts, api: Api, count: int) -> None:
    """Pay so many orders, of which the gateway tells as badly as it can."""
    if not count:
        return
    prices = {"GA": {"amount": 2_000, "currency": "EUR"}}
    settings = {"payment": "required", "pay_s": 60, "max_per_user": 10_000}
    event = await api.sale(None, capacity=count, prices=prices, **settings)
    who = await api.guest()
    slots = asyncio.Semaphore(STORM_AT_ONCE)

    async def one() -> None:
        async with slots:
            held = await api.ok(event, who, "hold", areas={"GA": 1})
            body = {
                "event": event,
                "hold": held["hold"],
                "buyer": {"email": "storm@example.org"},
            }
            made = await api.good("POST", "/v1/orders", body, who=who)
            url = made["payment"]["url"]
            await parts.gateway.behave(ref_of(url), **STORM)
            assert await parts.choose(url, "pay") == 303

    await asyncio.gather(*(one() for _ in range(count)))


async def _no_holds(api: Api, event: str) -> None:
    """Wait until what was held and never ordered is free again."""
    for _ in range(REST_LOOKS_MAX):
        if "h" not in (await api.availability(event))["seats"]:
            return
        await asyncio.sleep(0.1)


async def _count(parts: Parts, buyers: list[Buyer], report: Report) -> None:
    """Count what there was."""
    report.statuses = parts.told.statuses
    rows = await parts.rows("SELECT step, count(*) FROM orders GROUP BY 1")
    report.orders = Counter({row["step"]: row["count"] for row in rows})
    report.plans = Counter(p.plan for one in buyers for p in one.promises)
    report.asked_again = sum(one.asked_again for one in buyers)
    (kept,) = await parts.rows(
        "SELECT count(*) FROM provider_event WHERE applied_at IS NOT NULL"
    )
    report.webhooks_kept = kept["count"]
    sessions, refunds = await asyncio.to_thread(parts.books)
    report.sessions = len(sessions)
    report.refunds = Counter(one.state for one in refunds)
