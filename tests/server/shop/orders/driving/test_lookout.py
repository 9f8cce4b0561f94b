"""What the provider told of orders at rest, and no webhook ever brought."""

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from persistence.shop.orders import looks
from server.shop.orders import facts
from server.shop.orders.driving import lookout
from server.shop.orders.driving.lookout import Lookout
from server.shop.payments.gateway.wire import Behaviour, RefundBody
from server.shop.payments.provider import Fact, ProviderUnavailable
from tests.server.shop.orders.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.postgres


async def is_booked(shop: Shop) -> str:
    order = await shop.priced()
    await shop.pay(order)
    await shop.deliver()
    await shop.driver.drain(10)
    assert (await shop.state(order)).step == "booked"
    return order


async def look_days_later(shop: Shop, days: int = 1) -> None:
    """Let so many days go by for all attempts, and look at them."""
    await shop.pool.fetch(
        "UPDATE payment SET look_at = look_at - $1 * interval '24 h',"
        " created_at = created_at - $1 * interval '24 h'",
        days,
    )
    await Lookout(shop.pool, shop.driver).look()


async def test_a_refund_that_somebody_made_elsewhere_is_found(shop):
    order = await is_booked(shop)
    ref = await shop.ref(order)
    shop.book.refund(
        RefundBody(
            refund="dashboard", session=ref, amount=500, currency="EUR", reason="kind"
        )
    )
    assert shop.messages()  # which nobody ever gets
    await Lookout(shop.pool, shop.driver).look()
    assert (await shop.state(order)).returned == "none"
    await look_days_later(shop)
    state = await shop.state(order)
    assert (state.step, state.returned) == ("booked", "part")
    assert shop.desk.alarms == 1
    await look_days_later(shop, 2)
    assert (await shop.state(order)).refunds == state.refunds
    assert shop.desk.alarms == 1


async def test_a_refund_that_failed_after_all_is_found(shop):
    order = await is_booked(shop)
    await shop.desk.hear(order, facts.GiveBack())
    await shop.driver.drive(order)
    assert [one.state for one in (await shop.state(order)).refunds] == ["settled"]
    giving = shop.book._refunds_of(await shop.ref(order))[0]
    sitting = shop.book.session(await shop.ref(order))
    shop.book._keep_refund(replace(giving, state="failed"), sitting)
    shop.messages()
    await look_days_later(shop)
    state = await shop.state(order)
    assert (state.refunds[0].state, state.due) == ("failed", 2_000)


async def test_money_that_came_late_gets_the_seats_or_goes_back(shop):
    order = await shop.priced()
    ref = await shop.ref(order)
    shop.book.treat(ref, Behaviour(late_ms=0))
    await shop.pay(order, "late")
    await shop.end_pay_time(order)
    await shop.driver.drive(order)
    assert (await shop.state(order)).step == "expired"
    assert shop.messages()
    await look_days_later(shop)
    assert (await shop.state(order)).step == "booked"
    await shop.check()


async def test_a_second_charge_that_nobody_told_of_goes_back(shop):
    order = await shop.priced()
    ref = await shop.ref(order)
    shop.book.treat(ref, Behaviour(double_charge=True))
    await shop.pay(order)
    # Of both charges the shop hears of the one that it asked for.
    told = [one for one in shop.messages() if f'"id":"{ref}"'.encode() in one.body]
    await shop.deliver(*told)
    await shop.driver.drain(10)
    before = await shop.state(order)
    assert (before.step, len(before.payments)) == ("booked", 1)
    await look_days_later(shop)
    state = await shop.state(order)
    assert [one.use for one in state.payments] == ["accepted", "surplus"]
    (refund,) = state.refunds
    assert (refund.payment, refund.amount, refund.state) == (
        state.payments[1].payment,
        2_000,
        "settled",
    )
    assert (state.step, state.returned, state.due) == ("booked", "none", 0)
    assert state.booking == before.booking
    assert len(shop.messages()) == 1  # that it went back
    await look_days_later(shop, 2)
    again = await shop.state(order)
    assert (again.refunds, len(again.payments)) == (state.refunds, 2)
    await shop.check()


async def test_a_charge_of_a_former_attempt_that_nobody_told_of_goes_back(shop):
    order = await shop.priced()
    shop.book.treat(await shop.ref(order), Behaviour(late_ms=0))
    await shop.pay(order, "late")
    await shop.driver.end_attempts(await shop.stored(order))
    await shop.desk.hear(order, facts.PayAgain())
    await shop.driver.drive(order)
    assert shop.messages()  # of the first, which was charged when it had ended
    await shop.pay(order)
    await shop.deliver()
    await shop.driver.drain(10)
    state = await shop.state(order)
    assert [one.state for one in state.payments] == ["expired", "captured"]
    await look_days_later(shop)
    state = await shop.state(order)
    assert [one.use for one in state.payments] == ["surplus", "accepted"]
    assert [(one.reason, one.state) for one in state.refunds] == [
        ("surplus", "settled")
    ]
    assert (state.step, state.due) == ("booked", 0)
    await shop.check()


async def test_attempts_are_looked_at_in_slices_so_many_in_a_turn(shop, monkeypatch):
    for _ in range(5):
        await is_booked(shop)
    monkeypatch.setattr(looks, "LOOKS_MAX", 2)
    monkeypatch.setattr(lookout, "LOOKS_MAX", 2)
    monkeypatch.setattr(lookout, "SLICES_MAX", 2)
    due = "SELECT count(*)::int AS due FROM payment WHERE look_at < now()"
    await look_days_later(shop)
    assert (await shop.pool.fetch_one(due))["due"] == 1
    await Lookout(shop.pool, shop.driver).look()
    assert (await shop.pool.fetch_one(due))["due"] == 0


async def test_what_is_not_told_of_holds_up_no_other(shop, monkeypatch):
    first, second = await is_booked(shop), await is_booked(shop)
    asked: list[str] = []
    look: Callable[[str], Awaitable[list[Fact]]] = shop.provider.look

    async def stutter(ref: str) -> list[Fact]:
        asked.append(ref)
        if len(asked) == 1:
            raise ProviderUnavailable("not this one")
        return await look(ref)

    monkeypatch.setattr(shop.provider, "look", stutter)
    await look_days_later(shop)
    assert set(asked) == {await shop.ref(first), await shop.ref(second)}
    # The one that was not told of is asked about again soon.
    rows = await shop.pool.fetch(
        "SELECT look_at < now() + interval '2 h' AS soon FROM payment"
    )
    assert sorted(row["soon"] for row in rows) == [False, True]


async def test_a_provider_that_is_away_is_left_alone(shop, monkeypatch):
    monkeypatch.setattr(lookout, "FAILURES_MAX", 2)
    for _ in range(3):
        await is_booked(shop)
    asked = []

    async def away(ref: str) -> list[Fact]:
        asked.append(ref)
        raise ProviderUnavailable("away")

    monkeypatch.setattr(shop.provider, "look", away)
    with pytest.raises(ProviderUnavailable):
        await look_days_later(shop)
    assert len(asked) == 2
