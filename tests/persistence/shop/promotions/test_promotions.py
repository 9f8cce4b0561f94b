"""Promotions as rows: limits under many at once, and what becomes of redemptions.

Orders are made and moved by the statements that the shop uses; nobody pays.
"""

import asyncio
import random
from typing import Any

import pytest

from inventory.settings import Money, Settings
from persistence.errors import Stale, TooMany
from persistence.events.catalog import Catalog
from persistence.postgres.pool import Pool
from persistence.shop.money.terms import Terms
from persistence.shop.orders.orders import NewOrder, Orders
from persistence.shop.orders.records import Rules
from persistence.shop.orders.rows import OrderBuyer
from persistence.shop.promotions import promotions as store
from persistence.shop.promotions.promotions import (
    CodeTaken,
    PromotionRules,
    Promotions,
    Redeemed,
    TooFew,
)
from persistence.shop.promotions.redemptions import CodeRefused, Redeems

pytestmark = pytest.mark.postgres

EVENT = Settings(
    name="Concert",
    starts_at_ms=4_000_000_000_000,
    prices={"GA": Money(2_000, "EUR")},
)


STATES = {"reserved", "used", "back"}


def code(number: int) -> bytes:
    return number.to_bytes(32)


class Till:
    """An event, its promotions, and orders that redeem their codes."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.promotions = Promotions(pool)
        self.orders = Orders(pool)
        self.made = 0

    async def promotion(self, name: str = "prm", **rules: Any) -> str:
        made = PromotionRules(name="Ten", ppm=100_000, **rules)
        await self.promotions.create("evt", name, made, "usr", b"")
        return name

    async def order(
        self, *codes: int, user: str | None = None, who: bytes | None = None
    ) -> str:
        self.made += 1
        name = f"ord_{self.made}"
        new = NewOrder(
            order=name,
            event="evt",
            hold=f"hold_{self.made}",
            user=user or f"usr_{self.made}",
            organisation=None,
            reference=f"REF{self.made}",
            buyer=OrderBuyer(),
            rules=Rules(pays=True, pay_s=900, until_s=1_020),
            terms=Terms("EUR"),
            provider="gateway",
            seen_total=None,
            request_hash=b"",
            redeems=Redeems(tuple(code(one) for one in codes), who),
        )
        await self.orders.begin(new)
        return name

    async def tried(self, *codes: int, **more: Any) -> bool:
        """Return whether an order may have these codes; it is made if so."""
        try:
            await self.order(*codes, **more)
        except CodeRefused:
            return False
        return True

    async def becomes(self, order: str, status: str) -> None:
        await self.pool.fetch(
            "UPDATE orders SET status = $2 WHERE order_id = $1", order, status
        )

    async def counts(self, name: str = "prm") -> tuple[int, int]:
        """Return what is taken of a promotion, and used; and check what it counts."""
        found = await self.promotions.find("evt", name)
        assert found is not None
        rows = await self.pool.fetch(
            "SELECT p.taken, p.uses_max, count(r.order_id) FILTER (WHERE"
            " r.state <> 'back') AS live FROM promotion p LEFT JOIN redemption r"
            " USING (promotion_id) GROUP BY p.promotion_id"
            " UNION ALL SELECT c.taken, c.uses_max, count(r.order_id) FILTER (WHERE"
            " r.state <> 'back') FROM promotion_code c LEFT JOIN redemption r"
            " USING (event_id, hash) GROUP BY c.event_id, c.hash"
        )
        assert all(row["taken"] == row["live"] for row in rows)
        assert all(row["taken"] <= (row["uses_max"] or row["taken"]) for row in rows)
        return found.taken, found.used


@pytest.fixture
async def till(database_url):
    pool = await Pool.open(database_url)
    await Catalog(pool).create_event(
        "evt", EVENT, capacity=9, created_by="usr", request_hash=b""
    )
    yield Till(pool)
    await pool.close()


async def test_of_twice_as_many_at_once_as_may_be_just_so_many_get_it(till):
    await till.promotion(uses_max=5)
    # The limit is over all codes of the promotion, not each one's.
    await till.promotions.add_codes("evt", "prm", None, [code(1), code(2)])
    had = await asyncio.gather(*(till.tried(1 + number % 2) for number in range(10)))
    assert sum(had) == 5
    assert await till.counts() == (5, 0)


async def test_of_one_code_that_is_good_once_one_order_has_it(till):
    await till.promotion()
    await till.promotions.add_codes("evt", "prm", 1, [code(1), code(2)])
    had = await asyncio.gather(*(till.tried(1) for _ in range(6)))
    assert sum(had) == 1
    assert await till.tried(2)


async def test_one_buyer_has_it_as_often_as_one_may_however_many_at_once(till):
    await till.promotion(per_user=2)
    await till.promotions.add_codes("evt", "prm", None, [code(1)])
    mine = (till.tried(1, user="olga") for _ in range(5))
    assert sum(await asyncio.gather(*mine)) == 2
    # Guests are as many as they like; whose letters go to one address is one.
    ours = (till.tried(1, who=b"address") for _ in range(5))
    assert sum(await asyncio.gather(*ours)) == 2
    assert await till.tried(1, user="bert")
    assert await till.counts() == (5, 0)


async def test_what_an_order_redeemed_follows_what_becomes_of_it(till):
    await till.promotion(uses_max=1)
    await till.promotions.add_codes("evt", "prm", 1, [code(1)])
    left = await till.order(1)
    await till.becomes(left, "payment_pending")
    assert not await till.tried(1)
    await till.becomes(left, "cancelled")
    assert await till.counts() == (0, 0)
    kept = await till.order(1)
    for status in ("payment_pending", "confirmed", "completed"):
        await till.becomes(kept, status)
    assert await till.counts() == (1, 1)
    await till.becomes(kept, "refunded")
    # Given back once, however often that is written.
    await till.becomes(kept, "cancelled")
    await till.becomes(left, "refunded")
    assert await till.counts() == (0, 0)
    assert await till.tried(1)


async def test_who_left_may_have_it_again(till):
    await till.promotion(per_user=1)
    await till.promotions.add_codes("evt", "prm", None, [code(1)])
    left = await till.order(1, user="olga")
    assert not await till.tried(1, user="olga")
    await till.becomes(left, "cancelled")
    assert await till.tried(1, user="olga")


async def test_an_order_that_may_not_have_one_of_its_codes_has_none_and_is_not(till):
    await till.promotion("prm")
    await till.promotion("zzz", uses_max=1)
    await till.promotions.add_codes("evt", "prm", None, [code(1)])
    await till.promotions.add_codes("evt", "zzz", None, [code(2)])
    await till.order(1, 2)
    with pytest.raises(CodeRefused) as refused:
        await till.order(2, 1)
    assert refused.value.used_up
    assert await till.counts() == (1, 0)
    assert await till.orders.find(f"ord_{till.made}") is None


async def test_what_is_off_or_over_meanwhile_is_no_longer_had(till):
    await till.promotion()
    await till.promotions.add_codes("evt", "prm", None, [code(1)])
    await till.promotions.edit("evt", "prm", {"active": False}, None)
    with pytest.raises(CodeRefused) as refused:
        await till.order(1)
    assert not refused.value.used_up
    assert await till.counts() == (0, 0)


async def test_edits_are_of_what_was_seen_and_no_limit_is_below_what_is_had(till):
    await till.promotion(uses_max=3)
    await till.promotions.add_codes("evt", "prm", None, [code(1)])
    await till.order(1)
    await till.order(1)
    with pytest.raises(TooFew) as few:
        await till.promotions.edit("evt", "prm", {"uses_max": 1}, None)
    assert few.value.taken == 2
    edited = await till.promotions.edit("evt", "prm", {"uses_max": 2}, (0,))
    assert (edited.rules.uses_max, edited.rules.name, edited.revision) == (2, "Ten", 1)
    with pytest.raises(Stale):
        await till.promotions.edit("evt", "prm", {"uses_max": None}, (0,))
    with pytest.raises(Redeemed):
        await till.promotions.delete("evt", "prm", None)
    await till.promotion("other")
    with pytest.raises(Stale):
        await till.promotions.delete("evt", "other", (7,))
    assert await till.promotions.delete("evt", "other", (0,))
    assert not await till.promotions.delete("evt", "other", None)


async def test_codes_are_added_all_or_none_and_the_same_ones_once(till, monkeypatch):
    await till.promotion()
    await till.promotion("other")
    add = till.promotions.add_codes
    await add("evt", "prm", 1, [code(1), code(2)])
    await add("evt", "prm", 1, [code(1), code(2)])
    for name, uses, codes in (
        ("other", 1, [1]),
        ("prm", 2, [1, 2]),
        ("prm", 1, [2, 3]),
    ):
        with pytest.raises(CodeTaken):
            await add("evt", name, uses, [code(one) for one in codes])
    monkeypatch.setattr(store, "CODES_MAX", 3)
    with pytest.raises(TooMany):
        await add("evt", "prm", 1, [code(3), code(4)])
    await add("evt", "prm", 1, [code(3)])
    found = await till.promotions.find("evt", "prm")
    assert found is not None
    assert found.codes == 3


async def test_a_promotion_of_a_name_is_made_once_and_the_seed_is_one(till):
    await till.promotion()
    rules = PromotionRules(name="Else", ppm=5)
    again = await till.promotions.create("evt", "prm", rules, "usr", b"")
    assert again.rules.name == "Ten"
    seeds = await asyncio.gather(*(Promotions(till.pool).seed() for _ in range(4)))
    assert len(set(seeds)) == 1


async def test_whatever_orders_do_at_once_what_is_taken_is_what_is_had(till):
    dice = random.Random(8)
    await till.promotion(uses_max=6, per_user=3)
    await till.promotion("zzz", uses_max=4)
    await till.promotions.add_codes("evt", "prm", 3, [code(1), code(2), code(3)])
    await till.promotions.add_codes("evt", "zzz", None, [code(4)])
    statuses = ["payment_pending", "confirmed", "completed", "cancelled", "refunded"]

    async def buy() -> None:
        codes = dice.sample([dice.randint(1, 3), 4], dice.randint(1, 2))
        await till.tried(*codes, user=dice.choice(["olga", "bert", "cleo"]))

    async def move() -> None:
        order = f"ord_{dice.randint(1, max(1, till.made))}"
        await till.becomes(order, dice.choice(statuses))

    for _ in range(12):
        await asyncio.gather(*(dice.choice([buy, move])() for _ in range(8)))
        taken, used = await till.counts()
        assert 0 <= used <= taken <= 6
        assert (await till.counts("zzz"))[0] <= 4
    rows = await till.pool.fetch(
        "SELECT o.status, r.state FROM redemption r JOIN orders o USING (order_id)"
    )
    assert {row["state"] for row in rows} == STATES
    # What went back stays so, whatever is written of its order later.
    ends = {"confirmed": {"used", "back"}, "completed": {"used", "back"}}
    ends |= {"cancelled": {"back"}, "refunded": {"back"}}
    assert all(row["state"] in ends.get(row["status"], STATES) for row in rows)
