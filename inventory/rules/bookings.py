"""Rules of bookings, and what the caller has."""

from msgspec import UNSET

from inventory.changes import BookingCancelled, HoldBooked
from inventory.commands import ORDER_PREFIX, Book, Cancel, Holding
from inventory.records import HoldRecord
from inventory.rejections import SYSTEM_ONLY
from inventory.replies import (
    BookOk,
    HeldBooking,
    HeldHold,
    HoldingOk,
    Refused,
    TakenOk,
    refuse,
)
from inventory.rules.common import (
    Decision,
    Request,
    agree,
    has_booked,
    labels_of,
    names_of,
    own_hold,
    rfc3339,
    told,
)
from inventory.settings import Money, settled_in
from inventory.state import Stock
from inventory.suggest import instead_of_booking


def book(request: Request, command: Book) -> Decision:
    """Make a hold of the caller final."""
    stock, order = request.stock, command.order
    if order is not None and order.startswith(ORDER_PREFIX) and not request.system:
        return None, refuse("forbidden", SYSTEM_ONLY)
    if stock.settings.sale_state == "cancelled":
        return None, refuse("sale_closed", "The event is cancelled.")
    hold = own_hold(request, command.hold)
    if type(hold) is Refused:
        return None, hold
    had_by = None if hold.pledge is None else hold.pledge.order
    paid = had_by is not None
    if paid and not (request.system and order == had_by):
        return None, refuse("hold_pledged")
    total = told(stock, hold).total()
    if command.total is not None and not agree(command.total, total):
        changed = refuse("price_changed")
        changed.total = total
        return None, changed
    if not paid:
        refused = _refuse_unpaid(request, hold)
        if refused is not None:
            return None, refused

    booking, reference = request.ids.token(), request.ids.reference()
    reply = BookOk(
        booking=booking,
        reference=reference,
        seats=labels_of(stock, hold.seats),
        areas=names_of(stock, hold.areas),
        total=total,
    )
    if total is None:
        currency = settled_in(stock.settings.prices)
        if currency is not None:
            # Held when the event was free: who counts the journal shall not price it
            # anew.
            total = Money(0, currency)
    by_order = request.system and order is not None
    return HoldBooked(hold.token, booking, reference, order, total, by_order), reply


def _refuse_unpaid(request: Request, hold: HoldRecord) -> Refused | None:
    """Refuse to book what no order has; an order was asked all this when it got it."""
    stock = request.stock
    if has_booked(stock, request.user):
        return refuse("already_booked")
    if request.system:
        return None
    if stock.settings.payment == "required":
        return refuse("payment_required")
    return _leaves_orphan(stock, hold)


def _leaves_orphan(stock: Stock, hold: HoldRecord) -> Refused | None:
    """Return why the seats should be moved up by one before they are booked.

    Nobody is asked for what cannot be done: once the sale is paused no seat can be
    added, and what is paid for is booked as it is.
    """
    settings = stock.settings
    if not settings.prevent_orphans or settings.sale_state != "on_sale":
        return None
    return instead_of_booking(stock, hold)


def cancel(request: Request, command: Cancel) -> Decision:
    """Undo a booking; an organiser may undo anybody's, however late.

    That of an order is given back by its order alone, with the money.
    """
    stock = request.stock
    booking = stock.bookings.get(command.booking)
    if booking is None or (booking.user != request.user and not request.organizer):
        return None, refuse("booking_not_found")
    if booking.by_order:
        return None, refuse("belongs_to_order")
    settings = stock.settings
    until_ms = settings.starts_at_ms - settings.cancel_until_s * 1_000
    if request.now_ms > until_ms and not request.organizer:
        late = refuse("cancel_too_late")
        late.deadline = rfc3339(until_ms)
        return None, late

    reply = TakenOk(
        seats=labels_of(stock, booking.seats), areas=names_of(stock, booking.areas)
    )
    return BookingCancelled(booking.booking), reply


def holding(request: Request, command: Holding) -> Decision:
    """Tell what the caller holds and has booked, oldest first."""
    stock = request.stock
    record = stock.users.get(request.user)
    if record is None:
        return None, HoldingOk(holds=[], bookings=[])
    holds = [
        HeldHold(
            hold.token,
            max(0, hold.deadline_ms - request.now_ms),
            rfc3339(hold.deadline_ms),
            labels_of(stock, hold.seats),
            names_of(stock, hold.areas),
            told(stock, hold).total(),
            hold.order or UNSET,
        )
        for hold in (stock.holds[token] for token in record.holds)
    ]
    bookings = [
        HeldBooking(
            booking.booking,
            booking.reference,
            labels_of(stock, booking.seats),
            names_of(stock, booking.areas),
            UNSET if booking.prices is None else booking.prices.total(),
        )
        for booking in (stock.bookings[name] for name in record.bookings)
    ]
    return None, HoldingOk(holds=holds, bookings=bookings)
