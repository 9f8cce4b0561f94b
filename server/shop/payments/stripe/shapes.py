"""What Stripe answers and sends, as far as it is looked at, and the facts in it.

Whatever is of another form, or contradicts itself, is no answer: `ValueError`, which
msgspec's errors are, too.
"""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Raw, Struct

from server.shop.payments.provider import (
    AttemptFact,
    Captured,
    Disputed,
    Expired,
    Failed,
    Opened,
    Processing,
    RefundFact,
    RefundFailed,
    RefundSettled,
)
from server.shop.payments.stripe.currencies import from_stripe

ATTEMPT: Final = "attempt"
REFUND: Final = "refund"
SESSION: Final = "session"
"""Names in the metadata of what we make there."""

_ENDS: Final[dict[str, Literal["won", "lost"]]] = {
    "lost": "lost",
    "won": "won",
    "warning_closed": "won",
    "prevented": "won",
}
"""States of disputes that are over."""

SessionId = Annotated[str, Meta(pattern="^cs_[A-Za-z0-9_]{1,120}$")]
IntentId = Annotated[str, Meta(pattern="^pi_[A-Za-z0-9_]{1,120}$")]
RefundId = Annotated[str, Meta(pattern="^[a-z]+_[A-Za-z0-9_]{1,120}$")]
EventId = Annotated[str, Meta(pattern="^evt_[A-Za-z0-9_]{1,120}$")]
Amount = Annotated[int, Meta(ge=0, le=10**15)]
Code = Annotated[str, Meta(pattern="^[a-z]{3}$")]
Address = Annotated[str, Meta(pattern='^https?://[^\\s"<>]+$', max_length=4096)]
Seconds = Annotated[int, Meta(ge=0, le=10**11)]


class Marked(Struct, frozen=True, kw_only=True):
    """Anything that may be ours; an account may be used for other things, too."""

    object: str
    metadata: dict[str, str] | None = None


class Intent(Struct, frozen=True, kw_only=True):
    """What moves the money of a session, made once its buyer begins to pay."""

    id: IntentId
    object: Literal["payment_intent"]
    status: str
    created: Seconds = 0


class CheckoutSession(Struct, frozen=True, kw_only=True):
    """A page of Stripe's on which one attempt is paid."""

    id: SessionId
    object: Literal["checkout.session"]
    status: Literal["open", "complete", "expired"]
    payment_status: Literal["paid", "unpaid", "no_payment_required"]
    amount_total: Amount
    currency: Code
    url: Address | None = None
    metadata: dict[str, str] | None = None
    payment_intent: IntentId | Intent | None = None

    @property
    def attempt(self) -> str | None:
        """Ours, where it was made by us."""
        return (self.metadata or {}).get(ATTEMPT)

    @property
    def intent(self) -> str | None:
        """What moves its money, once there is anything to move."""
        known = self.payment_intent
        return known.id if isinstance(known, Intent) else known


class StripeRefund(Struct, frozen=True, kw_only=True):
    """Money on its way back, by us or by somebody in the dashboard."""

    id: RefundId
    object: Literal["refund"]
    status: str | None
    amount: Amount
    currency: Code
    payment_intent: IntentId | None = None
    metadata: dict[str, str] | None = None
    failure_reason: str | None = None

    @property
    def ours(self) -> str | None:
        """The refund of ours that it is."""
        return (self.metadata or {}).get(REFUND)


class StripeDispute(Struct, frozen=True, kw_only=True):
    """A charge that a bank asks about, or takes back."""

    id: RefundId
    object: Literal["dispute"]
    status: str
    amount: Amount
    currency: Code
    payment_intent: IntentId | None = None
    reason: Annotated[str, Meta(max_length=100)] = ""


class DisputeList(Struct, frozen=True, kw_only=True):
    """Some disputes of one intent, the newest first."""

    data: list[StripeDispute]
    has_more: bool


class SessionList(Struct, frozen=True, kw_only=True):
    """Some sessions, the newest first."""

    data: list[Raw]
    has_more: bool


class IntentList(Struct, frozen=True, kw_only=True):
    """What a search found."""

    data: list[Intent]


class RefundList(Struct, frozen=True, kw_only=True):
    """Some refunds of one intent, the newest first."""

    data: list[StripeRefund]
    has_more: bool


class EventData(Struct, frozen=True, kw_only=True):
    """What an event is about, as it was then."""

    object: Raw


class StripeEvent(Struct, frozen=True, kw_only=True):
    """What Stripe tells by itself."""

    id: EventId
    object: Literal["event"]
    type: str
    created: Seconds
    data: EventData


def fact_of(
    one: CheckoutSession, at_ms: int, event_ref: str = "", *, failed: bool = False
) -> AttemptFact:
    """Return what a session says. Raises ValueError.

    `failed` where Stripe tells that a payment which was under way came to nothing: the
    session itself is complete and unpaid then as it was before.
    """
    said: dict[str, Any] = {
        "ref": one.id,
        "at_ms": at_ms,
        "event_ref": event_ref,
        "attempt": one.attempt,
    }
    if one.status == "expired":
        return Expired(**said)
    if one.payment_status == "paid":
        currency = one.currency.upper()
        return Captured(
            **said, amount=from_stripe(one.amount_total, currency), currency=currency
        )
    if one.payment_status == "no_payment_required":
        raise ValueError("a session that costs nothing")
    state = one.payment_intent.status if isinstance(one.payment_intent, Intent) else ""
    if one.status == "complete":
        if failed or state in ("requires_payment_method", "canceled"):
            return Failed(**said, reason="the payment came to nothing")
        return Processing(**said)
    return Processing(**said) if state == "processing" else Opened(**said)


def refund_fact_of(
    one: StripeRefund, ref: str, at_ms: int, event_ref: str = ""
) -> RefundFact | None:
    """Return what a refund says; None while it is under way. Raises ValueError."""
    if one.status not in ("succeeded", "failed", "canceled"):
        return None
    kind = RefundSettled if one.status == "succeeded" else RefundFailed
    currency = one.currency.upper()
    return kind(
        ref=ref,
        at_ms=at_ms,
        event_ref=event_ref,
        refund=one.ours,
        refund_ref=one.id,
        amount=from_stripe(one.amount, currency),
        currency=currency,
        reason=one.failure_reason or "",
    )


def dispute_fact_of(
    one: StripeDispute, ref: str, at_ms: int, event_ref: str = ""
) -> Disputed:
    """Return what a dispute says. Raises ValueError.

    What a bank only asks about ends with `warning_closed`; what Stripe settled before
    it was one, with `prevented`. States that are not known here leave it open.
    """
    currency = one.currency.upper()
    return Disputed(
        ref=ref,
        at_ms=at_ms,
        event_ref=event_ref,
        dispute_ref=one.id,
        state=_ENDS.get(one.status, "open"),
        amount=from_stripe(one.amount, currency),
        currency=currency,
        reason=one.reason,
    )
