"""An event that is cancelled: all of its orders go back, in slices, once."""

import asyncio

import pytest

import persistence.shop.orders.cancelled as cancelled
import server.shop.orders.giving.event_refunds as module
from persistence.journal.audit import audit_event
from persistence.shop.orders.cancelled import CancelledOrders
from server.base.refusals.refusals import Refusal
from server.shop.orders.facts import EventCancelled, GiveBack
from server.shop.orders.giving.event_refunds import (
    AT_ONCE_MAX,
    REST_S_MAX,
    RESTS,
    RESTS_BESIDE,
    EventRefunds,
    rest_after,
)
from server.shop.orders.giving.giver import Giver
from server.shop.payments.gateway.wire import Behaviour
from tests.server.shop.orders.giving.test_giver import booked, check, scan_in, tickets

pytestmark = pytest.mark.postgres


@pytest.fixture
def store(shop):
    return CancelledOrders(shop.pool)


@pytest.fixture
def refunds(shop, store):
    return EventRefunds(store, Giver(shop.pool, shop.desk), shop.driver)


async def cancel(shop) -> None:
    await shop.pool.fetch("UPDATE event SET status = 'cancelled'")


async def states(shop) -> list[tuple[str, str, str]]:
    rows = await shop.pool.fetch("SELECT status, step, refund FROM orders")
    return [(row["status"], row["step"], row["refund"]) for row in rows]


GONE = ("refunded", "event_cancelled", "full")


async def test_all_orders_go_back_in_slices_and_none_twice(
    shop, refunds, store, database_url, monkeypatch
):
    """A bulk refund that made the first one only is what others had."""
    monkeypatch.setattr(cancelled, "SLICE", 3)
    for _ in range(7):
        await booked(shop, 2)
    assert await refunds.give_back() == 0
    await cancel(shop)
    before = await store.progress("evt")
    assert (before.cancelled, before.orders, before.waiting) == (True, 7, 7)
    # Two processes at it at the same time, as when a lease was too short.
    other = EventRefunds(store, Giver(shop.pool, shop.desk), shop.new_driver())
    await asyncio.gather(refunds.give_back(), other.give_back())
    await shop.deliver()
    assert await states(shop) == [GONE] * 7
    rows = await shop.pool.fetch("SELECT amount, state FROM refund")
    assert [(row["amount"], row["state"]) for row in rows] == [(4_000, "settled")] * 7
    assert await refunds.give_back() == 0
    after = await store.progress("evt")
    assert (after.waiting, after.pending, after.failed) == (0, 0, 0)
    # The sale is over: no seat is for sale again, and no ticket lets anybody in.
    assert (await shop.counts())["booked"] == 14
    assert await tickets(shop) == 0
    await check(shop)
    receipt = await audit_event(database_url, "evt")
    # Which the test itself has altered beside the journal.
    assert receipt.differences == [
        "The event's name, status or beginning is not that of the journal."
    ]


async def test_what_fails_is_named_and_holds_up_nobody(shop, refunds, store):
    bad, good = await booked(shop, 1), await booked(shop, 1)
    shop.book.treat(await shop.ref(bad), Behaviour(refunds="fail"))
    await cancel(shop)
    assert await refunds.give_back() == 2
    await shop.deliver()
    progress = await store.progress("evt")
    assert (progress.waiting, progress.pending, progress.failed) == (0, 0, 1)
    assert [(one.order, one.due) for one in progress.failures] == [(bad, 2_000)]
    assert (await shop.state(good)).refunds[0].state == "settled"
    await check(shop)


async def test_who_is_in_has_the_money_back_all_the_same(shop, refunds):
    order = await booked(shop)
    await scan_in(shop, 1)
    await cancel(shop)
    await refunds.give_back()
    assert (await shop.state(order)).step == "event_cancelled"
    assert await tickets(shop) == 0


async def test_a_part_that_leaves_is_waited_for_and_the_rest_follows(shop, refunds):
    order = await booked(shop)
    giver = Giver(shop.pool, shop.desk)
    applied = await giver.give(order, "evt", GiveBack((1,)))
    await cancel(shop)
    assert await refunds.give_back() == 0
    with pytest.raises(Refusal, match="order_closed"):
        await giver.give(order, "evt", EventCancelled())
    await shop.driver.drive(order, applied)
    assert await refunds.give_back() == 1
    await shop.deliver()
    state = await shop.state(order)
    assert [one.amount for one in state.refunds] == [2_000, 4_000]
    assert (state.step, state.due) == ("event_cancelled", 0)
    await check(shop)


async def test_whoever_dies_in_the_middle_another_goes_on(shop, refunds):
    orders = [await booked(shop, 1) for _ in range(2)]
    await cancel(shop)
    # The first was written, and nobody asked for its money yet.
    giver = Giver(shop.pool, shop.desk)
    await giver.give(orders[0], "evt", EventCancelled())
    assert await refunds.give_back() == 1
    await shop.settle()
    await shop.deliver()
    found = [(await shop.state(one)).refunds for one in orders]
    assert [[one.state for one in some] for some in found] == [["settled"]] * 2
    await check(shop)


async def test_there_is_a_rest_after_each_order_and_as_many_go_back_at_once(
    shop, store
):
    """Who sells beside it is not to wait; a rest of nothing would be none."""
    orders = [await booked(shop, 1) for _ in range(6)]
    await cancel(shop)
    rests: list[float] = []
    resting = 0

    async def sleep(rest_s: float) -> None:
        nonlocal resting
        resting += 1
        assert resting <= AT_ONCE_MAX
        rests.append(rest_s)
        await asyncio.sleep(0)
        resting -= 1

    refunds = EventRefunds(store, Giver(shop.pool, shop.desk), shop.driver, sleep)
    assert await refunds.give_back() == len(orders)
    assert len(rests) == len(orders)
    assert min(rests) > 0


@pytest.mark.parametrize(("sold", "times"), [(0, RESTS), (1, RESTS_BESIDE)])
async def test_where_something_is_sold_beside_it_rests_longer(
    shop, store, monkeypatch, sold: int, times: float
):
    """A commit counts for the orders that were under way when it was made."""
    for _ in range(3):
        await booked(shop, 1)
    await cancel(shop)
    asked: list[tuple[float, bool]] = []
    rests: list[float] = []
    commits = 0

    def count() -> int:
        nonlocal commits
        commits += sold
        return commits

    def rest(took_s: float, *, beside: bool) -> float:
        asked.append((took_s, beside))
        return rest_after(took_s, beside=beside)

    async def sleep(rest_s: float) -> None:
        rests.append(rest_s)

    monkeypatch.setattr(module, "rest_after", rest)
    monkeypatch.setattr(module, "REST_S_MAX", 1e9)
    giver = Giver(shop.pool, shop.desk)
    refunds = EventRefunds(store, giver, shop.driver, sleep, count)
    assert await refunds.give_back() == 3
    assert rests == [times * took_s for took_s, _ in asked]
    assert [beside for _, beside in asked] == [bool(sold)] * 3


def test_what_a_provider_takes_its_time_for_goes_on_beside_a_sale():
    assert rest_after(0.01, beside=True) == pytest.approx(RESTS_BESIDE * 0.01)
    assert rest_after(0.3, beside=True) == REST_S_MAX
    assert rest_after(3.0, beside=True) == rest_after(3.0, beside=False) == 1.5
