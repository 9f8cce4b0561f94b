"""What stands for SQL beside Postgres: the same code that ships, the same answers.

Random scripts with the numbers of a seed: codes, mails, webhooks.
"""

from random import Random
from typing import Any

import pytest

import persistence.mail as mail
import persistence.people.hooks.deliveries as deliveries
from persistence.events.catalog import Catalog
from persistence.mail import Outbox
from persistence.people.hooks.deliveries import Deliveries, Outcome
from persistence.people.hooks.hooks import Hooks, NewHook
from persistence.people.hooks.raising import HOOK_TYPES, Raised, raise_hooks
from persistence.people.notices.notices import Notice, Notices, raise_notices
from persistence.postgres.pool import Pool
from persistence.shop.money.terms import Terms
from persistence.shop.orders.orders import NewOrder, Orders
from persistence.shop.orders.records import Rules
from persistence.shop.orders.rows import OrderBuyer
from persistence.shop.promotions.promotions import PromotionRules, Promotions
from persistence.shop.promotions.redemptions import CodeRefused, Redeems, reserve_codes
from tests.persistence.persons import organised, registered
from tests.simulation.both import (
    EVENT,
    LONG_S,
    SEEDS,
    STEPS,
    Both,
    in_turn,
    without_times,
)
from tests.simulation.orders.house import HOUSE
from tests.simulation.outboxes.hooks import hook
from tests.simulation.outboxes.notices import state_of
from tests.simulation.promotions.tables import move_redemptions, promotion

pytestmark = pytest.mark.postgres


@pytest.fixture
async def both(database_url):
    pool = await Pool.open(database_url)
    yield Both(pool)
    await pool.close()


# Promotions.


def rules_of(number: int) -> dict[str, Any]:
    return {
        "ppm": 100_000,
        "uses_max": (None, 1, 3)[number],
        "per_user": (1, None, 2)[number],
    }


async def order_with(pool: Any, name: str, user: str, redeems: Redeems) -> bool | str:
    """Make an order that redeems codes; return whether it may, or why not."""
    new = NewOrder(
        order=name,
        event="evt",
        hold=name,
        user=user,
        organisation=None,
        reference=name.upper(),
        buyer=OrderBuyer(),
        rules=Rules(pays=True, pay_s=900, until_s=1_020),
        terms=Terms("EUR"),
        provider="gateway",
        seen_total=None,
        request_hash=b"",
        redeems=redeems,
    )
    try:
        if isinstance(pool, Pool):
            await Orders(pool).begin(new)
        else:
            async with pool.transaction() as connection:
                await reserve_codes(connection, name, "evt", user, redeems)
    except CodeRefused as error:
        return str(error)
    return True


async def becomes(pool: Any, order: str, status: str) -> None:
    if isinstance(pool, Pool):
        sql = "UPDATE orders SET status = $2 WHERE order_id = $1"
        await pool.fetch(sql, order, status)
    else:
        async with pool.transaction() as connection:
            move_redemptions(connection, order, status)


async def redeemed(pool: Any) -> list[tuple[str, str, str]]:
    if isinstance(pool, Pool):
        rows = await pool.fetch("SELECT order_id, promotion_id, state FROM redemption")
        found = [tuple(row.values()) for row in rows]
    else:
        table = pool.store.redemption.items()
        found = [(order, of, row["state"]) for (order, of), row in table]
    return sorted(found)


async def offered(both: Both) -> list[bytes]:
    """Make three promotions with codes, and return these."""
    store = Promotions(both.real)
    codes: list[bytes] = []
    await Catalog(both.real).create_event(
        "evt", EVENT, capacity=9, created_by="usr", request_hash=b""
    )
    for number in range(3):
        name, rules = f"prm_{number}", rules_of(number)
        made = PromotionRules(name=name, **rules)
        await store.create("evt", name, made, "usr", b"")
        both.fake.store.promotion[name] = promotion(name, "evt", **rules)
        for uses in (None, 1, 2):
            code = len(codes).to_bytes(32)
            codes.append(code)
            await store.add_codes("evt", name, uses, [code])
            row = {"promotion_id": name, "uses_max": uses, "taken": 0}
            both.fake.store.promotion_code["evt", code] = row
    return codes


@pytest.mark.parametrize("seed", SEEDS)
async def test_codes_are_had_used_and_given_back_alike(both, seed):
    dice, codes = Random(seed), await offered(both)
    orders: list[str] = []

    async def looked(pool: Any) -> list[tuple[Any, ...]]:
        found = await Promotions(pool).of_codes("evt", codes)
        return sorted(
            (one.hash, one.open, one.used_up, one.promotion.taken) for one in found
        )

    said = set()
    for number in range(STEPS):
        step = dice.random()
        if step < 0.6 or not orders:
            name, user = f"ord_{number}", f"usr_{dice.randrange(4)}"
            chosen = dice.sample([*codes, b"?" * 32], 2)
            if chosen[0][-1] // 3 == chosen[1][-1] // 3:
                # A service refuses two of one promotion before they come here.
                chosen.pop()
            who = dice.choice([None, b"a" * 32, b"b" * 32])
            redeems = Redeems(tuple(chosen), who)
            made = await both.same(order_with, name, user, redeems)
            said.add(made)
            orders += [name] if made is True else []
        elif step < 0.97:
            order = dice.choice(orders)
            status = dice.choice(["confirmed", "cancelled", "refunded", "completed"])
            await both.same(becomes, order, status)
        else:
            ended = "prm_2"
            await both.real.fetch(
                "UPDATE promotion SET active = false WHERE promotion_id = $1", ended
            )
            row = both.fake.store.promotion[ended]
            both.fake.store.promotion[ended] = {**row, "active": False}
        await both.same(looked)
        await both.same(redeemed)
    assert said >= {True, "used up"}


# Notices and mails.


async def tell(pool: Any, notices: list[Notice]) -> int:
    async with pool.transaction() as connection:
        return await raise_notices(connection, notices)


async def take(pool: Any) -> list[dict[str, Any]]:
    return in_turn(await Outbox(pool).take(), "mail_id")


async def do(pool: Any, what: str, name: str) -> dict[str, Any] | None:
    """Note what became of a mail, or let a dead one go again."""
    outbox = Outbox(pool)
    if what == "sent":
        await outbox.sent(name)
    elif what == "later":
        await outbox.later(name, 1, "not now")
    elif what == "failed":
        await outbox.failed(name, "never")
    else:
        row = await outbox.replay(name)
        return None if row is None else without_times(row)
    return None


async def untold(pool: Any) -> list[dict[str, Any]]:
    return in_turn(await Notices(pool).untold(), "notice_id")


@pytest.mark.parametrize("seed", SEEDS)
async def test_mails_are_raised_taken_and_end_alike(both, seed, monkeypatch):
    for name in ("TAKEN_S", "BACKOFF_S_MIN", "BACKOFF_S_MAX"):
        monkeypatch.setattr(mail, name, LONG_S)
    dice = Random(seed)
    names: list[str] = []
    replayed = set()
    for _ in range(STEPS):
        step = dice.random()
        if step < 0.3 or not names:
            some = [
                Notice(
                    kind="refund_sent",
                    subject=f"rfd_{dice.randrange(8)}",
                    user_id=dice.choice(["usr_1", "usr_2"]),
                    email=dice.choice(["a@example.org", None]),
                    data={"reference": "R", "amount": 1, "currency": "EUR"},
                    mail={"secret": "s"},
                    files=("calendar:evt",),
                )
                for _ in range(dice.randint(1, 3))
            ]
            await both.same(tell, some)
            names = sorted(both.fake.store.mail)
        elif step < 0.5:
            await both.same(take)
        elif step < 0.6:
            await both.pass_time()
        elif step < 0.65:
            await both.same(untold)
        else:
            what = dice.choice(["sent", "later", "failed", "replay", "replay"])
            said = await both.same(do, what, dice.choice(names))
            replayed.add(None if said is None else said["state"])
    store = both.fake.store
    mine = {name: state_of(store, one) for name, one in store.mail.items()}
    rows = await Outbox(both.real).list_rows(None, limit=200, cursor=None)
    assert {one.row: one.state for one in rows[0]} == mine
    assert {"due", "sent"} <= replayed


# Webhooks.


async def raise_some(pool: Any, raised: list[Raised]) -> int:
    async with pool.transaction() as connection:
        return await raise_hooks(connection, HOUSE, raised)


class Senders:
    """What is taken of hooks: deliveries are named for what they tell."""

    def __init__(self, both: Both) -> None:
        self.both = both
        self.taken: dict[bool, list[Any]] = {True: [], False: []}

    async def names(self, pool: Any) -> dict[str, str]:
        """Return what deliveries are called, by hook and what they tell."""
        if isinstance(pool, Pool):
            rows = await pool.fetch(
                "SELECT delivery_id, hook_id, type, subject FROM hook_delivery"
            )
        else:
            rows = list(pool.store.hook_delivery.values())
        return {
            f"{row['hook_id']} {row['type']} {row['subject']}": row["delivery_id"]
            for row in rows
        }

    async def take(self, pool: Any) -> list[tuple[Any, ...]]:
        told = {name: key for key, name in (await self.names(pool)).items()}
        taken = await Deliveries(pool).take()
        self.taken[isinstance(pool, Pool)] = taken
        return sorted(
            (one.hook_id, one.failures, [told[x.delivery_id] for x in one.messages])
            for one in taken
        )

    async def note(self, pool: Any, name: str, outcome: Outcome) -> None:
        delivery = (await self.names(pool))[name]
        await Deliveries(pool).note(name.partition(" ")[0], delivery, outcome)

    async def give_back(self, pool: Any, number: int) -> None:
        for one in self.taken[isinstance(pool, Pool)][number : number + 1]:
            await Deliveries(pool).give_back(one)

    async def replay(
        self, pool: Any, name: str, request: str
    ) -> tuple[str, int] | None:
        delivery = (await self.names(pool))[name]
        found = await Deliveries(pool).replay(HOUSE, delivery, request)
        return None if found is None else (found.state, found.attempts)

    async def state(self, pool: Any) -> list[tuple[Any, ...]]:
        """Return how all hooks and deliveries are, without times."""
        if isinstance(pool, Pool):
            hooks = await pool.fetch("SELECT hook_id, off, failures FROM hook")
            rows = await pool.fetch("SELECT * FROM hook_delivery")
        else:
            hooks = list(pool.store.hook.values())
            rows = list(pool.store.hook_delivery.values())
        kept = ("hook_id", "type", "subject", "state", "attempts", "status", "error")
        return sorted(
            [
                *((one["hook_id"], one["off"] or "", one["failures"]) for one in hooks),
                *(tuple(str(one[key]) for key in kept) for one in rows),
            ],
            key=str,
        )


OUTCOMES = (
    Outcome("sent", 200, None, 5),
    Outcome("sent", 204, None, 5),
    Outcome("due", 500, "it answered 500", 5, LONG_S),
    Outcome("due", None, "no answer", 5, LONG_S, LONG_S),
    Outcome("dead", 400, "it answered 400", 5),
    Outcome("dead", 410, "it answered 410", 5, gone=True),
)


@pytest.mark.parametrize("seed", SEEDS)
async def test_hooks_are_told_taken_and_end_alike(both, seed, monkeypatch):
    monkeypatch.setattr(deliveries, "LEASE_S", LONG_S)
    monkeypatch.setattr(deliveries, "MESSAGES_MAX", 3)
    await registered(both.real, "olga")
    await organised(both.real, HOUSE, olga="owner")
    for name, types in (("all", ()), ("some", ("order.confirmed",)), ("two", ())):
        new = NewHook(
            name, HOUSE, "https://a", "", [*types], "standard", b"s", "usr", b""
        )
        await Hooks(both.real, 9).create(new)
        both.fake.store.hook[name] = hook(name, types)
    dice, senders = Random(seed), Senders(both)
    kinds = HOOK_TYPES[:3]
    for _ in range(STEPS):
        step, names = dice.random(), sorted(await senders.names(both.fake))
        if step < 0.25 or not names:
            raised = [
                Raised(dice.choice(kinds), {"n": 1}, f"s{dice.randrange(9)}")
                for _ in range(dice.randint(1, 3))
            ]
            await both.same(raise_some, raised)
        elif step < 0.45:
            await both.same(senders.take)
        elif step < 0.55:
            await both.pass_time()
        elif step < 0.65:
            await both.same(senders.give_back, dice.randrange(3))
        elif step < 0.75:
            request = f"request {dice.randrange(3)}"
            await both.same(senders.replay, dice.choice(names), request)
        else:
            # Only one in many says that it is gone.
            some = OUTCOMES if dice.random() < 0.2 else OUTCOMES[:-1]
            await both.same(senders.note, dice.choice(names), dice.choice(some))
        await both.same(senders.state)
