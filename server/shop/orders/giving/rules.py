"""What becomes of an order of which something is given back. Pure.

Lines cost what they cost: what goes back with one is copied from it. Each part has a
number of its own, by which its seats are asked for once; a line goes once. What is
given back though the buyer keeps all of it is spread over the lines, so that none of
them ever returns more than it cost.
"""

from collections.abc import Collection
from typing import Final

from msgspec.structs import replace

from persistence.shop.orders.records import (
    BY_HAND,
    OrderLine,
    OrderState,
    Refund,
    RefundReason,
)
from server.shop.money.pricing import spread
from server.shop.orders import attempts
from server.shop.orders.attempts import Told
from server.shop.orders.facts import (
    EventCancelled,
    GiveBack,
    Goodwill,
    Posting,
    RefundAgain,
    RefundByHand,
)

CLOSED: Final = "order_closed"
LINE_NOT_FOUND: Final = "line_not_found"
REFUND_TOO_MUCH: Final = "refund_too_much"
REFUND_NOT_FOUND: Final = "refund_not_found"
REFUND_CLOSED: Final = "refund_closed"

ALLOWED: Final = frozenset({"booked", "completed", "given_back"})
"""Steps at which money may go back though nothing else does."""

Asked = GiveBack | Goodwill | RefundAgain | RefundByHand | EventCancelled


def asked_to(order: OrderState, asked: Asked, now_ms: int) -> Told | str:
    """Return an order after somebody asked for something back; a code if refused."""
    match asked:
        case GiveBack():
            return _give_back(order, asked, now_ms)
        case Goodwill():
            return _allow(order, asked, now_ms)
        case RefundAgain(refund, by):
            return _again(order, refund, by, now_ms)
        case RefundByHand():
            return _by_hand(order, asked)
        case EventCancelled():
            return _cancel(order, now_ms)


def freed(order: OrderState, back: int) -> Told:
    """Return an order of which a part is free again: its lines are gone."""
    leaving = [one for one in order.lines if (one.state, one.back) == ("leaving", back)]
    if not leaving:
        return Told(order)
    order = _changed(order, [replace(one, state="gone") for one in leaving])
    if order.step != "booked":
        return Told(order)
    about = order.order if back == 0 else f"{order.order}:{back}"
    return Told(_ended(order), _posted(order, about, leaving))


def most_allowed(order: OrderState) -> int:
    """Return how much may go back of what an order keeps."""
    if order.accepted is None or order.step not in ALLOWED:
        return 0
    worth = sum(one.worth for one in order.lines if one.state == "live")
    return max(0, min(worth, attempts.left_of_accepted(order)))


def _give_back(order: OrderState, asked: GiveBack, now_ms: int) -> Told | str:
    """Let lines leave; those that did before have."""
    # A fee that stands alone does not return.
    units = [one for one in order.lines if one.kind != "fee"]
    if order.step not in ("booked", "given_back"):
        return CLOSED
    if asked.lines is not None:
        if not set(asked.lines) <= {one.line for one in units}:
            return LINE_NOT_FOUND
        units = [one for one in units if one.line in asked.lines]
    going = [one for one in units if one.state == "live"]
    if not going:
        return Told(order)
    whole = len(going) == sum(one.kind != "fee" for one in order.lines)
    back = 0
    if asked.keep or not whole:
        back = max(one.back for one in order.lines) + 1
    state = "gone" if asked.keep else "leaving"
    gone = [replace(one, state=state, back=back, kept=asked.keep) for one in going]
    reason: RefundReason = "given_back"
    after = _returned(
        _changed(order, gone),
        reason if back == 0 else f"{reason}_{back}",
        reason,
        sum(one.worth for one in going),
        going,
        now_ms,
        (asked.note, asked.by),
    )
    if not asked.keep:
        return Told(after)
    return Told(_ended(after), _posted(order, f"{order.order}:{back}", going))


def _allow(order: OrderState, asked: Goodwill, now_ms: int) -> Told | str:
    """Let money go back, and nothing else, spread over what the buyer keeps."""
    known = find_refund(order, asked.refund)
    if known is not None:
        return Told(order) if known.amount == asked.amount else "key_reused"
    if order.step not in ALLOWED:
        return CLOSED
    if asked.amount > most_allowed(order):
        return REFUND_TOO_MUCH
    live = [one for one in order.lines if one.state == "live"]
    shares = spread(asked.amount, [one.worth for one in live])
    assert order.accepted is not None
    assert order.currency is not None
    refund = Refund(
        refund=asked.refund,
        payment=order.accepted,
        amount=asked.amount,
        currency=order.currency,
        reason="goodwill",
        at_ms=now_ms,
        note=asked.note,
        asked_by=asked.by,
    )
    after = _changed(
        order,
        [
            replace(one, allowance=one.allowance + share)
            for one, share in zip(live, shares, strict=True)
        ],
    )
    posting = Posting(
        kind="allow",
        about=refund.refund,
        amount=refund.amount,
        currency=refund.currency,
    )
    return Told(replace(after, refunds=(*after.refunds, refund)), (posting,))


def _again(order: OrderState, name: str, by: str | None, now_ms: int) -> Told | str:
    """Ask for a refund once more that failed, as a new one: the old one's key is used.

    What was asked for so before is as it is.
    """
    refund = find_refund(order, name)
    if refund is None:
        return REFUND_NOT_FOUND
    if any(one.instead_of == name for one in order.refunds):
        return Told(order)
    if refund.state != "failed" or refund.reason == "outside":
        return REFUND_CLOSED
    again = replace(
        refund,
        refund=f"{name}_again",
        at_ms=now_ms,
        state="requested",
        ref=None,
        was_settled=False,
        asked_by=by,
        instead_of=name,
    )
    return Told(replace(order, refunds=(*order.refunds, again)))


def _by_hand(order: OrderState, asked: RefundByHand) -> Told | str:
    """Note that a refund which failed went back by another way.

    One of money that was taken by hand is what was waited for: it settles.
    """
    refund = find_refund(order, asked.refund)
    if refund is None:
        return REFUND_NOT_FOUND
    payment = attempts.find(order, refund.payment, None)
    if payment is not None and payment.provider in BY_HAND:
        return _handed_over(order, refund, asked)
    if refund.state == "by_hand":
        return Told(order)
    replaced = any(one.instead_of == refund.refund for one in order.refunds)
    if refund.state != "failed" or refund.reason == "outside" or replaced:
        return REFUND_CLOSED
    known = replace(refund, state="by_hand", note=asked.note, asked_by=asked.by)
    refunds = tuple(
        known if one.refund == refund.refund else one for one in order.refunds
    )
    return Told(replace(order, refunds=refunds))


def _handed_over(order: OrderState, refund: Refund, asked: RefundByHand) -> Told | str:
    """Settle a refund that somebody hands over; again it is as it is."""
    if refund.state == "settled":
        return Told(order)
    if refund.state not in ("requested", "sent"):
        return REFUND_CLOSED
    known = replace(
        refund,
        state="settled",
        was_settled=True,
        note=asked.note,
        asked_by=asked.by,
    )
    refunds = tuple(
        known if one.refund == refund.refund else one for one in order.refunds
    )
    posting = Posting(
        kind="settle",
        about=refund.refund,
        amount=refund.amount,
        currency=refund.currency,
    )
    return Told(replace(order, refunds=refunds), (posting,))


def _cancel(order: OrderState, now_ms: int) -> Told | str:
    """Return all of it, fees too, since the event does not take place.

    No seat is freed: nobody is to buy it. What leaves already is waited for.
    """
    if order.step != "booked":
        return Told(order)
    if any(one.state == "leaving" for one in order.lines):
        return CLOSED
    going = [one for one in order.lines if one.state == "live"]
    gone = [replace(one, state="gone", kept=one.kind != "fee") for one in going]
    after = replace(_changed(order, gone), step="event_cancelled")
    after = attempts.returning(after, "event_cancelled", now_ms)
    return Told(after, _posted(order, f"{order.order}:event", going))


def find_refund(order: OrderState, name: str) -> Refund | None:
    """Return a refund of an order by its id."""
    return next((one for one in order.refunds if one.refund == name), None)


def _ended(order: OrderState) -> OrderState:
    """Return an order that is over if nothing is left of what was booked."""
    units = [one for one in order.lines if one.kind != "fee"]
    if order.step == "booked" and all(one.state == "gone" for one in units):
        return replace(order, step="given_back")
    return order


def _returned(
    order: OrderState,
    name: str,
    reason: RefundReason,
    amount: int,
    lines: Collection[OrderLine],
    now_ms: int,
    asked: tuple[str, str | None],
) -> OrderState:
    """Return the order with what lines were worth on its way back, if it was paid."""
    amount = min(amount, attempts.left_of_accepted(order))
    if amount <= 0:
        return order
    assert order.accepted is not None
    assert order.currency is not None
    _, _, own = order.accepted.partition("_")
    note, by = asked
    refund = Refund(
        refund=f"rfd_{own}_{name}",
        payment=order.accepted,
        amount=amount,
        currency=order.currency,
        reason=reason,
        at_ms=now_ms,
        lines=tuple(one.line for one in lines),
        note=note,
        asked_by=by,
    )
    return replace(order, refunds=(*order.refunds, refund))


def _changed(order: OrderState, lines: Collection[OrderLine]) -> OrderState:
    """Return an order with some of its lines as they are now."""
    now = {one.line: one for one in lines}
    return replace(order, lines=tuple(now.get(one.line, one) for one in order.lines))


def _posted(
    order: OrderState, about: str, lines: Collection[OrderLine]
) -> tuple[Posting, ...]:
    """Return what the ledger notes of lines that are gone, if they cost anything."""
    amount = sum(one.gross for one in lines)
    if order.currency is None or not amount:
        return ()
    return (
        Posting(
            kind="give_back",
            about=about,
            amount=amount,
            currency=order.currency,
            lines=tuple(lines),
        ),
    )
