"""Orders of a counter when whoever drives them dies: the money is never lost."""

import pytest
from msgspec.structs import replace

from persistence.shop.money.terms import terms_of
from persistence.shop.orders.orders import NewOrder
from persistence.shop.orders.rows import OrderBuyer
from server.base.identity import Identity
from server.shop.counter.service import customer_of
from server.shop.orders import facts
from server.shop.orders.service import rules_of
from tests.server.shop.orders.shop import PLACES

pytestmark = pytest.mark.postgres


async def begun(shop, hold, user="olga"):
    """Store an order that was paid in cash, and die."""
    local = await shop.registry.find("evt")
    new = NewOrder(
        order="ord_counter",
        event="evt",
        hold=hold,
        user=user,
        organisation=None,
        reference="COUNTER",
        buyer=OrderBuyer(),
        rules=replace(rules_of(local.board.settings), pays=True),
        terms=await terms_of(shop.pool, "evt"),
        provider="cash",
        seen_total=4_000,
        request_hash=b"",
    )
    return (await shop.store.begin(new)).state.order


async def test_somebody_else_goes_on_with_what_was_paid(shop):
    order = await begun(shop, await shop.hold(2))
    await shop.new_driver().drive(order)
    state = await shop.state(order)
    assert (state.step, state.accepted) == ("booked", "pay_counter_1")
    assert state.payments[0].captured == 4_000


async def test_money_that_was_taken_counts_though_the_pay_time_is_over(shop):
    order = await begun(shop, await shop.hold(2))
    applied = await shop.desk.hear(order)
    heard = await shop.driver._do(applied.stored, applied.wishes[0])
    # Priced; whoever drove it dies, and nobody looks before its time is over.
    await shop.desk.hear(order, *heard)
    await shop.end_pay_time(order)
    await shop.settle()
    state = await shop.state(order)
    assert (state.step, state.payments[0].use) == ("booked", "accepted")


async def test_money_for_what_others_have_waits_to_be_handed_back(shop):
    order = await begun(shop, await shop.hold(2))
    applied = await shop.desk.hear(order)
    heard = await shop.driver._do(applied.stored, applied.wishes[0])
    await shop.desk.hear(order, *heard, facts.Unpledged())
    priced = await shop.stored(order)
    await shop.driver._do(priced, facts.Unpledge(True))
    await shop.hold(PLACES, "somebody")
    await shop.settle()
    state = await shop.state(order)
    assert (state.step, state.status) == ("lost", "refunded")
    (refund,) = state.refunds
    assert (refund.state, refund.amount) == ("sent", 4_000)
    asked = facts.RefundByHand(refund.refund, "At the till", "usr")
    noted = (await shop.desk.hear(order, asked)).stored.state
    assert (noted.refunds[0].state, noted.due) == ("settled", 0)
    await shop.check()


def test_each_customer_is_somebody_else_at_each_counter():
    ann = Identity(user="ann", role="organizer", expires_at_s=1)
    bob = replace(ann, user="bob")
    asked = [(ann, "e1", "sale"), (ann, "e1", "other"), (ann, "e2", "sale")]
    asked.append((bob, "e1", "sale"))
    names = {customer_of(*one).user for one in asked}
    assert len(names) == len(asked)
    assert customer_of(*asked[0]) == customer_of(*asked[0])
