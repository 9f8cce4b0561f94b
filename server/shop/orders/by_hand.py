"""What stands for a provider where money is taken at a counter, by hand. Pure.

An order names a hand for its provider only once somebody has the money, so its attempt
is captured as soon as it is there: whoever drives the order after a death, or when its
time is over, comes to the same.
"""

from persistence.shop.orders.records import Payment
from server.shop.orders.facts import Expire, Heard, Look, Open
from server.shop.payments.provider import Captured


def answer(payment: Payment, wish: Open | Expire | Look, now_ms: int) -> list[Heard]:
    """Return what a hand has to say of an attempt: that it has the money, once."""
    if isinstance(wish, Look):
        return []
    return [
        Captured(
            ref=ref_of(payment),
            at_ms=now_ms,
            attempt=payment.payment,
            amount=payment.amount,
            currency=payment.currency,
        )
    ]


def ref_of(payment: Payment) -> str:
    """Return how a hand calls a payment, which nobody else needs to know."""
    return f"{payment.provider}:{payment.payment}"
