"""What becomes of a session, a refund and a dispute: pure, the time is an argument.

| state | by | to |
|---|---|---|
| `open` | the buyer pays | `captured`, or `processing` and then `captured` |
| | the buyer declines | `failed` |
| | the shop ends it, its time is over | `expired` |
| `expired` | where the buyer's bank was late | `captured` |

A dispute is `open` until it is decided, once: `won` by the shop, or `lost`. What is
disputed nobody gives back, and what was lost is gone.
"""

from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from server.shop.payments.gateway.wire import (
    Behaviour,
    Decision,
    DisputeDocument,
    DisputeState,
    RefundBody,
    RefundDocument,
    RefundState,
    SessionAsk,
    SessionDocument,
    State,
)

Outcome = Literal["pay", "decline", "late"]

DECLINED: Final = "The card was declined."
TOO_MUCH: Final = "More than was captured and not given back yet."
OTHER_CURRENCY: Final = "Not the currency of the payment."
IS_DISPUTED: Final = "The buyer's bank disputes the payment."
BANK_SAYS_NO: Final = "The buyer's bank does not take it."


class Sitting(Struct, frozen=True, kw_only=True):
    """A session with all that the gateway keeps of it."""

    ref: str
    ask: SessionAsk
    state: State = "open"
    behaviour: Behaviour = Behaviour()
    late: bool = False
    """The buyer paid, and the bank will say so when it is too late."""
    twin: bool = False
    """Charged beside another one, for the same attempt."""
    captured: int = 0
    captured_currency: str
    reason: str = ""
    changed_at_ms: int
    next_ms: int | None = None
    """When something happens to it without anybody's doing."""


class Giving(Struct, frozen=True, kw_only=True):
    """A refund with all that the gateway keeps of it."""

    ref: str
    ask: RefundBody
    state: RefundState
    reason: str = ""
    fails: bool = False
    changed_at_ms: int
    next_ms: int | None = None


class Doubt(Struct, frozen=True, kw_only=True):
    """A dispute of a payment. `ref` is its name here, `session` what is doubted."""

    ref: str
    session: str
    amount: int
    currency: str
    state: DisputeState = "open"
    reason: str
    changed_at_ms: int

    @property
    def takes(self) -> int:
        """What of the payment nobody can give back."""
        return 0 if self.state == "won" else self.amount


def begin(ref: str, ask: SessionAsk, behaviour: Behaviour, now_ms: int) -> Sitting:
    """Return a new session, which ends by itself at the time that was asked for."""
    return Sitting(
        ref=ref,
        ask=ask,
        behaviour=behaviour,
        captured_currency=ask.currency,
        changed_at_ms=now_ms,
        next_ms=ask.expires_at_ms,
    )


def choose(one: Sitting, outcome: Outcome, now_ms: int) -> Sitting:
    """Return it after the buyer chose; the same where there is nothing to choose."""
    if one.state != "open" or one.late:
        return one
    if outcome == "decline":
        return _ended(one, "failed", now_ms, reason=DECLINED)
    if outcome == "late":
        return replace(one, late=True)
    if one.behaviour.delay_ms:
        return replace(
            one,
            state="processing",
            changed_at_ms=now_ms,
            next_ms=now_ms + one.behaviour.delay_ms,
        )
    return _captured(one, now_ms)


def expire(one: Sitting, now_ms: int) -> Sitting:
    """Return it after the shop, or time, ended it; the same unless it was open."""
    if one.state != "open":
        return one
    ended = _ended(one, "expired", now_ms)
    if not one.late:
        return ended
    return replace(ended, next_ms=now_ms + one.behaviour.late_ms)


def pass_time(one: Sitting, now_ms: int) -> Sitting:
    """Return it after what was due has happened."""
    if one.next_ms is None or now_ms < one.next_ms:
        return one
    return expire(one, now_ms) if one.state == "open" else _captured(one, now_ms)


def twin_of(one: Sitting, ref: str) -> Sitting:
    """Return a second payment of the same attempt."""
    return replace(one, ref=ref, twin=True)


def _ended(one: Sitting, state: State, now_ms: int, reason: str = "") -> Sitting:
    return replace(one, state=state, reason=reason, changed_at_ms=now_ms, next_ms=None)


def _captured(one: Sitting, now_ms: int) -> Sitting:
    wanted = one.behaviour
    return replace(
        _ended(one, "captured", now_ms),
        captured=wanted.capture_amount or one.ask.amount,
        captured_currency=wanted.capture_currency or one.ask.currency,
    )


def told_of(before: State | None, one: Sitting) -> list[State]:
    """Return the states that webhooks tell of after a change, in their order.

    The shop knows what it asked for: that a session is open is told only in disorder.
    """
    if one.state in (before, "open"):
        return []
    if not one.behaviour.reversed:
        return [one.state]
    if one.state == "processing":
        return []
    led_here: list[State] = ["processing"] if one.state == "captured" else []
    return [one.state, *led_here, "open"]


def left_of(one: Sitting, refunds: Iterable[Giving], doubts: Iterable[Doubt]) -> int:
    """Return what of a payment was neither given back nor is disputed or lost."""
    given = sum(refund.ask.amount for refund in refunds if refund.state != "failed")
    return one.captured - given - sum(doubt.takes for doubt in doubts)


def decide(one: Doubt, to: Decision, now_ms: int) -> Doubt:
    """Return a dispute after the bank decided; the same where it had."""
    if one.state != "open":
        return one
    return replace(one, state=to, changed_at_ms=now_ms)


def give(
    ref: str,
    ask: RefundBody,
    one: Sitting,
    left: int,
    now_ms: int,
    *,
    disputed: bool = False,
) -> Giving:
    """Return a new refund of a payment of which so much is left.

    While it is disputed nothing of it goes back.
    """
    wanted = one.behaviour
    refused = ""
    if ask.currency != one.captured_currency:
        refused = OTHER_CURRENCY
    elif disputed:
        refused = IS_DISPUTED
    elif ask.amount > left:
        refused = TOO_MUCH
    elif wanted.refunds == "fail":
        refused = BANK_SAYS_NO
    later = not refused and wanted.refunds.endswith("_later")
    state: RefundState = "failed" if refused else "pending" if later else "settled"
    return Giving(
        ref=ref,
        ask=ask,
        state=state,
        reason=refused,
        fails=wanted.refunds == "fail_later",
        changed_at_ms=now_ms,
        next_ms=now_ms + wanted.refund_ms if later else None,
    )


def settle(one: Giving, now_ms: int) -> Giving:
    """Return a refund after the time it takes; the same before."""
    if one.next_ms is None or now_ms < one.next_ms:
        return one
    state: RefundState = "failed" if one.fails else "settled"
    reason = BANK_SAYS_NO if one.fails else ""
    return replace(one, state=state, reason=reason, changed_at_ms=now_ms, next_ms=None)


def document_of(
    one: Sitting, url: str, refunds: list[Giving], doubts: list[Doubt]
) -> SessionDocument:
    """Return a session as it is told."""
    return SessionDocument(
        id=one.ref,
        attempt=one.ask.attempt,
        url=url,
        state=one.state,
        amount=one.ask.amount,
        currency=one.ask.currency,
        captured=one.captured,
        captured_currency=one.captured_currency,
        reason=one.reason,
        changed_at_ms=one.changed_at_ms,
        refunds=[refund_document_of(refund) for refund in refunds],
        disputes=[dispute_document_of(doubt) for doubt in doubts],
    )


def dispute_document_of(one: Doubt) -> DisputeDocument:
    """Return a dispute as it is told."""
    return DisputeDocument(
        id=one.ref,
        session=one.session,
        amount=one.amount,
        currency=one.currency,
        state=one.state,
        reason=one.reason,
        changed_at_ms=one.changed_at_ms,
    )


def refund_document_of(one: Giving) -> RefundDocument:
    """Return a refund as it is told."""
    return RefundDocument(
        id=one.ref,
        refund=one.ask.refund,
        session=one.ask.session,
        amount=one.ask.amount,
        currency=one.ask.currency,
        state=one.state,
        reason=one.reason,
        changed_at_ms=one.changed_at_ms,
    )
