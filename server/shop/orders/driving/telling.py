"""What a buyer is told of what goes back of an order, and organisers of disputes. Pure.

It follows from the order before and after it was written, so whoever lets it go back
tells it, in the same transaction. Of an event that is cancelled its holders hear once,
and not by each order: here they hear of the money alone.
"""

from typing import Any, Final

from persistence.people.notices.notices import Notice, NoticeKind
from persistence.shop.orders.records import Dispute, OrderState, Refund, RefundState
from persistence.shop.orders.rows import StoredOrder

_TOLD: Final[dict[RefundState, NoticeKind]] = {
    "settled": "refund_sent",
    "failed": "refund_failed",
}
_BACK: Final = frozenset({"booked", "given_back"})
"""Steps at which lines leave because somebody gives them back."""

_ENTERS: Final = frozenset({"seat", "place"})
"""What has a ticket."""


def notices_of(before: StoredOrder, after: OrderState) -> list[Notice]:
    """Return what is told of an order that becomes another; mostly nothing.

    A refund that is tried again is another, and told of as such. What a bank gave its
    buyer no mail of ours says.
    """
    told = _of_disputes(before, after)
    if before.state.refunds is after.refunds and before.state.lines is after.lines:
        return told
    told += [] if (gone := _cancelled(before, after)) is None else [gone]
    was = {one.refund: one.state for one in before.state.refunds}
    return told + [
        _notice(before, _TOLD[one.state], one.refund, _money(one))
        for one in after.refunds
        if one.state in _TOLD
        and was.get(one.refund) != one.state
        and one.reason != "dispute"
    ]


def _of_disputes(before: StoredOrder, after: OrderState) -> list[Notice]:
    """Return what who runs the event is told: of each dispute, and how it ended."""
    disputes = [dispute for one in after.payments for dispute in one.disputes]
    known = {
        dispute for payment in before.state.payments for dispute in payment.disputes
    }
    return [_dispute(before, one) for one in disputes if one not in known]


def _dispute(order: StoredOrder, dispute: Dispute) -> Notice:
    return Notice(
        kind="payment_disputed",
        subject=f"{dispute.dispute}:{dispute.state}",
        organisers=True,
        event_id=order.state.event,
        data={
            "order": order.state.order,
            "reference": order.reference,
            "state": dispute.state,
            "reason": dispute.reason,
            "amount": dispute.amount,
            "currency": dispute.currency,
        },
    )


def _cancelled(before: StoredOrder, after: OrderState) -> Notice | None:
    """Return what is told of the lines that leave by this."""
    if before.state.booking is None or after.step not in _BACK:
        return None
    live = {one.line for one in before.state.lines if one.state == "live"}
    going = [one for one in after.lines if one.state != "live" and one.line in live]
    if not going:
        return None
    part = any(one.state == "live" and one.kind != "fee" for one in after.lines)
    labels = [one.label for one in going if one.kind in _ENTERS]
    data: dict[str, Any] = {"part": part, "labels": labels}
    known = {one.refund for one in before.state.refunds}
    amount = sum(
        one.amount
        for one in after.refunds
        if one.reason == "given_back" and one.refund not in known
    )
    if amount:
        data |= {"amount": amount, "currency": after.currency}
    # Each part has a number, by which its seats are asked for once, too.
    back = going[0].back
    subject = after.order if back == 0 else f"{after.order}:{back}"
    return _notice(before, "order_cancelled", subject, data)


def _money(refund: Refund) -> dict[str, Any]:
    return {"amount": refund.amount, "currency": refund.currency}


def _notice(
    order: StoredOrder, kind: NoticeKind, subject: str, data: dict[str, Any]
) -> Notice:
    return Notice(
        kind=kind,
        subject=subject,
        user_id=order.user,
        email=order.buyer.email or None,
        locale=order.buyer.locale,
        event_id=order.state.event,
        data={"order": order.state.order, "reference": order.reference, **data},
    )
