"""What stands for a provider where money is taken by hand."""

import pytest

from persistence.shop.orders.records import Payment
from server.shop.orders.by_hand import answer
from server.shop.orders.facts import Expire, Look, Open
from server.shop.payments.provider import Captured

PAYMENT = Payment(
    payment="pay_1", provider="cash", amount=1_500, currency="EUR", at_ms=1
)


@pytest.mark.parametrize("wish", [Open("pay_1"), Expire("pay_1")])
def test_the_money_is_there_also_when_the_time_is_over(wish):
    (fact,) = answer(PAYMENT, wish, 7)
    assert isinstance(fact, Captured)
    assert (fact.amount, fact.currency, fact.at_ms) == (1_500, "EUR", 7)
    assert (fact.attempt, fact.ref) == ("pay_1", "cash:pay_1")


def test_who_looks_hears_nothing_new():
    assert answer(PAYMENT, Look("pay_1"), 7) == []
