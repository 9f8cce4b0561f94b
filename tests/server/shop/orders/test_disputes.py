"""Disputes: a bank doubts a payment, and the shop hears of it in whatever order."""

import itertools

import pytest
from msgspec.structs import replace

from persistence.shop.money.sums import takings_of
from server.shop.orders.rules import step
from server.shop.payments.gateway.wire import DisputeBody
from server.shop.payments.provider import Captured, Disputed
from tests.server.shop.orders.giving.test_giver import booked
from tests.server.shop.orders.test_rules import BOOKED, NOW, PAYING, after


def doubted(state="open", amount=100, name="du_1", ref="ref_1", currency="EUR"):
    return Disputed(
        ref=ref,
        at_ms=NOW,
        dispute_ref=name,
        state=state,
        amount=amount,
        currency=currency,
        reason="fraudulent",
    )


REF = BOOKED.payments[0].ref or ""


def heard(order, *facts):
    return after(order, *(replace(one, ref=REF) for one in facts))


def test_an_open_dispute_alarms_and_changes_nothing_else():
    outcome = step(BOOKED, doubted(ref=REF), NOW)
    assert outcome.alarm is not None
    assert outcome.postings == ()
    (payment,) = outcome.order.payments
    assert payment.disputed == "open"
    assert replace(outcome.order, payments=BOOKED.payments) == BOOKED


def test_a_dispute_that_is_won_leaves_the_money():
    order = heard(BOOKED, doubted(), doubted("won"))
    assert order.payments[0].disputed == "won"
    assert (order.refunds, order.returned, order.due) == ((), "none", 0)


def test_a_dispute_that_is_lost_posts_the_money_back_once_and_the_tickets_stay():
    outcome = step(BOOKED, doubted("lost", ref=REF), NOW)
    (posting,) = outcome.postings
    assert (posting.kind, posting.amount) == ("dispute", 100)
    (refund,) = outcome.order.refunds
    assert (refund.reason, refund.state, refund.amount) == ("dispute", "settled", 100)
    assert outcome.order.returned == "full"
    assert outcome.order.status == "confirmed"
    assert [one.state for one in outcome.order.lines] == ["live", "live"]
    again = step(outcome.order, doubted("lost", ref=REF), NOW)
    assert (again.order, again.postings) == (outcome.order, ())


def test_a_dispute_of_a_part_is_a_part():
    order = heard(BOOKED, doubted("lost", 40))
    assert (order.returned, order.due) == ("part", 0)


def test_a_lost_dispute_in_another_currency_is_left_to_a_person():
    outcome = step(BOOKED, doubted("lost", ref=REF, currency="USD"), NOW)
    assert outcome.alarm is not None
    assert (outcome.order.refunds, outcome.postings) == ((), ())


def test_facts_of_disputes_come_to_the_same_in_any_order():
    """The money that was captured may be told of after the bank took it back."""
    paid = Captured(ref=REF, at_ms=NOW, amount=100, currency="EUR")
    facts = [
        paid,
        doubted(ref=REF),
        doubted("lost", 40, ref=REF),
        doubted("open", 60, "du_2", ref=REF),
        doubted("won", 60, "du_2", ref=REF),
    ]
    ends = {
        repr(_told(after(PAYING, *order, *order)))
        for order in itertools.permutations(facts)
    }
    assert len(ends) == 1


def test_what_a_bank_took_is_posted_once_it_is_known_what_was_paid_in():
    """A payment in another currency than was asked for is disputed in that."""
    lost = doubted("lost", ref=REF, currency="JPY")
    early = step(PAYING, lost, NOW)
    assert (early.order.refunds, early.postings) == ((), ())
    paid = Captured(ref=REF, at_ms=NOW, amount=100, currency="JPY")
    late = step(early.order, paid, NOW)
    assert [one.kind for one in late.postings] == ["capture", "dispute"]
    first = after(PAYING, paid, lost)
    assert {repr(one) for one in late.order.refunds} == {
        repr(one) for one in first.refunds
    }
    assert (late.order.due, late.order.payments) == (first.due, first.payments)


def _told(order):
    (payment,) = order.payments
    refunds = [(one.refund, one.amount, one.state) for one in order.refunds]
    return payment.disputes, payment.disputed, refunds, order.returned, order.due


def test_a_dispute_of_another_payment_is_nothing():
    outcome = step(BOOKED, doubted("lost", ref="ref_of_nobody"), NOW)
    assert (outcome.order, outcome.postings, outcome.alarm) == (BOOKED, (), None)


@pytest.mark.postgres
async def test_a_dispute_is_kept_and_told_to_who_runs_the_event_and_not_the_buyer(shop):
    order = await booked(shop)
    ref = await shop.ref(order)
    for state in ("open", "lost", "open", "lost"):
        await shop.desk.hear(order, doubted(state, 6_000, ref=ref))
    stored = await shop.state(order)
    assert stored.payments[0].disputed == "lost"
    assert [one.reason for one in stored.refunds] == ["dispute"]
    (takings,) = await takings_of(shop.pool, "evt")
    assert (takings.returned, takings.outside, takings.due) == (6_000, 6_000, 0)
    assert takings.differing == 0
    await shop.check()
    rows = await shop.pool.fetch(
        "SELECT user_id, kind, data ->> 'state' AS state FROM notice ORDER BY at"
    )
    assert [(row["user_id"], row["kind"], row["state"]) for row in rows] == [
        ("usr", "payment_disputed", "open"),
        ("usr", "payment_disputed", "lost"),
    ]


@pytest.mark.postgres
async def test_what_is_disputed_at_the_gateway_comes_to_the_order(shop):
    """By webhooks, the last first; and what is told of neither is found by looking."""
    order = await booked(shop)
    ref = await shop.ref(order)
    doubt = shop.book.dispute(DisputeBody(session=ref, amount=500))
    shop.book.decide(doubt.id, "won")
    await shop.deliver(*reversed(shop.messages()))
    (payment,) = (await shop.state(order)).payments
    assert (payment.disputed, payment.disputes[0].amount) == ("won", 500)
    lost = shop.book.dispute(DisputeBody(session=ref))
    shop.book.decide(lost.id, "lost")
    shop.messages()
    await shop.driver.look_at(order, payment.payment)
    state = await shop.state(order)
    assert state.payments[0].disputed == "lost"
    assert [(one.reason, one.amount) for one in state.refunds] == [
        ("dispute", state.total)
    ]
    assert state.status == "confirmed"
    await shop.check()
