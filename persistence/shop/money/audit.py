"""Orders beside the journal: who was sold what the books say, and at those prices.

An order hears of its booking, and of what was given back, a moment after the journal
has it: what is on its way so is no difference.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from inventory.records import BookingRecord
from inventory.settings import Money, Sum
from inventory.state import Stock
from persistence.shop.money.sums import takings_of

PAGE: Final = 500

_ORDERS = """
SELECT o.order_id, o.reference, o.step, o.currency, p.booking_id,
    coalesce(sum(l.unit) FILTER (WHERE l.state = 'live'), 0)::bigint AS live,
    coalesce(sum(l.unit) FILTER (WHERE l.state = 'leaving'), 0)::bigint AS leaving,
    coalesce(array_agg(l.label) FILTER (WHERE l.state = 'live'), '{}') AS labels,
    coalesce(sum(l.unit) FILTER (WHERE l.kept), 0)::bigint AS kept,
    coalesce(array_agg(l.label) FILTER (WHERE l.state = 'leaving' OR l.kept), '{}')
        AS going
FROM order_part p JOIN orders o USING (order_id)
    LEFT JOIN order_line l ON l.order_id = o.order_id AND l.kind IN ('seat', 'place')
WHERE p.event_id = $1
GROUP BY o.order_id, o.reference, o.step, o.currency, p.booking_id
ORDER BY o.order_id
"""
_BOOKING: Final = frozenset({"paid", "late"})
"""Steps at which an order may have a booking and not know it."""

Add = Callable[[str], None]


class Order(Struct, frozen=True):
    """An order as far as the journal must know of it."""

    order: str
    reference: str
    step: str
    currency: str | None
    booking: str | None
    live: int
    """What its live seats and places cost by the event's prices."""
    leaving: int
    kept: int
    """What those cost that were given back, and that the journal has still booked."""
    labels: tuple[str, ...]
    going: tuple[str, ...]
    """What leaves, and what is kept."""


async def compare_orders(
    connection: Any, event: str, stock: Stock, paid: Mapping[str, Money], add: Add
) -> list[Sum]:
    """Add how the orders of an event differ from its journal and from the ledger.

    `paid` is what the live bookings of the journal cost. Return what the orders say of
    that, by currency (M8).
    """
    bookings: dict[str, BookingRecord] = {}
    for one in stock.bookings.values():
        if one.by_order and one.order is not None:
            if one.order in bookings:
                add(f"Order {one.order} has more than one live booking.")
            bookings[one.order] = one
    sums: Counter[str] = Counter()
    async for order in _orders(connection, event):
        booking = bookings.pop(order.order, None)
        if order.booking is not None and order.currency is not None:
            sums[order.currency] += order.live
        if booking is None:
            _compare_none(order, add)
        else:
            _compare(order, booking, stock, paid.get(booking.booking), add)
    for one in bookings.values():
        add(f"Booking {one.booking} is of order {one.order}, which is not there.")
    for takings in await takings_of(connection, event):
        for difference in takings.differences:
            add(difference.sentence())
    return [Sum(amount, currency) for currency, amount in sorted(sums.items())]


def _compare_none(order: Order, add: Add) -> None:
    """An order whose booking is not live has nothing live of it."""
    if order.booking is not None and order.labels:
        add(
            f"Order {order.reference} has {len(order.labels)} live seats and places,"
            f" and its booking {order.booking} is not live in the journal."
        )


def _compare(
    order: Order, booking: BookingRecord, stock: Stock, paid: Money | None, add: Add
) -> None:
    name = f"Order {order.reference}"
    if order.booking != booking.booking:
        if order.booking is not None or order.step not in _BOOKING:
            add(f"{name} does not know of its booking {booking.booking}.")
        return
    has, live = _places_of(booking, stock), Counter(order.labels)
    most = order.live + order.leaving + order.kept
    if live - has or has - live - Counter(order.going):
        add(f"{name} has other seats or places than its booking {booking.booking}.")
        return
    amount = 0 if paid is None else paid.amount
    if paid is not None and amount and paid.currency != order.currency:
        add(f"{name} is in {order.currency}, and its booking in {paid.currency}.")
    elif not order.live + order.kept <= amount <= most:
        add(f"{name} has seats and places for {order.live}, booked for {amount}.")


def _places_of(booking: BookingRecord, stock: Stock) -> Counter[str]:
    """Return the labels of a booking's seats, and of its places as often as it has."""
    areas = stock.venue.areas
    places = {areas[area].label: count for area, count in booking.areas.items()}
    return Counter(stock.venue.labels[seat] for seat in booking.seats) + Counter(places)


async def _orders(connection: Any, event: str) -> AsyncIterator[Order]:
    async for row in connection.cursor(_ORDERS, event, prefetch=PAGE):
        yield Order(
            row["order_id"],
            row["reference"],
            row["step"],
            row["currency"],
            row["booking_id"],
            row["live"],
            row["leaving"],
            row["kept"],
            tuple(row["labels"]),
            tuple(row["going"]),
        )
