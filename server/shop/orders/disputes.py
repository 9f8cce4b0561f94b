"""Disputes of what was paid, as far as the rules of orders go. Pure.

A bank asks or doubts, and decides long after. The tickets stay until a person decides,
and so does the money until the bank has: what a lost dispute took is a refund that
nobody here asked for. Whichever fact came first, all come to the same: a bank may have
decided before anybody told what was captured.
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
    return Told(order, (), f"a dispute of {payment.payment} was lost")


def taken(order: OrderState, now_ms: int) -> Told:
    """Note, once, what banks took of captured money: it is gone, and no refund of ours.

    What was lost in another currency than was captured is left to a person.
    """
    postings: list[Posting] = []
    known = {one.refund for one in order.refunds}
    for payment in order.payments:
        for dispute in payment.disputes:
            if (
                dispute.state == "lost"
                and dispute.currency == payment.captured_currency
                and (name := f"rfd_{dispute.dispute}") not in known
            ):
                refund = _lost(payment, dispute, name, now_ms)
                order = replace(order, refunds=(*order.refunds, refund))
                postings.append(_posted(refund))
    return Told(order, tuple(postings))


def _lost(payment: Payment, dispute: Dispute, name: str, now_ms: int) -> Refund:
    return Refund(
        refund=name,
        payment=payment.payment,
        amount=dispute.amount,
        currency=dispute.currency,
        reason="dispute",
        at_ms=now_ms,
        state="settled",
        ref=dispute.dispute,
        was_settled=True,
    )


def _posted(refund: Refund) -> Posting:
    return Posting(
        kind="dispute",
        about=refund.refund,
        amount=refund.amount,
        currency=refund.currency,
    )


def _is_news(payment: Payment, fact: Disputed) -> bool:
    """Return whether a dispute is further by this than it was known to be."""
    for one in payment.disputes:
        if one.dispute == fact.dispute_ref:
            return _HEIGHT[fact.state] > _HEIGHT[one.state]
    return True
