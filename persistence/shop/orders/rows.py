"""Orders as rows: how they are read, whole."""

from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from persistence.postgres.pool import Row
from persistence.shop.money.terms import Terms
from persistence.shop.orders.records import (
    OrderLine,
    OrderState,
    Payment,
    Refund,
    Rules,
)

CLOCK_MS: Final = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

EVENT_FIELDS: Final = """
e.name AS event_name, e.starts_at AS event_starts_at,
coalesce(e.settings ->> 'timezone', 'UTC') AS event_timezone
"""
# Times in milliseconds.
FIELDS: Final = f"""
o.order_id, o.revision, o.organisation_id, o.user_id, o.reference, o.step, o.leaving,
o.refund, o.currency, o.total, o.seen_total, o.due, o.accepted_payment, o.provider,
o.why, o.buyer::text AS buyer, o.rules::text AS rules, o.request_hash, o.created_at,
o.confirmed_at, (extract(epoch FROM o.pay_until) * 1000)::bigint AS pay_until_ms,
p.event_id, p.hold, p.booking_id, {EVENT_FIELDS},
(SELECT coalesce(json_agg(json_build_object('line', l.line, 'kind', l.kind,
        'label', l.label, 'category', l.category, 'type', l.type, 'unit', l.unit,
        'discount', l.discount, 'fee', l.fee, 'tax', l.tax, 'tax_ppm', l.tax_ppm,
        'gross', l.gross, 'seller_fee', l.seller_fee, 'state', l.state,
        'back', l.back, 'kept', l.kept, 'allowance', l.allowance)
        ORDER BY l.line), '[]')::text
    FROM order_line l WHERE l.order_id = o.order_id) AS lines,
(SELECT coalesce(json_agg(json_build_object('payment', y.payment_id,
        'provider', y.provider, 'amount', y.amount, 'currency', y.currency,
        'at_ms', (extract(epoch FROM y.created_at) * 1000)::bigint, 'state', y.state,
        'ref', y.provider_ref, 'url', y.session, 'captured', y.captured,
        'captured_currency', y.captured_currency, 'use', y.use, 'asked', y.asked,
        'disputes', y.disputes)
        ORDER BY y.created_at, y.payment_id), '[]')::text
    FROM payment y WHERE y.order_id = o.order_id) AS payments,
(SELECT coalesce(json_agg(json_build_object('refund', r.refund_id,
        'payment', r.payment_id, 'amount', r.amount, 'currency', r.currency,
        'reason', r.reason, 'at_ms', (extract(epoch FROM r.created_at) * 1000)::bigint,
        'state', r.state, 'ref', r.provider_ref, 'lines', r.lines,
        'was_settled', r.was_settled, 'note', r.note, 'asked_by', r.asked_by,
        'instead_of', r.instead_of) ORDER BY r.created_at, r.refund_id), '[]')::text
    FROM refund r WHERE r.order_id = o.order_id) AS refunds
"""
FROM: Final = """
FROM orders o JOIN order_part p ON p.order_id = o.order_id
    JOIN event e ON e.event_id = p.event_id
"""

_lines = msgspec.json.Decoder(tuple[OrderLine, ...]).decode
_payments = msgspec.json.Decoder(tuple[Payment, ...]).decode
_refunds = msgspec.json.Decoder(tuple[Refund, ...]).decode


class OrderBuyer(Struct, frozen=True):
    """Who bought, as they said."""

    email: str = ""
    name: str = ""
    locale: str = ""

    def __repr__(self) -> str:
        """Leave out who it is."""
        return "OrderBuyer()"


class Frozen(Struct, frozen=True, kw_only=True):
    """Under what an order was made: its rules, and the terms of its event then."""

    rules: Rules
    terms: Terms
    site: str = ""
    """The origin of the page that its buyer uses; "" where a program asked."""


class StoredOrder(Struct, frozen=True, kw_only=True):
    """An order with whose it is and what it is of."""

    state: OrderState
    revision: int
    """Counts what was written of it."""
    user: str
    organisation: str | None
    reference: str
    buyer: OrderBuyer
    terms: Terms
    site: str = ""
    request_hash: bytes
    created_at: datetime
    confirmed_at: datetime | None
    event_name: str
    event_starts_at: datetime
    event_timezone: str


decode_buyer = msgspec.json.Decoder(OrderBuyer).decode
decode_frozen = msgspec.json.Decoder(Frozen).decode


def order_of(row: Row) -> StoredOrder:
    """Return an order from what `FIELDS` and `FROM` read."""
    frozen = decode_frozen(row["rules"])
    state = OrderState(
        order=row["order_id"],
        event=row["event_id"],
        hold=row["hold"],
        provider=row["provider"],
        rules=frozen.rules,
        step=row["step"],
        leaving=row["leaving"],
        seen_total=row["seen_total"],
        currency=row["currency"],
        total=row["total"],
        due=row["due"],
        returned=row["refund"],
        pay_until_ms=row["pay_until_ms"],
        accepted=row["accepted_payment"],
        booking=row["booking_id"],
        why=row["why"],
        lines=_lines(row["lines"]),
        payments=_payments(row["payments"]),
        refunds=_refunds(row["refunds"]),
    )
    return StoredOrder(
        state=state,
        revision=row["revision"],
        user=row["user_id"],
        organisation=row["organisation_id"],
        reference=row["reference"],
        buyer=decode_buyer(row["buyer"]),
        terms=frozen.terms,
        site=frozen.site,
        request_hash=row["request_hash"],
        created_at=row["created_at"],
        confirmed_at=row["confirmed_at"],
        event_name=row["event_name"],
        event_starts_at=row["event_starts_at"],
        event_timezone=row["event_timezone"],
    )
