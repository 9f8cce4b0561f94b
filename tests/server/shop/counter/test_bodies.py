"""What does not go together in a sale at a counter."""

import pytest

from inventory.faults import Faults
from inventory.settings import Money
from server.shop.counter.bodies import CounterHold, CounterOrder
from server.shop.orders.bodies import BuyerFields

SALE = "customer-0001"
TOTAL = Money(100, "EUR")
FIELDS = ("seats", "total", "reason", "buyer.email")


def wrong(body):
    faults = Faults()
    body.check(faults)
    return {name for name in FIELDS if faults.is_faulty(name)}


@pytest.mark.parametrize(
    ("wanted", "bad"),
    [
        ({}, {"seats"}),
        ({"seats": ["A-1"], "quantity": 1}, {"seats"}),
        ({"areas": {"GA": 1}, "quantity": 1}, {"seats"}),
        ({"seats": ["A-1"], "areas": {"GA": 1}}, set()),
        ({"quantity": 2}, set()),
    ],
)
def test_places_are_named_or_counted(wanted, bad):
    assert wrong(CounterHold(sale=SALE, **wanted)) == bad


@pytest.mark.parametrize(
    ("paid", "more", "bad"),
    [
        ("cash", {}, {"total"}),
        ("card", {"total": TOTAL}, set()),
        ("cash", {"total": TOTAL, "reason": "Press"}, {"reason"}),
        ("free", {"reason": "Press"}, set()),
        ("free", {"total": TOTAL}, {"total"}),
        ("free", {"buyer": BuyerFields(email="nobody")}, {"buyer.email"}),
    ],
)
def test_who_paid_says_how_much_and_what_is_free_says_why(paid, more, bad):
    assert wrong(CounterOrder(sale=SALE, hold="h", paid=paid, **more)) == bad
