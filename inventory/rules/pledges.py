"""Rules of what the shop asks: an order has a hold, gives it back, cancels a part."""

from inventory import limits
from inventory.changes import (
    BookingCancelled,
    BookingReduced,
    HoldPledged,
    HoldReleased,
    PledgeEnded,
    Seats,
)
from inventory.commands import CancelPart, Pledge, Unpledge
from inventory.prices import Prices
from inventory.records import BookingRecord, HoldRecord
from inventory.rejections import SYSTEM_ONLY
from inventory.replies import (
    PledgedLine,
    PledgeOk,
    Refused,
    TakenOk,
    UnpledgeOk,
    refuse,
)
from inventory.rules.common import (
    Decision,
    Request,
    agree,
    areas_of,
    has_booked,
    labels_of,
    names_of,
    own_hold,
    rfc3339,
    seats_of,
    told,
)
from inventory.state import Stock


def pledge(request: Request, command: Pledge) -> Decision:
    """Give an order a hold of the buyer, or let it have that for longer."""
    stock = request.stock
    if not request.system:
        return None, refuse("forbidden", SYSTEM_ONLY)
    if stock.settings.sale_state == "cancelled":
        return None, refuse("sale_closed", "The event is cancelled.")
    hold = own_hold(request, command.hold)
    if type(hold) is Refused:
        return None, hold
    if hold.order not in (None, command.order):
        return None, refuse("hold_pledged")
    prices = told(stock, hold)
    total = prices.total()
    if command.total is not None and not agree(command.total, total):
        changed = refuse("price_changed")
        changed.total = total
        return None, changed
    until_ms = request.now_ms + min(command.until_s, limits.PLEDGE_S_MAX) * 1_000
    first_ms = request.now_ms if hold.pledge is None else hold.pledge.first_ms
    until_ms = min(until_ms, _last_ms(first_ms))
    if hold.order is not None:
        until_ms = max(until_ms, hold.deadline_ms)
    else:
        refused = _refuse_pledge(request, hold, until_ms)
        if refused is not None:
            return None, refused

    reply = PledgeOk(
        hold=hold.token,
        order=command.order,
        expires_in_ms=max(0, until_ms - request.now_ms),
        expires_at=rfc3339(until_ms),
        lines=_lines(stock, hold, prices),
        total=total,
    )
    return HoldPledged(hold.token, command.order, until_ms, prices), reply


def _refuse_pledge(request: Request, hold: HoldRecord, until_ms: int) -> Refused | None:
    """Refuse an order what could not be booked: nobody pays for that."""
    stock = request.stock
    if until_ms <= request.now_ms:
        refused = refuse("extend_limit")
        refused.deadline = rfc3339(until_ms)
        return refused
    count, most = stock.users[hold.user].count, stock.settings.max_per_user
    if count > most:
        refused = refuse("user_limit")
        refused.limit, refused.has = most, count
        return refused
    if has_booked(stock, hold.user, but=hold.token):
        return refuse("already_booked")
    return None


def _last_ms(first_ms: int) -> int:
    """Return until when orders may have a hold that one had first then."""
    return first_ms + limits.PLEDGE_LIFE_S * 1_000


def _lines(stock: Stock, hold: HoldRecord, prices: Prices) -> list[PledgedLine]:
    """Return one line for each seat and each single place."""
    seats, areas = stock.venue.seats, stock.venue.areas
    return [
        *(
            PledgedLine(seats[seat].label, seats[seat].category, amount)
            for seat, amount in zip(hold.seats, prices.seats, strict=True)
        ),
        *(
            PledgedLine(areas[area].label, areas[area].category, each)
            for area, count, each in prices.areas
            for _ in range(count)
        ),
    ]


def unpledge(request: Request, command: Unpledge) -> Decision:
    """Take a hold from its order: for its buyer, or for all.

    The buyer has it for what was left of its time, a minute at least; but no longer
    than an order could have had it.
    """
    stock = request.stock
    if not request.system:
        return None, refuse("forbidden", SYSTEM_ONLY)
    hold = own_hold(request, command.hold)
    if type(hold) is Refused:
        return None, hold
    pledge = hold.pledge
    if pledge is None or pledge.order != command.order:
        return None, refuse("hold_not_found", "This order has no such hold.")
    if command.release:
        free = UnpledgeOk(
            expires_at=None,
            seats=labels_of(stock, hold.seats),
            areas=names_of(stock, hold.areas),
        )
        return HoldReleased(hold.token, hold.seats, dict(hold.areas)), free
    at_least_ms = request.now_ms + limits.UNPLEDGED_MS
    at_least_ms = min(at_least_ms, _last_ms(pledge.first_ms))
    deadline_ms = max(pledge.deadline_ms, at_least_ms)
    kept = UnpledgeOk(expires_at=rfc3339(deadline_ms), seats=[], areas={})
    return PledgeEnded(hold.token, deadline_ms), kept


def cancel_part(request: Request, command: CancelPart) -> Decision:
    """Free a part of a booking, or all of it."""
    stock = request.stock
    if not request.system:
        return None, refuse("forbidden", SYSTEM_ONLY)
    booking = stock.bookings.get(command.booking)
    if booking is None or booking.user != request.user:
        return None, refuse("booking_not_found")
    part = _part_of(stock, booking, command)
    if type(part) is Refused:
        return None, part
    seats, areas = part
    reply = TakenOk(seats=labels_of(stock, seats), areas=names_of(stock, areas))
    if len(seats) == len(booking.seats) and areas == booking.areas:
        return BookingCancelled(booking.booking), reply
    prices = booking.prices
    if prices is None:
        detail = "A former version booked it; it can only be cancelled as a whole."
        return None, refuse("wrong_state", detail)
    gone = set(seats)
    left = prices.keeping([seat not in gone for seat in booking.seats], areas)
    total = prices.minus(left)
    return BookingReduced(booking.booking, seats, areas, total), reply


def _part_of(
    stock: Stock, booking: BookingRecord, command: CancelPart
) -> tuple[Seats, dict[int, int]] | Refused:
    """Return what is named of a booking, each seat once; all where nothing is."""
    if not command.seats and not command.areas:
        return booking.seats, dict(booking.areas)
    named = seats_of(stock, command.seats or [])
    if type(named) is Refused:
        return named
    seats = tuple(dict.fromkeys(named))
    if not set(seats).issubset(booking.seats):
        return refuse("seat_not_found", "This booking has no such seat.")
    areas = areas_of(stock, command.areas or {})
    if type(areas) is Refused:
        return areas
    if any(booking.areas.get(area, 0) < count for area, count in areas.items()):
        return refuse("area_not_found", "This booking has fewer places.")
    return seats, areas
