"""Rules of holds: take, extend, give back, expire."""

from typing import TYPE_CHECKING

from msgspec import UNSET

from inventory import limits
from inventory.changes import (
    HoldExpired,
    HoldExtended,
    HoldReleased,
    HoldsKept,
    Seats,
    SeatsHeld,
)
from inventory.commands import ExpireHold, Extend, Hold, HoldBest, KeepHolds, Release
from inventory.records import FREE, HoldRecord
from inventory.replies import ExtendOk, HoldOk, Ok, Refused, Taken, TakenOk, refuse
from inventory.rules.common import (
    Decision,
    Request,
    areas_of,
    closed,
    has_booked,
    labels_of,
    loose_hold,
    names_of,
    no_places,
    places_of,
    price,
    rfc3339,
    seats_of,
    told,
)
from inventory.rules.hoarding import (
    NOTHING,
    Closed,
    closed_to,
    refuse_crowded,
    refuse_hoarding,
    refuse_until,
)
from inventory.rules.line_turns import gate
from inventory.settings import SaleState
from inventory.state import Stock
from inventory.suggest import (
    instead_of_leaving,
    instead_of_orphans,
    instead_of_taken,
)

if TYPE_CHECKING:
    from inventory.prices import Prices


def hold(request: Request, command: Hold) -> Decision:
    """Take the seats and places that the caller picked."""
    stock = request.stock
    labels = command.seats or []
    wanted = command.areas or {}
    quantity = len(labels) + (sum(wanted.values()) if wanted else 0)
    hold = _may_take(request, command.hold, quantity)
    if type(hold) is Refused:
        return None, hold
    places = places_of(stock, labels, wanted)
    if type(places) is Refused:
        return None, places
    seats, areas = places
    if request.origin is not None:
        refused = refuse_hoarding(request, hold, quantity, seats, areas)
        if refused is not None:
            return None, refused
    letters = stock.letters
    taken = [seat for seat in seats if letters[seat] != FREE]
    if taken:
        return None, instead_of_taken(stock, seats, taken, request.user)
    for area, count in areas.items():
        free = stock.areas[area].free
        if free < count:
            return None, no_places(stock, area, free, "free")
    # The seats of who has paid are not moved.
    if stock.settings.prevent_orphans and seats and not request.system:
        refused = instead_of_orphans(stock, seats, request.user, hold)
        if refused is not None:
            return None, refused

    added = Taken(labels, wanted)
    return _take(request, hold, seats, areas, added, command.ttl_s)


def hold_best(request: Request, command: HoldBest) -> Decision:
    """Take the best seats, or places of the roomiest area where there are none."""
    stock = request.stock
    hold = _may_take(request, command.hold, command.quantity)
    if type(hold) is Refused:
        return None, hold
    closed: Closed = NOTHING
    if request.origin is not None:
        refused = refuse_crowded(request, hold, command.quantity)
        if refused is not None:
            return None, refused
        closed = closed_to(request)
    category = command.category
    if category is not None and category not in stock.venue.categories:
        return None, refuse("not_enough_seats", f"There is no category {category!r}.")
    areas = _area_instead_of_seats(stock, command, closed)
    if areas is not None:
        if not areas:
            return None, _no_area(request, command, closed)
        added = Taken([], names_of(stock, areas))
        change, reply = _take(request, hold, (), areas, added, None)
        reply.adjacent = True
        return change, reply
    found, adjacent = _search(stock, command, closed)
    if found is None:
        return None, _no_seats(request, command, closed)

    seats = tuple(found)
    added = Taken(labels_of(stock, seats), {})
    change, reply = _take(request, hold, seats, {}, added, None)
    reply.adjacent = adjacent
    return change, reply


def _search(
    stock: Stock, command: HoldBest, closed: Closed
) -> tuple[list[int] | None, bool]:
    """Return the best seats but for those that are closed, and whether they adjoin.

    Nobody but this search sees the finder without the closed ones.
    """
    finder, letters = stock.finder, stock.letters
    left_out = []
    if closed:
        left_out = [seat for seat in closed if seat >= 0 and letters[seat] == FREE]
        finder.take(left_out)
    category, accessible = command.category, command.accessible
    try:
        found = finder.best(command.quantity, category=category, accessible=accessible)
        if found is not None or command.adjacent:
            return found, True
        found = finder.scattered(
            command.quantity, category=category, accessible=accessible
        )
        return found, False
    finally:
        if left_out:
            finder.free(left_out)


def _no_seats(request: Request, command: HoldBest, closed: Closed) -> Refused:
    """Refuse a search without result; some of the seats may be closed for a while."""
    stock = request.stock
    if closed:
        found, _ = _search(stock, command, NOTHING)
        if found:
            return refuse_until(request, closed, found)
    free = None if command.accessible else stock.finder.free_count(command.category)
    return _too_few(command, free)


def _no_area(request: Request, command: HoldBest, closed: Closed) -> Refused:
    """Refuse where no area has enough places; one may be closed for a while."""
    stock = request.stock
    if closed:
        areas = _area_instead_of_seats(stock, command, NOTHING)
        if areas:
            return refuse_until(request, closed, [-1 - area for area in areas])
    return _too_few(command, _most_free(stock, command.category))


def extend(request: Request, command: Extend) -> Decision:
    """Move the end of a hold of the caller; never to an earlier time."""
    settings = request.stock.settings
    refused = closed(settings.sale_state)
    if refused is not None and not _passes(request, settings.sale_state):
        return None, refused
    if request.stock.line is not None:
        refused = gate(request)
        if refused is not None:
            return None, refused
    hold = loose_hold(request, command.hold)
    if type(hold) is Refused:
        return None, hold
    ttl_s = min(command.ttl_s or settings.hold_ttl_s, settings.hold_ttl_s)
    deadline_ms = max(hold.deadline_ms, request.now_ms + ttl_s * 1_000)
    life_ms = limits.HOLD_LIFE_FACTOR * settings.hold_ttl_s * 1_000
    last_ms = max(hold.deadline_ms, hold.created_ms + life_ms)
    if deadline_ms > last_ms:
        refused = refuse("extend_limit")
        refused.deadline = rfc3339(last_ms)
        return None, refused

    reply = ExtendOk(
        expires_in_ms=deadline_ms - request.now_ms, expires_at=rfc3339(deadline_ms)
    )
    return HoldExtended(hold.token, deadline_ms), reply


def release(request: Request, command: Release) -> Decision:
    """Give back a hold of the caller, or the named part of it."""
    stock = request.stock
    hold = loose_hold(request, command.hold)
    if type(hold) is Refused:
        return None, hold
    if command.seats is None and command.areas is None:
        seats, areas = hold.seats, hold.areas
    else:
        named = seats_of(stock, command.seats or [])
        if type(named) is Refused:
            return None, named
        if not set(named).issubset(hold.seats):
            return None, refuse("seat_not_found", "This hold has no such seat.")
        places = areas_of(stock, command.areas or {})
        if type(places) is Refused:
            return None, places
        seats, areas = named, places
        for area, count in areas.items():
            if hold.areas.get(area, 0) < count:
                return None, refuse("area_not_found", "This hold has fewer places.")
        if stock.settings.prevent_orphans and seats:
            refused = instead_of_leaving(stock, hold, seats, request.user)
            if refused is not None:
                return None, refused

    change = HoldReleased(hold.token, seats, dict(areas))
    return change, TakenOk(seats=labels_of(stock, seats), areas=names_of(stock, areas))


def expire_hold(request: Request, command: ExpireHold) -> Decision:
    """End a hold that is kept no longer; a cancelled event keeps none."""
    stock = request.stock
    hold = stock.holds.get(command.hold)
    over = stock.settings.sale_state == "cancelled"
    if hold is None or (hold.ends_ms > request.now_ms and not over):
        return None, refuse("hold_not_found")
    return HoldExpired(command.hold), Ok()


def keep_holds(request: Request, command: KeepHolds) -> Decision:
    """Keep every live hold for a while after a recovery."""
    holds = request.stock.holds.values()
    if all(hold.ends_ms >= command.until_ms for hold in holds):
        return None, Ok()
    return HoldsKept(command.until_ms), Ok()


def _may_take(
    request: Request, token: str | None, quantity: int
) -> HoldRecord | Refused | None:
    """Check sale, hold and limits; return the hold to add to, None for a new one."""
    stock = request.stock
    settings = stock.settings
    refused = closed(settings.sale_state)
    if refused is not None and not _passes(request, settings.sale_state):
        return refused
    if stock.line is not None or settings.line is not None:
        refused = gate(request)
        if refused is not None:
            return refused
    hold = None
    has = quantity
    if token is not None:
        own = loose_hold(request, token)
        if type(own) is Refused:
            return own
        hold = own
        has += hold.size()
    if has > settings.max_per_booking:
        return _over(refuse("too_many_seats"), settings.max_per_booking, has - quantity)
    user = stock.users.get(request.user)
    count = user.count if user else 0
    if count + quantity > settings.max_per_user:
        return _over(refuse("user_limit"), settings.max_per_user, count)
    if has_booked(stock, request.user):
        # What could not be booked is left to others.
        return refuse("already_booked")
    return hold


def _passes(request: Request, state: SaleState) -> bool:
    """Return whether it is the shop, which takes again what was paid too late."""
    return request.system and state in ("paused", "closed")


def _over(refused: Refused, limit: int, has: int) -> Refused:
    """Tell in a refusal how many there may be, and how many there are already."""
    refused.limit, refused.has = limit, has
    return refused


def _too_few(command: HoldBest, free: int | None) -> Refused:
    """Refuse a search that found nothing, and tell how much is free where it is known.

    Seats for wheelchairs are not counted.
    """
    if free is None:
        return refuse("not_enough_seats")
    refused = refuse("not_enough_seats", f"Only {free} of this kind are left.")
    if free >= command.quantity:
        refused.detail = f"No {command.quantity} of this kind are side by side."
    refused.free = free
    return refused


def _most_free(stock: Stock, category: str | None) -> int:
    """Return how many places the roomiest area has, of a category or of all."""
    areas = zip(stock.areas, stock.venue.areas, strict=True)
    return max(
        (area.free for area, drawn in areas if category in (None, drawn.category)),
        default=0,
    )


def _area_instead_of_seats(
    stock: Stock, command: HoldBest, closed: Closed
) -> dict[int, int] | None:
    """Choose an area where the category (or the whole venue) has no seats at all.

    Returns None where seats are to be searched, and an empty choice where no area that
    is not closed has enough places left.
    """
    if command.accessible or stock.venue.has_seats(command.category):
        return None
    candidates = [
        (area.free, -index)
        for index, area in enumerate(stock.areas)
        if command.category in (None, stock.venue.areas[index].category)
        and -1 - index not in closed
    ]
    free, index = max(candidates, default=(0, 0))
    return {-index: command.quantity} if free >= command.quantity else {}


def _take(
    request: Request,
    hold: HoldRecord | None,
    seats: Seats,
    areas: dict[int, int],
    added: Taken,
    ttl_s: int | None,
) -> tuple[SeatsHeld, HoldOk]:
    """Build the change and the reply of a hold that must succeed.

    `added` names the `seats` and `areas`.
    """
    stock = request.stock
    more = price(stock, seats, areas)
    prices: Prices | None = more
    if hold is None:
        settings = stock.settings
        longest_s = settings.hold_ttl_s
        ttl_s = longest_s if ttl_s is None else min(ttl_s, longest_s)
        token, deadline_ms = request.ids.token(), request.now_ms + ttl_s * 1_000
        all_seats, all_areas = added.seats, added.areas
        total = more.total()
        origin = request.origin
    else:
        origin = hold.origin
        token, deadline_ms = hold.token, hold.deadline_ms
        all_seats = labels_of(stock, hold.seats) + added.seats
        all_areas = names_of(stock, hold.areas)
        for name, count in added.areas.items():
            all_areas[name] = all_areas.get(name, 0) + count
        total = told(stock, hold).plus(more).total()
        if hold.prices is None:
            # Of a former version: it is priced as a whole when it is booked.
            prices = None
    reply = HoldOk(
        hold=token,
        expires_in_ms=max(0, deadline_ms - request.now_ms),
        expires_at=rfc3339(deadline_ms),
        seats=all_seats,
        areas=all_areas,
        total=total,
        added=added,
        adjacent=UNSET,
    )
    change = SeatsHeld(token, request.user, seats, areas, deadline_ms, prices, origin)
    return change, reply
