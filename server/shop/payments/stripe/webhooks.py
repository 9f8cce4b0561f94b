"""What Stripe tells by itself: who signed it, when, and which facts are in it."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import stripe

from server.shop.payments.provider import Fact, Forged, Stale
from server.shop.payments.stripe.shapes import (
    ATTEMPT,
    SESSION,
    CheckoutSession,
    EventData,
    Marked,
    StripeDispute,
    StripeEvent,
    StripeRefund,
    dispute_fact_of,
    fact_of,
    refund_fact_of,
)

SIGNATURE: Final = "stripe-signature"
TOLERANCE_S: Final = 300
"""How far Stripe's clock, and what is on its way, may be from ours."""

STATES: Final = {
    "checkout.session.completed": "complete",
    "checkout.session.async_payment_succeeded": "complete",
    "checkout.session.async_payment_failed": "complete",
    "checkout.session.expired": "expired",
}
"""The state that a session has in what is told of it."""

REFUNDS: Final = frozenset({"refund.created", "refund.updated", "refund.failed"})

DISPUTES: Final = frozenset({"charge.dispute.created", "charge.dispute.closed"})

EVENTS: Final = (*STATES, *sorted(REFUNDS), *sorted(DISPUTES))
"""What an endpoint in Stripe's dashboard is to be told of."""

_event = msgspec.json.Decoder(StripeEvent).decode
_marked = msgspec.json.Decoder(Marked).decode
_session = msgspec.json.Decoder(CheckoutSession).decode
_refund = msgspec.json.Decoder(StripeRefund).decode
_dispute = msgspec.json.Decoder(StripeDispute).decode


def read_webhook(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now_s: float
) -> list[Fact]:
    """Return the facts in a message; none of what is not ours or not known.

    A refund that somebody made in the dashboard, and each dispute, names what moved the
    money, and not the session: its `ref` is that, until the provider traces it.
    Raises Forged and Stale.
    """
    known = {name.lower(): value for name, value in headers.items()}
    _verify(secrets, known.get(SIGNATURE, ""), body, now_s)
    try:
        event = _event(body)
        if event.type in STATES:
            return _of_session(event)
        if event.type in REFUNDS:
            return _of_refund(event)
        if event.type in DISPUTES:
            return _of_dispute(event)
    except (ValueError, RecursionError) as error:
        # Signed by Stripe or by nobody; it cannot be believed either way.
        raise Forged(f"the message cannot be read: {error!r}") from None
    return []


def _verify(secrets: Sequence[str], header: str, body: bytes, now_s: float) -> None:
    """Check that one of the secrets signed a message, and when."""
    if not any(_is_signed(secret, header, body) for secret in secrets):
        raise Forged("no signature of the message is ours")
    # Once it is signed, the time in it is what was signed.
    stamp = next(part[2:] for part in header.split(",") if part.startswith("t="))
    if abs(now_s - int(stamp)) > TOLERANCE_S:
        raise Stale("the message was signed at another time")


def _is_signed(secret: str, header: str, body: bytes) -> bool:
    try:
        # Without a tolerance: the library reads a clock of its own, and takes what was
        # signed in the future.
        return bool(stripe.WebhookSignature.verify_header(body, header, secret))
    except (stripe.SignatureVerificationError, UnicodeError, TypeError, ValueError):
        # Of a signature that is no ASCII the library says that as a TypeError.
        return False


def _of_session(event: StripeEvent) -> list[Fact]:
    if not _is_ours(event.data):
        return []
    session = _session(event.data.object)
    if session.status != STATES[event.type]:
        raise ValueError("the message contradicts itself")
    succeeded = event.type.endswith("_succeeded")
    failed = event.type.endswith("_failed")
    paid = session.payment_status == "paid"
    if (succeeded and not paid) or (failed and paid):
        raise ValueError("the message contradicts itself")
    return [fact_of(session, event.created * 1_000, event.id, failed=failed)]


def _of_refund(event: StripeEvent) -> list[Fact]:
    refund = _refund(event.data.object)
    # Ours says which session it is of; another one only what moved the money.
    ref = (refund.metadata or {}).get(SESSION) or refund.payment_intent
    if ref is None:
        return []
    fact = refund_fact_of(refund, ref, event.created * 1_000, event.id)
    return [] if fact is None else [fact]


def _of_dispute(event: StripeEvent) -> list[Fact]:
    dispute = _dispute(event.data.object)
    ref = dispute.payment_intent
    if ref is None:
        return []
    return [dispute_fact_of(dispute, ref, event.created * 1_000, event.id)]


def _is_ours(data: EventData) -> bool:
    return ATTEMPT in (_marked(data.object).metadata or {})
