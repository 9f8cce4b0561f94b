"""What buyers paid, by when their orders were confirmed."""

from datetime import UTC, datetime, timedelta

import pytest

from inventory.settings import Sum
from persistence.analytics.analytics import (
    EVERYTHING,
    Analytics,
    of_organisation,
    one_event,
)
from persistence.analytics.paid import Paid
from tests.persistence.journals import Store
from tests.persistence.ordering import Place, put_order

pytestmark = pytest.mark.postgres

DAY = datetime(2030, 5, 4, tzinfo=UTC)
NOON, LATER = DAY + timedelta(hours=12), DAY + timedelta(hours=23, minutes=30)
_PAY = """
UPDATE orders SET accepted_payment = order_id, total = $2, currency = $3,
    confirmed_at = $4
WHERE order_id = $1
"""


_CHARGE = """
INSERT INTO payment (payment_id, order_id, provider, state, amount, currency,
    created_at)
VALUES ($1, $2, 'test', 'open', 1, 'EUR', now()) ON CONFLICT DO NOTHING
"""
_REFUND = """
INSERT INTO refund (refund_id, payment_id, order_id, amount, currency, reason, state,
    lines, was_settled, created_at)
VALUES ($1, $2, $3, $4, 'EUR', $7, $5, '{}', $5 = 'settled', $6)
"""


@pytest.fixture
async def analytics(store: Store) -> Analytics:
    """One event with three paid orders, one that waits, and one at the door."""
    await store.make_event("evt")
    for name, amount, currency, at in (
        ("one", 4_650, "EUR", NOON + timedelta(seconds=40)),
        ("two", 350, "EUR", NOON + timedelta(seconds=50)),
        ("yen", 10_000, "JPY", LATER),
        ("waiting", 77, "EUR", None),
    ):
        await put_order(store, None, Place("A-1"), order=name)
        await store.query(_PAY, name, amount, currency, at)
    await put_order(store, None, Place("A-1"), order="door")
    await store.query("UPDATE orders SET confirmed_at = now() WHERE order_id = 'door'")
    return Analytics(store.pool)


@pytest.mark.parametrize("scope", [one_event("evt"), EVERYTHING])
async def test_all_that_was_paid_is_summed_up_by_currency(analytics, scope):
    totals = await analytics.totals(scope)
    assert totals.orders.paid == [Sum(5_000, "EUR"), Sum(10_000, "JPY")]


@pytest.mark.parametrize("scope", [one_event("other"), of_organisation("org")])
async def test_what_was_paid_for_other_events_is_not(analytics, scope):
    assert (await analytics.totals(scope)).orders == Paid()


async def test_a_trend_has_points_where_nothing_but_paying_happened(analytics):
    scope = one_event("evt")
    begin, end = NOON, NOON + timedelta(hours=12)
    minutes = await analytics.trend(scope, "minute", begin, end)
    assert [(one.at, one.orders.paid, one.bookings) for one in minutes] == [
        (NOON, [Sum(5_000, "EUR")], 0),
        (LATER, [Sum(10_000, "JPY")], 0),
    ]
    both = [Sum(5_000, "EUR"), Sum(10_000, "JPY")]
    days = await analytics.trend(scope, "day", DAY, DAY + timedelta(days=1))
    assert [(one.at, one.orders.paid) for one in days] == [(DAY, both)]


async def test_a_minute_counts_where_it_begins_in_the_time(analytics):
    begin = NOON + timedelta(seconds=45)
    scope, end = one_event("evt"), NOON + timedelta(hours=1)
    assert await analytics.trend(scope, "minute", begin, end) == []


async def test_days_of_a_zone_have_what_was_paid_in_them(analytics):
    # In Berlin the next day began an hour and a half before.
    begins = [DAY - timedelta(hours=2) + timedelta(days=n) for n in range(3)]
    days = await analytics.days(one_event("evt"), begins)
    assert [(one.at, one.orders.paid) for one in days] == [
        (begins[0], [Sum(5_000, "EUR")]),
        (begins[1], [Sum(10_000, "JPY")]),
    ]


async def test_what_was_counted_and_what_was_paid_are_one_point(analytics, store):
    await store.query(
        "INSERT INTO event_minute (event_id, minute, currency, holds, bookings,"
        " cancellations, expired, released, seats_booked, seats_cancelled, revenue,"
        " refunded) VALUES ('evt', $1, 'EUR', 0, 2, 0, 0, 0, 0, 0, 4500, 0),"
        " ('evt', $2, 'EUR', 0, 1, 0, 0, 0, 0, 0, 0, 0)",
        NOON,
        NOON + timedelta(minutes=1),
    )
    scope, end = one_event("evt"), NOON + timedelta(hours=1)
    points = await analytics.trend(scope, "minute", NOON, end)
    assert [(one.bookings, one.orders.paid) for one in points] == [
        (2, [Sum(5_000, "EUR")]),
        (1, []),
    ]


async def test_what_went_back_and_what_codes_took_off_are_counted(analytics, store):
    for name, order, amount, state in (
        ("settled", "one", 1_000, "settled"),
        ("by hand", "two", 50, "by_hand"),
        ("on its way", "one", 7, "sent"),
        ("failed", "one", 9, "failed"),
        # Of a charge beside the accepted one, which nobody counted as paid.
        ("beside", "one", 500, "settled"),
        # Paid too much, which nobody counted either.
        ("excess", "one", 60, "settled"),
    ):
        reason = "excess" if name == "excess" else "given_back"
        payment = "another" if name == "beside" else order
        await store.query(_CHARGE, payment, order)
        await store.query(_REFUND, name, payment, order, amount, state, LATER, reason)
    await store.query("UPDATE orders SET redeems = true WHERE order_id <> 'one'")
    for order, discount in (("one", 8), ("two", 30), ("yen", 1), ("waiting", 1)):
        await store.query(
            "UPDATE order_line SET discount = $2, gross = unit - $2"
            " WHERE order_id = $1",
            order,
            discount,
        )
    totals = (await analytics.totals(one_event("evt"))).orders
    assert totals.returned == [Sum(1_050, "EUR")]
    assert totals.net == [Sum(3_950, "EUR"), Sum(10_000, "JPY")]
    assert totals.discounts == [Sum(30, "EUR"), Sum(1, "JPY")]
    begin, end = NOON, NOON + timedelta(hours=12)
    first, last = await analytics.trend(one_event("evt"), "minute", begin, end)
    assert (first.at, first.orders.returned, first.orders.net) == (
        NOON,
        [],
        [Sum(5_000, "EUR")],
    )
    assert (last.at, last.orders.net) == (
        LATER,
        [Sum(-1_050, "EUR"), Sum(10_000, "JPY")],
    )
