"""Codes that somebody tries: guesses are few, and what came too late has none."""

import pytest

from persistence.shop.money.terms import terms_of
from persistence.shop.orders.orders import NewOrder
from persistence.shop.orders.rows import OrderBuyer
from persistence.shop.promotions.promotions import PromotionRules, Promotions
from server.base.refusals.refusals import Refusal
from server.events.catalogue.service import EventService
from server.shop.orders.service import discounted, rules_of
from server.shop.payments.gateway.wire import Behaviour
from server.shop.promotions.codes import hash_of
from server.shop.promotions.service import PromotionService
from server.transport.ratelimit.meter import Meter, RateLimited
from server.transport.ratelimit.request_limits import GUESSES_BURST, RequestLimits

pytestmark = pytest.mark.postgres


def meter(limits: RequestLimits, client: str, user: str) -> Meter:
    return Meter(limits, client, user, lambda _: None)


@pytest.fixture
async def service(shop):
    store = Promotions(shop.pool)
    rules = PromotionRules(name="Ten", ppm=100_000, uses_max=1)
    await store.create("evt", "prm", rules, "usr", b"")
    await store.add_codes(
        "evt", "prm", None, [hash_of(await store.seed(), "evt", "TEN")]
    )
    service = EventService.__new__(EventService)  # nobody who manages asks it here
    return PromotionService(store, service)


async def test_who_guessed_ten_times_learns_nothing_more_not_even_of_a_right_one(
    service,
):
    limits = RequestLimits()
    olga = meter(limits, "192.0.2.1", "olga")
    # Right ones count nothing, however often they are asked about.
    for _ in range(2 * GUESSES_BURST):
        await service.check("evt", "ten", olga)
    for number in range(GUESSES_BURST):
        with pytest.raises(Refusal) as wrong:
            await service.check("evt", f"TEN{number}", olga)
        assert wrong.value.code == "code_invalid"
    for code in ("TENTEN", "TEN"):
        with pytest.raises(RateLimited):
            await service.check("evt", code, olga)
    # Nor as another guest of the same address, nor from another address.
    for other in (("192.0.2.1", "guest"), ("192.0.2.2", "olga")):
        with pytest.raises(RateLimited):
            await service.redeem("evt", ["TEN"], "", meter(limits, *other))
    found = await service.check("evt", "TEN", meter(limits, "192.0.2.2", "bert"))
    assert found.promotion_id == "prm"


async def test_guesses_at_orders_count_as_those_at_the_check_do(service):
    olga = meter(RequestLimits(), "192.0.2.1", "olga")
    for number in range(GUESSES_BURST):
        with pytest.raises(Refusal):
            await service.redeem("evt", ["TEN", f"NO{number}"], "", olga)
    with pytest.raises(RateLimited):
        await service.check("evt", "TEN", olga)


async def test_one_code_twice_is_one_and_two_of_a_promotion_are_refused(service, shop):
    discounts, redeems = await service.redeem("evt", ["TEN", "t-e-n"], "", None)
    assert (len(discounts), len(redeems.hashes), redeems.who) == (1, 1, None)
    store = Promotions(shop.pool)
    await store.add_codes(
        "evt", "prm", None, [hash_of(await store.seed(), "evt", "ZEHN")]
    )
    with pytest.raises(Refusal) as twice:
        await service.redeem("evt", ["TEN", "ZEHN"], "", None)
    assert twice.value.code == "code_invalid"
    ways = ["Olga@Example.org", " olga@example.org "]
    told = [(await service.redeem("evt", ["TEN"], one, None))[1].who for one in ways]
    assert told[0] is not None
    assert told[0] == told[1]


async def ordered(shop, service, name: str, user: str) -> str:
    """Make an order with the code, which is driven until it can be paid."""
    hold = await shop.hold(1, user)
    discounts, redeems = await service.redeem("evt", ["TEN"], "", None)
    settings = (await shop.registry.find("evt")).board.settings
    new = NewOrder(
        order=name,
        event="evt",
        hold=hold,
        user=user,
        organisation=None,
        reference=name.upper(),
        buyer=OrderBuyer(),
        rules=discounted(rules_of(settings), discounts),
        terms=await terms_of(shop.pool, "evt"),
        provider="gateway",
        seen_total=None,
        request_hash=b"",
        redeems=redeems,
    )
    await shop.store.begin(new)
    applied = await shop.driver.drive(name)
    assert applied.stored.state.total == 1_800
    return name


async def test_money_that_came_too_late_goes_back_and_the_code_is_anothers(
    shop, service
):
    first = await ordered(shop, service, "ord_first", "olga")
    with pytest.raises(Refusal) as used_up:
        await service.check("evt", "TEN", None)
    assert used_up.value.code == "code_used_up"
    # She pays in the very last moment, and the provider is slow to say so.
    shop.book.treat(await shop.ref(first), Behaviour(late_ms=0))
    await shop.pay(first, "late")
    await shop.end_pay_time(first)
    await shop.settle()
    assert (await shop.state(first)).step == "expired"
    second = await ordered(shop, service, "ord_second", "bert")
    await shop.pay(second)
    await shop.deliver()
    await shop.settle()
    # Her seat is free, but the price that she had is another buyer's.
    late = await shop.state(first)
    assert (late.step, late.booking) == ("lost", None)
    assert [one.amount for one in late.refunds] == [1_800]
    assert (await shop.state(second)).step == "booked"
    (row,) = await shop.pool.fetch("SELECT taken, uses_max FROM promotion")
    assert (row["taken"], row["uses_max"]) == (1, 1)
    await shop.check()
