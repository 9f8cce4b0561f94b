"""What the gateway and its callers send each other, as JSON.

The gateway's side is `handlers.py`, ours is `server/shop/payments/gateway_provider.py`.
Amounts are integers in the minor unit, times are milliseconds since 1970 in UTC.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

REF_PATTERN: Final = "^[A-Za-z0-9_-]{1,64}$"
Ref = Annotated[str, Meta(pattern=REF_PATTERN)]
Text = Annotated[str, Meta(max_length=1_000)]
Address = Annotated[str, Meta(min_length=8, max_length=2_000, pattern="^https?://")]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Amount = Annotated[int, Meta(ge=1, le=10**15)]
Whole = Annotated[int, Meta(ge=0, le=10**15)]
Time = Annotated[int, Meta(ge=0, le=10**14)]
Milliseconds = Annotated[int, Meta(ge=0, le=86_400_000)]

State = Literal["open", "processing", "failed", "expired", "captured"]
RefundState = Literal["pending", "settled", "failed"]
DisputeState = Literal["open", "won", "lost"]
Decision = Literal["won", "lost"]


class Behaviour(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the gateway treats a session: well, unless something is said here."""

    delay_ms: Milliseconds = 0
    """Between the buyer's yes and the money; it is `processing` meanwhile."""
    late_ms: Milliseconds = 1_000
    """Between the end of a session and the money that comes too late."""
    double_charge: bool = False
    """A second payment of the same attempt is captured, with an id of its own."""
    capture_amount: Amount | None = None
    """What is captured, in place of what was asked for."""
    capture_currency: Currency | None = None
    webhook_delay_ms: Milliseconds = 0
    webhook_copies: Annotated[int, Meta(ge=1, le=10)] = 1
    """How often each webhook is sent, at the same time."""
    lost: bool = False
    """No webhook is sent."""
    reversed: bool = False
    """What led to the money is told after it, the newest first."""
    forged: bool = False
    """Before each webhook comes one that somebody else made up."""
    stale: bool = False
    """After each webhook it comes again, signed ten minutes ago."""
    refunds: Literal["settle", "fail", "settle_later", "fail_later"] = "settle"
    refund_ms: Milliseconds = 500
    """How much later, for the last two."""


class SessionAsk(Struct, frozen=True, kw_only=True):
    """What a session is to be; `attempt` is the key, and asked again it is the same."""

    attempt: Ref
    order: Annotated[str, Meta(max_length=64)]
    reference: Annotated[str, Meta(max_length=64)]
    amount: Amount
    currency: Currency
    description: Text
    email: Text
    expires_at_ms: Time
    success: Address
    cancel: Address
    webhook: Address


class RefundBody(Struct, frozen=True, kw_only=True):
    """What is to be given back; `refund` is the key."""

    refund: Ref
    session: Ref
    amount: Amount
    currency: Currency
    reason: Text = ""


class DisputeBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the buyer's bank doubts: all that is left of a payment, or an amount."""

    session: Ref
    amount: Amount | None = None
    reason: Text = "fraudulent"


class DecisionBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose the money is: `won` if it is the shop's."""

    state: Decision


class DisputeDocument(Struct, frozen=True, kw_only=True):
    """A dispute as the gateway tells it."""

    id: Ref
    session: Ref
    amount: Whole
    currency: Currency
    state: DisputeState
    reason: Text = ""
    changed_at_ms: Time


class RefundDocument(Struct, frozen=True, kw_only=True):
    """A refund as the gateway tells it."""

    id: Ref
    refund: Ref
    session: Ref
    amount: Whole
    currency: Currency
    state: RefundState
    reason: Text = ""
    changed_at_ms: Time


class SessionDocument(Struct, frozen=True, kw_only=True):
    """A session as the gateway tells it."""

    id: Ref
    attempt: Ref
    url: Address
    state: State
    amount: Whole
    currency: Currency
    captured: Whole = 0
    captured_currency: Currency
    reason: Text = ""
    changed_at_ms: Time
    refunds: list[RefundDocument] = []
    disputes: list[DisputeDocument] = []
    others: "list[SessionDocument]" = []
    """What else there is of the same attempt; told to who looks at a session."""


class Webhook(Struct, frozen=True, kw_only=True):
    """What happened; `data` is the session, refund or dispute as it was then."""

    type: str
    timestamp: datetime
    data: msgspec.Raw


class Trouble(Struct, frozen=True, kw_only=True):
    """Why something is refused."""

    code: str
    detail: str
