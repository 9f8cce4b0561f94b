"""What is told to whoever bought something: read where it was booked, for letters.

All of it is read in the transaction that writes the letters. Orders are those that the
journal names: a note that a buyer made is none.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from inventory.settings import Money
from persistence.events.bookings import lines_of
from persistence.events.rows import EVENT, EventRow, event_of
from persistence.postgres.pool import Row

# Whom an order names gets it, else the account that booked, at an address that is known
# to be its own.
_CONFIRMED: Final = """
SELECT b.booking_id, b.user_id, b.seats::text AS seats, b.areas::text AS areas, b.lines,
    o.order_id, coalesce(o.reference, b.reference) AS reference, o.total, o.currency,
    (o.rules #>> '{rules,pays}')::boolean AS is_paid,
    coalesce(nullif(o.buyer ->> 'email', ''), a.email) AS recipient,
    coalesce(o.buyer ->> 'locale', '') AS locale,
    (SELECT json_agg(json_build_array(l.label, l.category, 1, l.gross) ORDER BY l.line)
        ::text FROM order_line l WHERE l.order_id = o.order_id) AS order_lines,
    (SELECT json_agg(json_build_array(t.ticket_id, t.number, t.label)
        ORDER BY t.label, t.number)::text
        FROM ticket t WHERE t.booking_id = b.booking_id AND t.state <> 'revoked')
        AS tickets
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w(booking_id, order_id, number)
    JOIN booking b ON b.booking_id = w.booking_id
    LEFT JOIN orders o ON o.order_id = w.order_id
    LEFT JOIN account a ON a.user_id = b.user_id AND a.verified_at IS NOT NULL
WHERE b.cancelled_at IS NULL
    AND coalesce(nullif(o.buyer ->> 'email', ''), a.email) IS NOT NULL
ORDER BY w.number
"""
_EVENT: Final = f"{EVENT} WHERE e.event_id = $1"

_labels = msgspec.json.Decoder(list[str]).decode
_areas = msgspec.json.Decoder(dict[str, int]).decode


class BoughtLine(Struct, frozen=True, array_like=True):
    """A seat, places, or a fee; `amount` is of all of it, None without a price."""

    label: str
    category: str
    quantity: int
    amount: int | None


class BoughtTicket(Struct, frozen=True, array_like=True):
    """A ticket by its id, what is read out, and where its holder sits."""

    ticket: str
    number: str
    label: str


class Confirmed(Struct, frozen=True):
    """What somebody bought, and whom to tell."""

    booking: str
    order: str | None
    user: str
    recipient: str
    reference: str
    lines: list[BoughtLine]
    total: Money | None
    """None where nothing has a price."""
    tickets: list[BoughtTicket]
    locale: str = ""
    is_paid: bool | None = None
    """Whether its order was paid before it was booked; None without an order."""

    def __repr__(self) -> str:
        """Leave out who it is."""
        return f"Confirmed({self.booking!r})"


_order_lines = msgspec.json.Decoder(list[BoughtLine]).decode
_tickets = msgspec.json.Decoder(list[BoughtTicket]).decode


async def read_confirmed(
    connection: Any, bookings: Sequence[tuple[str, str | None]]
) -> list[Confirmed]:
    """Return bookings, each with its order or None, of which somebody is to be told.

    What is cancelled by now is left out, and what nobody has an address for.
    """
    names = [booking for booking, _ in bookings]
    orders = [order for _, order in bookings]
    return [
        _confirmed_of(row) for row in await connection.fetch(_CONFIRMED, names, orders)
    ]


async def read_event(connection: Any, event: str) -> EventRow:
    """Return an event as it is committed by now; raises KeyError."""
    row = await connection.fetchrow(_EVENT, event)
    if row is None:
        raise KeyError(event)
    return event_of(row)


def _confirmed_of(row: Row) -> Confirmed:
    if row["order_id"] is None:
        lines, total = _booked(row)
    else:
        lines = _order_lines(row["order_lines"] or "[]")
        currency = row["currency"]
        total = None if currency is None else Money(row["total"], currency)
    return Confirmed(
        booking=row["booking_id"],
        order=row["order_id"],
        user=row["user_id"],
        recipient=row["recipient"],
        reference=row["reference"],
        lines=lines,
        total=total,
        tickets=_tickets(row["tickets"] or "[]"),
        locale=row["locale"],
        is_paid=row["is_paid"],
    )


def _booked(row: Row) -> tuple[list[BoughtLine], Money | None]:
    """Return what a booking without an order costs."""
    booked = lines_of(row["lines"], _labels(row["seats"]), _areas(row["areas"]))
    lines, total = [], None
    for one in booked:
        amount = None
        if one.price is not None:
            amount = one.price.amount * one.quantity
            before = 0 if total is None else total.amount
            total = Money(before + amount, one.price.currency)
        lines.append(BoughtLine(one.label, one.category or "", one.quantity, amount))
    return lines, total
