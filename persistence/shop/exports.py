"""What an event sold, row by row, for tables that people take away.

Pages follow each other by the key of their last row, each in a statement of its own: no
transaction lasts as long as somebody takes to read. So rows are as they are when they
are read, and what comes meanwhile comes last.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final, Literal

import msgspec
from msgspec import Struct

from persistence.postgres.pool import Pool

Kind = Literal["orders", "tickets", "attendees"]
"""What is read here."""

Table = Literal["orders", "tickets", "attendees", "promotions"]

PAGE_MAX: Final = 500

_AFTER: Final = "($2::timestamptz IS NULL OR ({at}, {name}) > ($2, $3))"
_ORDERS: Final = f"""
SELECT o.order_id AS order, o.reference, o.status, o.refund, o.created_at,
    o.confirmed_at, coalesce(o.buyer ->> 'name', '') AS buyer_name,
    coalesce(o.buyer ->> 'email', '') AS buyer_email, o.currency,
    l.places, l.unit, l.discount, l.fee, l.tax, o.total,
    (SELECT coalesce(sum(r.amount), 0) FROM refund r
        WHERE r.order_id = o.order_id AND r.state = 'settled')::bigint AS returned,
    o.due, p.booking_id AS booking,
    (SELECT coalesce(string_agg(m.name, ', ' ORDER BY m.name), '')
        FROM redemption d JOIN promotion m USING (promotion_id)
        WHERE d.order_id = o.order_id) AS promotions,
    p.created_at AS at, o.order_id AS name
FROM order_part p JOIN orders o USING (order_id)
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE kind <> 'fee') AS places,
            coalesce(sum(unit), 0)::bigint AS unit,
            coalesce(sum(discount), 0)::bigint AS discount,
            coalesce(sum(fee), 0)::bigint AS fee, coalesce(sum(tax), 0)::bigint AS tax
        FROM order_line WHERE order_id = o.order_id) l
WHERE p.event_id = $1 AND {_AFTER.format(at="p.created_at", name="o.order_id")}
ORDER BY p.created_at, o.order_id LIMIT $4
"""
# The type and the price are the order's; what was booked without one has neither.
_TICKETS: Final = f"""
SELECT t.number, t.ticket_id AS ticket, t.state AS status, t.kind, t.label,
    coalesce(t.category, '') AS category, coalesce(l.type, '') AS type,
    coalesce(nullif(a.name, ''), nullif(d.name, ''), '') AS holder_name,
    b.reference AS booking_reference, o.reference AS order_reference, o.currency,
    l.unit, l.gross, t.issued_at,
    (SELECT min(c.at) FROM checkin_state c
        WHERE c.ticket_id = t.ticket_id AND c.state = 'in') AS entered_at,
    t.created_at AS at, t.ticket_id AS name
FROM ticket t JOIN booking b USING (booking_id)
    LEFT JOIN orders o ON o.order_id = t.order_id
    LEFT JOIN order_line l ON l.order_id = t.order_id AND l.line = t.line
    LEFT JOIN account a ON a.user_id = t.holder ->> 'user'
    LEFT JOIN attendee d ON d.attendee_id = t.holder ->> 'user'
WHERE t.event_id = $1 AND {_AFTER.format(at="t.created_at", name="t.ticket_id")}
ORDER BY t.created_at, t.ticket_id LIMIT $4
"""
_ATTENDEES: Final = f"""
SELECT t.attendee_id AS attendee, t.name AS attendee_name, t.email,
    CASE WHEN t.state = 'gone' OR b.cancelled_at IS NOT NULL THEN 'cancelled'
        ELSE t.state END AS status,
    t.reference, t.booking_id AS booking, t.created_at, t.registered_at,
    coalesce(b.cancelled_at, t.gone_at) AS cancelled_at,
    t.created_at AS at, t.attendee_id AS name
FROM attendee t LEFT JOIN booking b ON b.booking_id = t.booking_id
WHERE t.event_id = $1 AND {_AFTER.format(at="t.created_at", name="t.attendee_id")}
ORDER BY t.created_at, t.attendee_id LIMIT $4
"""
_SQL: Final[dict[Kind, str]] = {
    "orders": _ORDERS,
    "tickets": _TICKETS,
    "attendees": _ATTENDEES,
}


class SoldOrder(Struct, frozen=True):
    """An order; amounts are in the minor unit of its currency."""

    order: str
    reference: str
    status: str
    refund: str
    created_at: datetime
    confirmed_at: datetime | None
    buyer_name: str
    buyer_email: str
    currency: str | None
    places: int
    unit: int
    discount: int
    fee: int
    tax: int
    total: int
    returned: int
    """What has gone back for good."""
    due: int
    booking: str | None
    promotions: str
    """Their names."""


class SoldTicket(Struct, frozen=True):
    """A ticket, without the code that lets somebody in."""

    number: str
    ticket: str
    status: str
    kind: str
    label: str
    category: str
    type: str
    holder_name: str
    booking_reference: str
    order_reference: str | None
    currency: str | None
    unit: int | None
    gross: int | None
    issued_at: datetime
    entered_at: datetime | None


class Registered(Struct, frozen=True):
    """Somebody who registered."""

    attendee: str
    attendee_name: str
    email: str
    status: str
    reference: str | None
    booking: str | None
    created_at: datetime
    registered_at: datetime | None
    cancelled_at: datetime | None


class SoldByCode(Struct, frozen=True):
    """What a code of a promotion brought in a currency; None where it brought nothing.

    What several promotions took off an order is for who knows the rules: others put
    these together.
    """

    promotion: str
    promotion_name: str
    code: str
    """What numbers call it; itself it is stored nowhere."""
    label: str
    limit: int | None
    reserved: int
    uses: int
    given_back: int
    currency: str | None
    gross: int
    discount: int
    returned: int
    net: int


Exported = SoldOrder | SoldTicket | Registered | SoldByCode
ROWS: Final[dict[Table, type[Exported]]] = {
    "orders": SoldOrder,
    "tickets": SoldTicket,
    "attendees": Registered,
    "promotions": SoldByCode,
}


async def pages_of(
    pool: Pool, kind: Kind, event: str, limit: int = PAGE_MAX
) -> AsyncIterator[list[Exported]]:
    """Give all rows of an event, the oldest first, a page at a time.

    There is always a first page. Raises `Unavailable`, also in the middle.
    """
    at: datetime | None = None
    name: str | None = None
    while True:
        rows = await pool.fetch(_SQL[kind], event, at, name, limit)
        yield [msgspec.convert(dict(row), ROWS[kind]) for row in rows]
        if len(rows) < limit:
            return
        at, name = rows[-1]["at"], rows[-1]["name"]
