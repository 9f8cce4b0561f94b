"""Attempts to pay and refunds, as far as the rules of orders go. Pure.

Both are lattices: two facts about one come to the higher of both, whichever came
first. Captured money wins over all. A refund that failed after it was settled has
failed.
"""

from hashlib import blake2b
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from persistence.shop.orders.records import (
    AttemptState,
    OrderState,
    Payment,
    Refund,
    RefundReason,
    RefundState,
    Returned,
    Use,
)
from server.shop.orders.facts import NoSession, Posting, RefundSent, SessionOpen
from server.shop.payments.provider import (
    AttemptFact,
    Captured,
    Expired,
    Failed,
    Opened,
    RefundFailed,
    RefundSettled,
)

_HEIGHT: Final[dict[AttemptState, int]] = {
    "created": 0,
    "open": 1,
    "processing": 2,
    "failed": 3,
    "expired": 3,
    "captured": 4,
}
_REFUND_HEIGHT: Final[dict[RefundState, int]] = {
    "requested": 0,
    "sent": 1,
    "settled": 2,
    "failed": 3,
    "by_hand": 4,
}
PENDING: Final = frozenset({"created", "open", "processing"})

REFUND_MS_MAX: Final = 7 * 86_400_000
"""A refund is asked for again for so long."""

LOOK_FIRST_MS: Final = 1_800_000
"""So old is an attempt when its provider is asked about it though all seems over."""

LOOK_MS_MAX: Final = 180 * 86_400_000
"""For so long after an attempt was made its provider is asked about it."""

_OF_ORDER: Final = frozenset(
    {"lost", "event_cancelled", "given_back", "outside", "goodwill", "dispute"}
)
"""Reasons for which money of the order itself goes back, not money beside it."""

_WITHOUT_SEATS: Final = frozenset({"lost", "event_cancelled"})
"""Steps at which lines stand as they were priced, though nobody has them."""


class Told(Struct, frozen=True):
    """An order with a fact in it, and what comes with that."""

    order: OrderState
    postings: tuple[Posting, ...] = ()
    alarm: str | None = None


def pending(order: OrderState) -> list[Payment]:
    """Return the attempts that may still be paid."""
    return [one for one in order.payments if one.state in PENDING]


def with_attempt(
    order: OrderState, now_ms: int, asked: str | None = None
) -> OrderState:
    """Return the order with one more attempt, named after it and their number."""
    assert order.provider is not None
    assert order.currency is not None
    _, _, own = order.order.partition("_")
    payment = Payment(
        payment=f"pay_{own}_{len(order.payments) + 1}",
        provider=order.provider,
        amount=order.total,
        currency=order.currency,
        at_ms=now_ms,
        asked=asked,
    )
    return replace(order, payments=(*order.payments, payment))


def find(order: OrderState, attempt: str | None, ref: str | None) -> Payment | None:
    """Return the attempt that a provider speaks of, by its id or by ours.

    None, too, where the provider has our attempt twice, and speaks of the other.
    """
    for payment in order.payments:
        if ref is not None and payment.ref == ref:
            return payment
    for payment in order.payments:
        if attempt is not None and payment.payment == attempt:
            return payment if ref is None or payment.ref is None else None
    return None


def heard_of_session(order: OrderState, heard: SessionOpen | NoSession) -> Told:
    """Take in whether the provider has a page for an attempt."""
    payment = find(order, heard.payment, None)
    if payment is None:
        return Told(order)
    if isinstance(heard, NoSession):
        # It was never made, as far as is known. A late answer may say otherwise.
        return Told(_with(order, _risen(payment, "expired")))
    known = replace(payment, ref=payment.ref or heard.ref, url=payment.url or heard.url)
    return Told(_with(order, _risen(known, "open")))


def heard_of_attempt(order: OrderState, fact: AttemptFact) -> Told:
    """Take in a fact about an attempt; what is no attempt of the order is nothing."""
    payment = find(order, fact.attempt, fact.ref)
    if payment is None and isinstance(fact, Captured):
        payment = _twin(order, fact)
    if payment is None:
        return Told(order)
    payment = replace(payment, ref=payment.ref or fact.ref)
    if not isinstance(fact, Captured):
        return Told(_with(order, _risen(payment, _state_of(fact))))
    if payment.state == "captured":
        return Told(_with(order, payment))
    taken = replace(
        payment,
        state="captured",
        captured=fact.amount,
        captured_currency=fact.currency,
    )
    posting = Posting(
        kind="capture",
        about=payment.payment,
        amount=fact.amount,
        currency=fact.currency,
    )
    return Told(_with(order, taken), (posting,))


def judged(order: OrderState, payment: Payment, now_ms: int) -> Told:
    """Say what captured money is for, and send back what is not for the order."""
    currency = payment.captured_currency or payment.currency
    use: Use = "accepted"
    alarm = None
    if currency != payment.currency or payment.captured < payment.amount:
        use = "rejected"
        if currency != payment.currency:
            alarm = f"{payment.payment} was paid in {currency}"
    elif order.accepted is not None:
        use = "surplus"
    order = _with(order, replace(payment, use=use))
    if use != "accepted":
        return Told(
            _returning(order, payment, payment.captured, use, now_ms), (), alarm
        )
    order = replace(order, accepted=payment.payment)
    over = payment.captured - payment.amount
    return Told(_returning(order, payment, over, "excess", now_ms), (), alarm)


def returning(order: OrderState, reason: RefundReason, now_ms: int) -> OrderState:
    """Return the order with its own money on the way back: all that is left.

    No payment gives back more than it brought.
    """
    if order.accepted is None:
        return order
    payment = find(order, order.accepted, None)
    assert payment is not None
    left = left_of_accepted(order)
    return _returning(order, payment, left, reason, now_ms)


def left_of_accepted(order: OrderState) -> int:
    """Return what of the accepted payment nobody asked back yet."""
    if order.accepted is None:
        return 0
    payment = find(order, order.accepted, None)
    assert payment is not None
    asked = [one for one in standing(order) if one.payment == payment.payment]
    return payment.captured - sum(one.amount for one in asked)


def standing(order: OrderState) -> list[Refund]:
    """Return the refunds of an order but those that are tried again by another."""
    replaced = {one.instead_of for one in order.refunds}
    return [one for one in order.refunds if one.refund not in replaced]


def heard_of_refund(
    order: OrderState, fact: RefundSettled | RefundFailed | RefundSent, now_ms: int
) -> Told:
    """Take in what became of a refund, ours or somebody else's."""
    if isinstance(fact, RefundSent):
        known = next((one for one in order.refunds if one.refund == fact.refund), None)
        return Told(order) if known is None else Told(_raised(order, known, "sent"))
    refund = _refund_of(order, fact)
    alarm = None
    if refund is None:
        payment = find(order, None, fact.ref)
        if payment is None:
            return Told(order)
        refund = Refund(
            refund=f"rfd_{_short(fact.refund_ref)}",
            payment=payment.payment,
            amount=fact.amount,
            currency=fact.currency,
            reason="outside",
            at_ms=now_ms,
            ref=fact.refund_ref,
        )
        order = replace(order, refunds=(*order.refunds, refund))
        alarm = f"{payment.payment} was refunded at the provider, not by us"
    refund = replace(refund, ref=refund.ref or fact.refund_ref)
    postings: tuple[Posting, ...] = ()
    if isinstance(fact, RefundSettled):
        if not refund.was_settled and refund.state not in ("failed", "by_hand"):
            outside = refund.reason == "outside"
            postings = (_moved(refund, "outside" if outside else "settle"),)
            refund = replace(refund, was_settled=True)
        return Told(_raised(order, refund, "settled"), postings, alarm)
    if refund.was_settled and refund.state == "settled":
        postings = (_moved(refund, "undo"),)
    if refund.state not in ("failed", "by_hand"):
        alarm = f"{refund.refund} did not reach the buyer: {fact.reason}"
    return Told(_raised(order, refund, "failed"), postings, alarm)


def given_up(order: OrderState, now_ms: int) -> Told:
    """Give up refunds that the provider did not take for a long time: they are due."""
    alarm = None
    for refund in order.refunds:
        if refund.state == "requested" and now_ms - refund.at_ms >= REFUND_MS_MAX:
            order = _raised(order, refund, "failed")
            alarm = f"{refund.refund} was not taken by the provider"
    return Told(order, (), alarm)


def next_look_at_rest_ms(made_ms: int, looked_ms: int) -> int | None:
    """Return when an attempt is looked at next that was made and looked at by then.

    Whatever became of it: a refund may be made at the provider, or fail, long after.
    That gets ever less likely, so the time between doubles; None once it is over.
    """
    age_ms = looked_ms - made_ms
    if age_ms >= LOOK_MS_MAX:
        return None
    return made_ms + min(max(LOOK_FIRST_MS, 2 * age_ms), LOOK_MS_MAX)


def summed(order: OrderState) -> OrderState:
    """Return the order with what follows from its refunds: how much, and what is due.

    Due is what is neither for a line that is live, nor returned, nor on its way: a
    refund of it failed, and nobody returned it by another way.
    """
    due = sum(max(0, _left_of(order, payment)) for payment in order.payments)
    back = sum(
        one.amount
        for one in standing(order)
        if one.payment == order.accepted
        and one.reason in _OF_ORDER
        and not (one.reason == "outside" and one.state == "failed")
    )
    returned: Returned = "none"
    if back > 0:
        returned = "full" if back >= order.total else "part"
    return replace(order, due=due, returned=returned)


def _left_of(order: OrderState, payment: Payment) -> int:
    """Return what a payment brought beyond its lines and its refunds."""
    kept = 0
    if payment.payment == order.accepted and order.step not in _WITHOUT_SEATS:
        kept = sum(one.worth for one in order.lines if one.state == "live")
    back = sum(
        one.amount
        for one in order.refunds
        if one.payment == payment.payment and one.state != "failed"
    )
    return payment.captured - back - kept


def _twin(order: OrderState, fact: Captured) -> Payment | None:
    """Return a second payment of one attempt: the provider took the money twice."""
    first = find(order, fact.attempt, None)
    if first is None:
        return None
    return Payment(
        payment=f"{first.payment}_{_short(fact.ref)}",
        provider=first.provider,
        amount=first.amount,
        currency=first.currency,
        at_ms=first.at_ms,
        ref=fact.ref,
    )


def _state_of(fact: AttemptFact) -> AttemptState:
    if isinstance(fact, Opened):
        return "open"
    if isinstance(fact, Failed):
        return "failed"
    return "expired" if isinstance(fact, Expired) else "processing"


def _risen(payment: Payment, to: AttemptState) -> Payment:
    if _HEIGHT[to] <= _HEIGHT[payment.state]:
        return payment
    return replace(payment, state=to)


def _with(order: OrderState, payment: Payment) -> OrderState:
    payments = tuple(
        payment if one.payment == payment.payment else one for one in order.payments
    )
    if payment not in payments:
        payments = (*payments, payment)
    return replace(order, payments=payments)


def _returning(
    order: OrderState,
    payment: Payment,
    amount: int,
    reason: RefundReason,
    now_ms: int,
) -> OrderState:
    """Return the order with one more refund; each reason has one for each payment."""
    if amount <= 0:
        return order
    _, _, own = payment.payment.partition("_")
    name = f"rfd_{own}_{reason}"
    if any(one.refund == name for one in order.refunds):
        return order
    lines: tuple[int, ...] = ()
    if reason in _OF_ORDER:
        lines = tuple(line.line for line in order.lines if line.state != "gone")
    refund = Refund(
        refund=name,
        payment=payment.payment,
        amount=amount,
        currency=payment.captured_currency or payment.currency,
        reason=reason,
        at_ms=now_ms,
        lines=lines,
    )
    return replace(order, refunds=(*order.refunds, refund))


def _refund_of(order: OrderState, fact: RefundSettled | RefundFailed) -> Refund | None:
    for refund in order.refunds:
        if refund.refund == fact.refund or refund.ref == fact.refund_ref:
            return refund
    return None


def _raised(order: OrderState, refund: Refund, to: RefundState) -> OrderState:
    if _REFUND_HEIGHT[to] > _REFUND_HEIGHT[refund.state]:
        refund = replace(refund, state=to)
    refunds = tuple(
        refund if one.refund == refund.refund else one for one in order.refunds
    )
    return replace(order, refunds=refunds)


def _moved(refund: Refund, kind: Literal["settle", "outside", "undo"]) -> Posting:
    return Posting(
        kind=kind,
        about=refund.refund,
        amount=refund.amount,
        currency=refund.currency,
    )


def _short(ref: str) -> str:
    return blake2b(ref.encode(), digest_size=6).hexdigest()
