"""Orders as rows: how they are read, whole, and what of them is written."""

from datetime import datetime
from typing import Any, Final

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

# In the arrays' order of the structs' fields; times in milliseconds.
FIELDS: Final = """
o.order_id, o.organisation_id, o.user_id, o.reference, o.step, o.leaving, o.refund,
o.currency, o.total, o.seen_total, o.due, o.accepted_payment, o.provider, o.why,
o.buyer::text AS buyer, o.rules::text AS rules, o.request_hash, o.created_at,
o.confirmed_at, (extract(epoch FROM o.pay_until) * 1000)::bigint AS pay_until_ms,
p.event_id, p.hold, p.booking_id, e.name AS event_name, e.starts_at AS event_starts_at,
coalesce(e.settings ->> 'timezone', 'UTC') AS event_timezone,
(SELECT coalesce(json_agg(json_build_object('line', l.line, 'kind', l.kind,
        'label', l.label, 'category', l.category, 'type', l.type, 'unit', l.unit,
        'discount', l.discount, 'fee', l.fee, 'tax', l.tax, 'tax_ppm', l.tax_ppm,
        'gross', l.gross, 'seller_fee', l.seller_fee, 'state', l.state)
        ORDER BY l.line), '[]')::text
    FROM order_line l WHERE l.order_id = o.order_id) AS lines,
(SELECT coalesce(json_agg(json_build_object('payment', y.payment_id,
        'provider', y.provider, 'amount', y.amount, 'currency', y.currency,
        'at_ms', (extract(epoch FROM y.created_at) * 1000)::bigint, 'state', y.state,
        'ref', y.provider_ref, 'url', y.session, 'captured', y.captured,
        'captured_currency', y.captured_currency, 'use', y.use, 'asked', y.asked)
        ORDER BY y.created_at, y.payment_id), '[]')::text
    FROM payment y WHERE y.order_id = o.order_id) AS payments,
(SELECT coalesce(json_agg(json_build_object('refund', r.refund_id,
        'payment', r.payment_id, 'amount', r.amount, 'currency', r.currency,
        'reason', r.reason, 'at_ms', (extract(epoch FROM r.created_at) * 1000)::bigint,
        'state', r.state, 'ref', r.provider_ref, 'lines', r.lines,
        'was_settled', r.was_settled) ORDER BY r.created_at, r.refund_id), '[]')::text
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


class StoredOrder(Struct, frozen=True, kw_only=True):
    """An order with whose it is and what it is of."""

    state: OrderState
    user: str
    organisation: str | None
    reference: str
    buyer: OrderBuyer
    terms: Terms
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
        user=row["user_id"],
        organisation=row["organisation_id"],
        reference=row["reference"],
        buyer=decode_buyer(row["buyer"]),
        terms=frozen.terms,
        request_hash=row["request_hash"],
        created_at=row["created_at"],
        confirmed_at=row["confirmed_at"],
        event_name=row["event_name"],
        event_starts_at=row["event_starts_at"],
        event_timezone=row["event_timezone"],
    )


_MS: Final = "'epoch'::timestamptz + {} * interval '1 ms'"
_UPDATE: Final = f"""
UPDATE orders SET status = $2, step = $3, leaving = $4, refund = $5, currency = $6,
    total = $7, due = $8, pay_until = {_MS.format("$9::bigint")},
    accepted_payment = $10, why = $11,
    driven_until = {_MS.format("$12::bigint")},
    confirmed_at = CASE WHEN $13 THEN coalesce(confirmed_at, clock_timestamp()) END
WHERE order_id = $1
"""
_UPDATE_PART: Final = """
UPDATE order_part SET booking_id = $3, refused = $4
WHERE order_id = $1 AND event_id = $2
"""
_PUT_LINE: Final = """
INSERT INTO order_line (order_id, line, kind, label, category, type, unit, discount,
    fee, tax, tax_ppm, gross, seller_fee, state)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (order_id, line) DO UPDATE SET state = excluded.state
"""
_PUT_PAYMENT: Final = f"""
INSERT INTO payment (payment_id, order_id, provider, provider_ref, state, amount,
    currency, captured, captured_currency, use, session, created_at, asked)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, {_MS.format("$12::bigint")}, $13)
ON CONFLICT (payment_id) DO UPDATE SET provider_ref = excluded.provider_ref,
    state = excluded.state, captured = excluded.captured,
    captured_currency = excluded.captured_currency, use = excluded.use,
    session = excluded.session
"""
_PUT_REFUND: Final = f"""
INSERT INTO refund (refund_id, payment_id, order_id, amount, currency, reason, state,
    provider_ref, lines, was_settled, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, {_MS.format("$11::bigint")})
ON CONFLICT (refund_id) DO UPDATE SET state = excluded.state,
    provider_ref = excluded.provider_ref, was_settled = excluded.was_settled
"""


async def write_order(
    connection: Any, before: OrderState, after: OrderState, wake_ms: int | None
) -> None:
    """Write what became of an order whose row is locked, and when to look at it."""
    order = after.order
    confirmed = after.booking is not None
    await connection.execute(
        _UPDATE,
        order,
        after.status,
        after.step,
        after.leaving,
        after.returned,
        after.currency,
        after.total,
        after.due,
        after.pay_until_ms,
        after.accepted,
        after.why,
        wake_ms,
        confirmed,
    )
    refused = after.step == "refused"
    if after.booking != before.booking or refused != (before.step == "refused"):
        await connection.execute(
            _UPDATE_PART, order, after.event, after.booking, refused
        )
    known: set[object] = {*before.lines, *before.payments, *before.refunds}
    lines = [_line(order, one) for one in after.lines if one not in known]
    payments = [_payment(order, one) for one in after.payments if one not in known]
    refunds = [_refund(order, one) for one in after.refunds if one not in known]
    for sql, rows in (
        (_PUT_LINE, lines),
        (_PUT_PAYMENT, payments),
        (_PUT_REFUND, refunds),
    ):
        if rows:
            await connection.executemany(sql, rows)


def _line(order: str, one: OrderLine) -> tuple[object, ...]:
    return (
        order,
        one.line,
        one.kind,
        one.label,
        one.category,
        one.type,
        one.unit,
        one.discount,
        one.fee,
        one.tax,
        one.tax_ppm,
        one.gross,
        one.seller_fee,
        one.state,
    )


def _payment(order: str, one: Payment) -> tuple[object, ...]:
    return (
        one.payment,
        order,
        one.provider,
        one.ref,
        one.state,
        one.amount,
        one.currency,
        one.captured,
        one.captured_currency,
        one.use,
        one.url,
        one.at_ms,
        one.asked,
    )


def _refund(order: str, one: Refund) -> tuple[object, ...]:
    return (
        one.refund,
        one.payment,
        order,
        one.amount,
        one.currency,
        one.reason,
        one.state,
        one.ref,
        list(one.lines),
        one.was_settled,
        one.at_ms,
    )
