"""Rules of what the shop asks: an order has a hold, gives it back, cancels a part."""

from msgspec import UNSET

from inventory import limits
from inventory.changes import (
    BookingCancelled,
    BookingReduced,
    HoldPledged,
    HoldReleased,
    PledgeEnded,
    Seats,
)
from inventory.commands import CancelPart, Pledge, Quote, Unpledge
from inventory.pledges import none_of, remaining
from inventory.prices import Kinds, Place, Prices
from inventory.records import BookingRecord, HoldRecord
from inventory.rejections import SYSTEM_ONLY
from inventory.replies import (
    GivenBackOk,
    PledgedLine,
    PledgeOk,
    QuoteOk,
    Refused,
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
    loose_hold,
    names_of,
    own_hold,
    rfc3339,
    seats_of,
    told,
)
from inventory.rules.types import as_before, reprice, sort
from inventory.settings import Money
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
    known = hold.pledge
    order = None if known is None else known.order
    if order is not None and order != command.order:
        return None, refuse("hold_pledged")
    priced = _priced(stock, hold, command)
    if type(priced) is Refused and priced.code == "price_changed":
        return None, priced
    until_ms = _until_ms(request, hold, command.until_s)
    if order is None:
        refused = _refuse_pledge(request, hold, until_ms)
        if refused is not None:
            return None, refused
    if type(priced) is Refused:
        return None, priced
    prices, kinds = priced

    reply = PledgeOk(
        hold=hold.token,
        order=command.order,
        expires_in_ms=max(0, until_ms - request.now_ms),
        expires_at=rfc3339(until_ms),
        lines=_lines(stock, hold, prices, kinds),
        total=prices.total(),
    )
    return HoldPledged(hold.token, command.order, until_ms, prices, kinds), reply


def _priced(
    stock: Stock, hold: HoldRecord, command: Pledge
) -> tuple[Prices, Kinds | None] | Refused:
    """Return what a hold costs its order, and as which types.

    An order that has it has it at those prices, and cannot sell it as others.
    """
    found = _as_asked(stock, hold, command)
    if type(found) is not Refused and command.total is not None:
        total = found[0].total()
        if not agree(command.total, total):
            return _price_changed(total)
    return found


def _as_asked(
    stock: Stock, hold: HoldRecord, command: Pledge | Quote
) -> tuple[Prices, Kinds | None] | Refused:
    lines = command.lines if type(command) is Pledge else None
    known, prices = hold.pledge, told(stock, hold)
    plain = prices
    if known is not None and known.order is not None:
        if command.types is None or lines is not None:
            return prices, known.kinds
        plain = known.plain or prices
    if lines is not None:
        return as_before(stock, hold, plain, lines)
    if not command.types:
        return (prices, None) if hold.order is None else _same(hold, prices, None)
    found = sort(stock, hold, plain, command.types)
    if type(found) is Refused:
        return found
    if hold.order is not None:
        return _same(hold, prices, found[1])
    repriced = reprice(stock, hold, plain, found)
    return repriced if type(repriced) is Refused else (repriced, found[1])


def _same(
    hold: HoldRecord, prices: Prices, kinds: Kinds | None
) -> tuple[Prices, Kinds | None] | Refused:
    """Refuse an order other types than those that it has a hold as."""
    if kinds != hold.kinds:
        return _price_changed(prices.total())
    return prices, kinds


def _price_changed(total: Money | None) -> Refused:
    changed = refuse("price_changed")
    changed.total = total
    return changed


def _until_ms(request: Request, hold: HoldRecord, until_s: int) -> int:
    """Return when a pledge ends that is asked for now: never before it did."""
    now_ms, pledge = request.now_ms, hold.pledge
    longest_s = request.stock.settings.pay_s + limits.PAY_MARGIN_S
    until_ms = now_ms + (until_s if until_s < longest_s else longest_s) * 1_000
    last_ms = _last_ms(now_ms if pledge is None else pledge.first_ms)
    until_ms = last_ms if until_ms > last_ms else until_ms
    if pledge is None or pledge.order is None:
        return until_ms
    return max(until_ms, hold.deadline_ms)


def _refuse_pledge(request: Request, hold: HoldRecord, until_ms: int) -> Refused | None:
    """Refuse an order what could not be booked: nobody pays for that."""
    stock = request.stock
    if until_ms <= request.now_ms:
        refused = refuse("extend_limit")
        refused.deadline = rfc3339(until_ms)
        return refused
    settings = stock.settings
    count, most = stock.users[hold.user].count, settings.max_per_user
    if count > most:
        refused = refuse("user_limit")
        refused.limit, refused.has = most, count
        return refused
    if settings.one_booking_per_user and has_booked(stock, hold.user, but=hold.token):
        return refuse("already_booked")
    return None


def _last_ms(first_ms: int) -> int:
    """Return until when orders may have a hold that one had first then."""
    return first_ms + limits.PLEDGE_LIFE_S * 1_000


def _lines(
    stock: Stock, hold: HoldRecord, prices: Prices, kinds: Kinds | None
) -> list[PledgedLine]:
    """Return one line for each seat and each single place."""
    venue = stock.venue
    label, category = venue.labels.__getitem__, venue.seat_categories.__getitem__
    if kinds is None and not prices.areas:
        # As nearly all are.
        seats = hold.seats
        return [
            *map(PledgedLine, map(label, seats), map(category, seats), prices.seats)
        ]
    areas = venue.areas
    kinds = kinds or none_of(prices)
    return [
        *(
            PledgedLine(label(seat), category(seat), amount, kind)
            for seat, amount, kind in zip(
                hold.seats, prices.seats, kinds.seats, strict=True
            )
        ),
        *(
            PledgedLine(areas[area].label, areas[area].category, each, kind)
            for (area, count, each), kind in zip(prices.areas, kinds.areas, strict=True)
            for _ in range(count)
        ),
    ]


def quote(request: Request, command: Quote) -> Decision:
    """Tell what an order of a hold of the buyer would cost, and change nothing."""
    stock = request.stock
    if not request.system:
        return None, refuse("forbidden", SYSTEM_ONLY)
    hold = loose_hold(request, command.hold)
    if type(hold) is Refused:
        return None, hold
    priced = _as_asked(stock, hold, command)
    if type(priced) is Refused:
        return None, priced
    prices, kinds = priced
    reply = QuoteOk(
        hold=hold.token,
        expires_in_ms=max(0, hold.deadline_ms - request.now_ms),
        expires_at=rfc3339(hold.deadline_ms),
        lines=_lines(stock, hold, prices, kinds),
        total=prices.total(),
    )
    return None, reply


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
    seats, areas, places = part
    reply = GivenBackOk(seats=labels_of(stock, seats), areas=names_of(stock, areas))
    prices = booking.prices
    if len(seats) == len(booking.seats) and areas == booking.areas:
        reply.total = UNSET if prices is None else prices.total()
        return BookingCancelled(booking.booking), reply
    if prices is None:
        detail = "A former version booked it; it can only be cancelled as a whole."
        return None, refuse("wrong_state", detail)
    left = remaining(booking, seats, areas, places)
    if left is None or left.prices is None:
        return None, refuse("area_not_found", "This booking has no such places.")
    reply.total = prices.minus(left.prices)
    change = BookingReduced(booking.booking, seats, areas, reply.total, places)
    return change, reply


def _part_of(
    stock: Stock, booking: BookingRecord, command: CancelPart
) -> tuple[Seats, dict[int, int], tuple[Place, ...]] | Refused:
    """Return what is named of a booking, each seat once; all where nothing is.

    The places by area, and again those of them that are told apart.
    """
    if not (command.seats or command.areas or command.places):
        return booking.seats, dict(booking.areas), ()
    named = seats_of(stock, command.seats or [])
    if type(named) is Refused:
        return named
    seats = tuple(dict.fromkeys(named))
    if not set(seats).issubset(booking.seats):
        return refuse("seat_not_found", "This booking has no such seat.")
    areas = areas_of(stock, command.areas or {})
    if type(areas) is Refused:
        return areas
    places: list[Place] = []
    for one in command.places or ():
        area = stock.venue.area_index.get(one.area)
        if area is None:
            return refuse("area_not_found", f"There is no area {one.area!r}.")
        areas[area] = areas.get(area, 0) + one.quantity
        places.append((area, one.quantity, one.amount, one.type))
    if any(booking.areas.get(area, 0) < count for area, count in areas.items()):
        return refuse("area_not_found", "This booking has fewer places.")
    return seats, areas, tuple(places)
