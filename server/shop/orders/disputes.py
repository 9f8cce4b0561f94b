"""Disputes of what was paid, as far as the rules of orders go. Pure.

A bank asks or doubts, and decides long after. The tickets stay until a person decides,
and so does the money until the bank has: what a lost dispute took is a refund that
nobody here asked for. Whichever fact came first, both come to the same.
"""

from typing import Final

from msgspec.structs import replace

from persistence.shop.orders.records import (
    Dispute,
    DisputeState,
    OrderState,
    Payment,
    Refund,
)
from server.shop.orders.attempts import Told, find
from server.shop.orders.facts import Posting
from server.shop.payments.provider import Disputed

_HEIGHT: Final[dict[DisputeState, int]] = {"open": 0, "won": 1, "lost": 2}


def heard_of_dispute(order: OrderState, fact: Disputed) -> Told:
    """Take in how a dispute is; what is of no payment of the order is nothing."""
    payment = find(order, None, fact.ref)
    if payment is None or not _is_news(payment, fact):
        return Told(order)
    dispute = Dispute(
        dispute=fact.dispute_ref,
        state=fact.state,
        amount=fact.amount,
        currency=fact.currency,
        reason=fact.reason,
    )
    others = [one for one in payment.disputes if one.dispute != fact.dispute_ref]
    known = tuple(sorted([*others, dispute], key=lambda one: one.dispute))
    doubted = replace(payment, disputes=known)
    payments = [doubted if one == payment else one for one in order.payments]
    order = replace(order, payments=tuple(payments))
    if fact.state == "won":
        return Told(order)
    if fact.state == "open":
        return Told(order, (), f"{payment.payment} is disputed: {fact.reason}")
    if fact.currency != (payment.captured_currency or payment.currency):
        # It cannot be set against what was paid: a person has to look what it cost.
        alarm = f"a dispute of {payment.payment} was lost in {fact.currency}"
        return Told(order, (), alarm)
    return _lost(order, payment, fact)


def _lost(order: OrderState, payment: Payment, fact: Disputed) -> Told:
    """Note that the bank took the money: it is gone, and no refund of ours."""
    taken = Refund(
        refund=f"rfd_{fact.dispute_ref}",
        payment=payment.payment,
        amount=fact.amount,
        currency=fact.currency,
        reason="dispute",
        at_ms=fact.at_ms,
        state="settled",
        ref=fact.dispute_ref,
        was_settled=True,
    )
    posting = Posting(
        kind="dispute",
        about=taken.refund,
        amount=taken.amount,
        currency=taken.currency,
    )
    order = replace(order, refunds=(*order.refunds, taken))
    return Told(order, (posting,), f"a dispute of {payment.payment} was lost")


def _is_news(payment: Payment, fact: Disputed) -> bool:
    """Return whether a dispute is further by this than it was known to be."""
    for one in payment.disputes:
        if one.dispute == fact.dispute_ref:
            return _HEIGHT[fact.state] > _HEIGHT[one.state]
    return True
