"""What becomes of a hold that an order has, and of a booking that gives back a part.

Plain functions from record to record, for `Stock.apply`; what does not fit the record
raises `Corrupt`.
"""

from itertools import compress

from msgspec.structs import replace

from inventory import limits
from inventory.changes import (
    BookingReduced,
    HoldBooked,
    HoldPledged,
    PledgeEnded,
    Seats,
)
from inventory.prices import Kinds, Place, Prices, Run
from inventory.records import BookingRecord, Corrupt, HoldRecord, PledgeRecord

Wanted = tuple[int, int, int | None, str | None]
"""Places that go: area, how many, amount of each or None for any, and their type."""


def pledged(hold: HoldRecord, change: HoldPledged, at_ms: int) -> HoldRecord:
    """Return a hold as the order of `change` has it."""
    known = hold.pledge
    first_ms, plain_ms = at_ms, hold.deadline_ms
    plain = None if change.kinds is None else hold.prices
    if known is not None:
        first_ms = known.first_ms
        if known.order is not None:
            plain_ms = known.deadline_ms
            plain = known.plain
            if known.order != change.order:
                raise Corrupt("a hold is pledged to two orders")
            if known.kinds != change.kinds:
                raise Corrupt("an order has a hold as other types than before")
    if change.until_ms > first_ms + limits.PLEDGE_LIFE_S * 1_000:
        raise Corrupt("an order has a hold for too long")
    pledge = PledgeRecord(
        change.order, change.until_ms, first_ms, plain_ms, change.kinds, plain
    )
    return HoldRecord(
        hold.token,
        hold.user,
        hold.seats,
        hold.areas,
        hold.created_ms,
        change.until_ms,
        _ends_ms(hold, change.until_ms),
        change.prices,
        hold.origin,
        pledge,
    )


def unpledged(hold: HoldRecord, change: PledgeEnded) -> HoldRecord:
    """Return a hold as its buyer has it back, of no types.

    When it was pledged first is kept.
    """
    pledge = hold.pledge
    if pledge is None or pledge.order is None:
        raise Corrupt("a pledge ends that is none")
    return replace(
        hold,
        deadline_ms=change.deadline_ms,
        ends_ms=_ends_ms(hold, change.deadline_ms),
        prices=hold.prices if pledge.kinds is None else pledge.plain,
        pledge=replace(pledge, order=None, kinds=None, plain=None),
    )


def _ends_ms(hold: HoldRecord, deadline_ms: int) -> int:
    """Return when a hold ends that is promised until then from now on.

    Where a recovery keeps it for longer, it is kept: an order may ask for its hold once
    more when that is over, and has no later end to promise.
    """
    ends_ms = deadline_ms + limits.HOLD_GRACE_MS
    if hold.ends_ms > hold.deadline_ms + limits.HOLD_GRACE_MS:
        return max(ends_ms, hold.ends_ms)
    return ends_ms


def refuse_pledged(hold: HoldRecord) -> None:
    """Raise where an order has a hold: neither its size nor its end is its buyer's."""
    if hold.pledge is not None and hold.pledge.order is not None:
        raise Corrupt("a hold changes that an order has")


def refuse_others(pledge: PledgeRecord, change: HoldBooked) -> None:
    """Raise where another than its order books a pledged hold."""
    order = pledge.order
    if order is not None and not (change.by_order and change.order == order):
        raise Corrupt("a pledged hold is booked by another than its order")


def left_of(booking: BookingRecord, change: BookingReduced) -> BookingRecord:
    """Return what is left of a booking."""
    left = remaining(booking, change.seats, change.areas, change.places)
    if left is None or not (left.seats or left.areas):
        raise Corrupt(f"booking {booking.booking} cannot give back that part")
    return left


def remaining(
    booking: BookingRecord,
    gone: Seats,
    areas: dict[int, int],
    places: tuple[Place, ...],
) -> BookingRecord | None:
    """Return a booking without some seats and places; None where it has not got them.

    `areas` counts all places that go, `places` those of them that are told apart. Of
    the others those go that were added last, once the former are gone.
    """
    seats, prices = set(gone), booking.prices
    if len(seats) != len(gone) or not seats.issubset(booking.seats) or prices is None:
        return None
    rest = dict(areas)
    for area, count, _, _ in places:
        rest[area] = rest.get(area, 0) - count
    wanted: list[Wanted] = [*places]
    wanted += [(area, count, None, None) for area, count in rest.items() if count]
    kinds = booking.kinds or none_of(prices)
    runs = [*zip(prices.areas, kinds.areas, strict=True)]
    for one in wanted:
        if one[1] < 1 or not _take_out(runs, one):
            return None
    kept = [seat not in seats for seat in booking.seats]
    left = Prices(
        prices.currency,
        tuple(compress(prices.seats, kept)),
        tuple([run for run, _ in runs]),
    )
    of = Kinds(tuple(compress(kinds.seats, kept)), tuple([kind for _, kind in runs]))
    return replace(
        booking,
        seats=tuple(compress(booking.seats, kept)),
        areas=difference(booking.areas, areas),
        prices=left,
        kinds=None if booking.kinds is None else of,
    )


def _take_out(runs: list[tuple[Run, str | None]], wanted: Wanted) -> bool:
    """Take places out of runs, from the last; return whether there were so many."""
    area, left, each, kind = wanted
    for index in reversed(range(len(runs))):
        (place, count, amount), of = runs[index]
        if place != area or (each is not None and (amount, of) != (each, kind)):
            continue
        gone = min(count, left)
        left -= gone
        if count > gone:
            runs[index] = (place, count - gone, amount), of
        else:
            del runs[index]
        if not left:
            return True
    return False


def none_of(prices: Prices) -> Kinds:
    """Return that nothing of these is of any type."""
    return Kinds((None,) * len(prices.seats), (None,) * len(prices.areas))


def difference(counts: dict[int, int], less: dict[int, int]) -> dict[int, int]:
    """Return the places by area that are left of `counts`."""
    result = dict(counts)
    for index, quantity in less.items():
        left = result.get(index, 0) - quantity
        if left < 0:
            raise Corrupt(f"more places go than there are, in area {index}")
        if left:
            result[index] = left
        else:
            del result[index]
    return result


def added(prices: Prices | None, more: Prices | None) -> Prices | None:
    """Return the prices of a hold that was added to; None where it keeps none."""
    if prices is None or more is None:
        return None
    return prices.plus(more)


def summed(counts: dict[int, int], more: dict[int, int]) -> dict[int, int]:
    """Return the places by area of two such counts together."""
    result = dict(counts)
    for index, quantity in more.items():
        result[index] = result.get(index, 0) + quantity
    return result
