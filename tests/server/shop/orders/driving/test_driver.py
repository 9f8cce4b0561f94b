"""Orders that go on whoever dies between two steps: the crash matrix, row by row."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from inventory.commands import ChangeSale, Pledge, Unpledge
from persistence.shop.orders import orders
from server.base.jobs import Job
from server.live.actors.registry import ask
from server.shop.orders import facts
from server.shop.orders.driving import driver
from server.shop.payments.gateway.wire import Behaviour
from server.shop.payments.provider import ProviderUnavailable
from tests.server.shop.orders.mortals import Mortal
from tests.server.shop.orders.shop import EVENT, PLACES, Shop, open_shop

pytestmark = pytest.mark.postgres


async def nothing(shop: Shop, order: str) -> None:
    pass


async def is_paid(shop: Shop, order: str) -> None:
    """Pay an order, and let the webhook be the last that a process did."""
    await shop.driver.drive(order)
    await shop.pay(order)
    shop.driver.kick = lambda *_: None  # type: ignore[method-assign]
    assert all(await shop.deliver())
    assert (await shop.state(order)).step == "paid"


async def is_over(shop: Shop, order: str) -> None:
    await shop.driver.drive(order)
    await shop.end_pay_time(order)


async def is_late(shop: Shop, order: str) -> None:
    """Let money come after the seats went back."""
    await shop.driver.drive(order)
    ref = await shop.ref(order)
    shop.book.treat(ref, Behaviour(late_ms=0))
    await shop.pay(order, "late")
    await shop.end_pay_time(order)
    await shop.driver.drive(order)
    assert (await shop.state(order)).step == "expired"
    shop.driver.kick = lambda *_: None  # type: ignore[method-assign]
    await shop.deliver()
    assert (await shop.state(order)).step == "late"


async def is_late_for_nothing(shop: Shop, order: str) -> None:
    await is_late(shop, order)
    free = (await shop.counts())["free"]
    await shop.hold(free, "others")


async def is_given_back(shop: Shop, order: str) -> None:
    await is_paid(shop, order)
    await shop.driver.drive(order)
    await shop.desk.hear(order, facts.GiveBack())


class Row(NamedTuple):
    """A row of the crash matrix."""

    before: Callable[[Shop, str], Awaitable[None]]
    step: str
    booked: int
    refunds: list[str]
    points: int
    """At how many points of the drive one can die, at least."""


ROWS = {
    "waits to be paid": Row(nothing, "paying", 0, [], 6),
    "is paid": Row(is_paid, "booked", 1, [], 3),
    "is over": Row(is_over, "expired", 0, [], 6),
    "is late": Row(is_late, "booked", 1, [], 3),
    "is late for nothing": Row(is_late_for_nothing, "lost", 0, ["settled"], 6),
    "is given back": Row(is_given_back, "given_back", 0, ["settled"], 6),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_whoever_dies_at_whatever_step_somebody_goes_on(shop, row):
    for steps in itertools.count():
        before = await shop.counts()
        order = await shop.begin(user=f"user {steps}")
        await row.before(shop, order)
        mortal = Mortal(shop, steps)
        await mortal.drive(order)
        await shop.settle()
        await shop.settle()
        state = await shop.state(order)
        assert state.step == row.step, steps
        assert [one.state for one in state.refunds] == row.refunds
        after = await shop.counts()
        assert after["booked"] - before["booked"] == row.booked
        # Neither two sessions of one attempt nor two refunds of one payment.
        sessions = shop.book.show(await shop.ref(order))
        assert len(sessions.refunds) == len(row.refunds)
        assert len(state.payments) == 1
        await shop.check()
        if row.step == "lost":
            await shop.release("others")
        if not mortal.died:
            break
    assert steps >= row.points


async def test_an_order_without_a_price_survives_each_death_too(database_url, tmp_path):
    free = replace(EVENT, prices={}, payment="none")
    async with open_shop(database_url, tmp_path, free) as shop:
        for steps in itertools.count():
            order = await shop.begin(user=f"user {steps}")
            mortal = Mortal(shop, steps)
            await mortal.drive(order)
            await shop.settle()
            state = await shop.state(order)
            assert (state.status, state.total) == ("confirmed", 0)
            assert (await shop.counts())["booked"] == steps + 1
            if not mortal.died:
                break
        assert steps >= 5


async def test_an_abandoned_payment_for_five_frees_five(shop):
    order = await shop.priced(5)
    assert (await shop.counts())["held"] == 5
    await shop.end_pay_time(order)
    await shop.driver.look()
    assert (await shop.state(order)).status == "cancelled"
    assert await shop.counts() == {
        "free": PLACES,
        "held": 0,
        "booked": 0,
        "blocked": 0,
    }
    assert shop.book.show(await shop.ref(order)).state == "expired"


async def test_one_look_drives_all_whose_time_has_come(shop, monkeypatch):
    monkeypatch.setattr(orders, "TAKEN_MAX", 2)
    monkeypatch.setattr(driver, "TAKEN_MAX", 2)
    begun = [await shop.begin(user=f"user {number}") for number in range(5)]
    await shop.settle()
    steps = {(await shop.state(order)).step for order in begun}
    assert steps == {"paying"}


async def test_nobody_takes_up_what_rests_or_what_another_drives(shop):
    order = await shop.begin()
    assert await shop.store.take_up() == []
    await shop.pool.fetch("UPDATE orders SET driven_until = now() - interval '1 s'")
    assert await shop.store.take_up() == [order]
    assert await shop.store.take_up() == []
    await shop.driver.drive(order)
    await shop.pay(order)
    await shop.deliver()
    await shop.driver.drain(10)
    await shop.pool.fetch(
        "UPDATE orders SET driven_until = now() - interval '1 s'"
        " WHERE driven_until IS NOT NULL"
    )
    assert await shop.store.take_up() == []


async def test_two_that_drive_one_order_at_once_do_everything_once(shop):
    order = await shop.begin()
    other = shop.new_driver()
    await asyncio.gather(*(one.drive(order) for one in (shop.driver, other) * 5))
    state = await shop.state(order)
    assert len(state.payments) == 1
    await shop.pay(order)
    await shop.deliver()
    await asyncio.gather(*(one.drive(order) for one in (shop.driver, other) * 5))
    assert (await shop.state(order)).step == "booked"
    assert (await shop.counts())["booked"] == 1
    await shop.check()


async def test_nobody_books_for_an_order_that_another_has_told_to_be_refused(
    database_url, tmp_path
):
    free = replace(EVENT, prices={}, payment="none")
    async with open_shop(database_url, tmp_path, free) as shop:
        order = await shop.begin()
        hold = (await shop.state(order)).hold
        local = await shop.registry.find("evt")
        pledge = Pledge(id=0, event="evt", hold=hold, order="ord_other", until_s=60)
        unpledge = Unpledge(
            id=0, event="evt", hold=hold, order="ord_other", release=False
        )
        await ask(local, pledge, "olga", False, None, system=True)
        refused = await shop.driver._do(await shop.stored(order), facts.Pledge(60))
        assert refused == [facts.NotPledged("hold_pledged")]
        await ask(local, unpledge, "olga", False, None, system=True)
        # Another one asks the same and is given the hold, but is not heard first.
        other = shop.new_driver()
        before = await shop.stored(order)
        given = await other._do(before, facts.Pledge(60))
        await shop.desk.hear(order, *refused)

        async def answered(*_: object) -> list[facts.Heard]:
            other._do = do  # type: ignore[method-assign]
            return given

        do = other._do
        other._do = answered  # type: ignore[method-assign,assignment]
        applied = await other.drive_new(before)
        assert applied.stored.state.step == "refused"
        assert (await shop.counts())["free"] == PLACES


async def test_what_was_paid_while_no_webhook_came_is_found(shop):
    order = await shop.priced()
    await shop.pay(order)
    await shop.pool.fetch("UPDATE payment SET created_at = now() - interval '61 s'")
    await shop.settle()
    assert (await shop.state(order)).status == "confirmed"
    assert await shop.deliver() == [True]
    assert (await shop.counts())["booked"] == 1


async def test_an_order_closes_without_the_provider_when_its_hold_ends(shop):
    order = await shop.priced(2)
    shop.provider._url = "http://127.0.0.1:9"
    await shop.end_pay_time(order)
    with pytest.raises(ProviderUnavailable):
        await shop.driver.drive(order)
    assert (await shop.state(order)).step == "closing"
    await shop.pool.fetch(
        "UPDATE orders SET pay_until = now() - interval '121 s' WHERE order_id = $1",
        order,
    )
    with pytest.raises(ProviderUnavailable):
        await shop.driver.drive(order)
    state = await shop.state(order)
    assert (state.step, state.payments[0].state) == ("expired", "open")
    assert (await shop.counts())["free"] == PLACES


async def test_a_refund_waits_for_a_provider_that_is_away(shop):
    order = await shop.begin()
    await is_given_back(shop, order)
    url, shop.provider._url = shop.provider._url, "http://127.0.0.1:9"
    with pytest.raises(ProviderUnavailable):
        await shop.driver.drive(order)
    state = await shop.state(order)
    assert (state.step, state.refunds[0].state) == ("given_back", "requested")
    assert (await shop.counts())["free"] == PLACES
    shop.provider._url = url
    await shop.settle()
    assert (await shop.state(order)).refunds[0].state == "settled"


async def test_refunds_that_fail_later_are_due(shop):
    order = await shop.begin()
    await shop.driver.drive(order)
    shop.book.treat(await shop.ref(order), Behaviour(refunds="fail_later", refund_ms=0))
    await is_paid(shop, order)
    await shop.driver.drive(order)
    await shop.desk.hear(order, facts.GiveBack())
    await shop.driver.drive(order)
    await shop.deliver()
    state = await shop.state(order)
    assert (state.refunds[0].state, state.due) == ("failed", 2_000)
    assert shop.desk.alarms == 1


async def test_the_event_is_cancelled_under_a_paid_order(shop):
    order = await shop.begin()
    await is_paid(shop, order)
    local = await shop.registry.find("evt")
    await ask(local, ChangeSale(id=0, event="evt", to="cancel"), "usr", True, None)
    await shop.driver.drive(order)
    state = await shop.state(order)
    assert (state.step, state.status) == ("event_cancelled", "refunded")
    assert [(one.amount, one.state) for one in state.refunds] == [(2_000, "settled")]


async def test_confirmed_orders_are_completed_with_their_event(shop):
    order = await shop.begin()
    await is_paid(shop, order)
    await shop.driver.drive(order)
    await shop.driver.complete()
    assert (await shop.state(order)).status == "confirmed"
    await shop.pool.fetch(
        "UPDATE event SET settings = settings || jsonb_build_object("
        "'sale_state', 'completed', 'completes_at_ms', 4000000000000)"
    )
    await shop.driver.complete()
    assert (await shop.state(order)).status == "completed"


async def test_a_price_raised_between_page_and_order_is_told_and_the_hold_stays(shop):
    hold = await shop.begin(total=1_500)
    applied = await shop.driver.drive(hold)
    state = applied.stored.state
    assert (state.step, state.why, state.total) == ("refused", "price_changed", 2_000)
    assert (await shop.counts())["held"] == 1
    again = await shop.begin_of(state.hold, total=2_000)
    assert again != hold
    assert (await shop.driver.drive(again)).stored.state.step == "paying"


async def test_an_order_ends_when_its_time_does_and_not_at_the_next_look(
    shop, monkeypatch
):
    monkeypatch.setattr(driver, "LOOK_S", 3_600)
    orders = [await shop.priced(user=f"user {number}") for number in range(3)]
    await shop.pool.fetch(
        "UPDATE orders SET pay_until = now() + (right(order_id, 1)::int * 0.1 || 's')"
        "::interval, driven_until = now() + (right(order_id, 1)::int * 0.1 || 's')"
        "::interval"
    )
    running = asyncio.create_task(shop.driver.run(Job()))
    async with asyncio.timeout(60):
        ended = ["expired"] * 3
        while [x.state.step for x in shop.told[-3:]] != ended:  # noqa: ASYNC110 - rows
            await asyncio.sleep(0.01)
    running.cancel()
    assert (await shop.counts())["free"] == PLACES
    assert [(await shop.state(one)).step for one in orders] == ended


async def test_an_order_that_cannot_be_driven_holds_up_no_other(shop):
    broken, order = await shop.begin(), await shop.begin(user="bert")
    do = shop.driver._do

    async def breaking(stored, wish):
        if stored.state.order == broken:
            raise ValueError("it is broken")
        return await do(stored, wish)

    shop.driver._do = breaking
    await shop.settle()
    assert (await shop.state(broken)).step == "pledging"
    assert (await shop.state(order)).step == "paying"
    assert shop.desk.alarms == 1
    shop.driver._do = do
    await shop.settle()
    assert (await shop.state(broken)).step == "paying"
