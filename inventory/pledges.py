"""What becomes of a hold that an order has, and of a booking that gives back a part.

Plain functions from record to record, for `Stock.apply`; what does not fit the record
raises `Corrupt`.
"""

from itertools import compress

from msgspec.structs import replace

from inventory import limits
from inventory.changes import BookingReduced, HoldBooked, HoldPledged, PledgeEnded
from inventory.records import BookingRecord, Corrupt, HoldRecord, PledgeRecord


def pledged(hold: HoldRecord, change: HoldPledged, at_ms: int) -> HoldRecord:
    """Return a hold as the order of `change` has it."""
    known = hold.pledge
    first_ms, plain_ms = at_ms, hold.deadline_ms
    if known is not None:
        first_ms = known.first_ms
        if known.order is not None:
            plain_ms = known.deadline_ms
            if known.order != change.order:
                raise Corrupt("a hold is pledged to two orders")
    if change.until_ms > first_ms + limits.PLEDGE_LIFE_S * 1_000:
        raise Corrupt("an order has a hold for too long")
    return replace(
        hold,
        deadline_ms=change.until_ms,
        ends_ms=change.until_ms + limits.HOLD_GRACE_MS,
        prices=change.prices,
        pledge=PledgeRecord(change.order, change.until_ms, first_ms, plain_ms),
    )


def unpledged(hold: HoldRecord, change: PledgeEnded) -> HoldRecord:
    """Return a hold as its buyer has it back; when it was pledged first is kept."""
    pledge = hold.pledge
    if pledge is None or pledge.order is None:
        raise Corrupt("a pledge ends that is none")
    ends_ms = change.deadline_ms + limits.HOLD_GRACE_MS
    if hold.ends_ms > hold.deadline_ms + limits.HOLD_GRACE_MS:
        # A recovery keeps it until then.
        ends_ms = max(ends_ms, hold.ends_ms)
    return replace(
        hold,
        deadline_ms=change.deadline_ms,
        ends_ms=ends_ms,
        pledge=replace(pledge, order=None),
    )


def refuse_pledged(hold: HoldRecord) -> None:
    """Raise where an order has a hold: neither its size nor its end is its buyer's."""
    if hold.pledge is not None and hold.pledge.order is not None:
        raise Corrupt("a hold changes that an order has")


def refuse_others(hold: HoldRecord, change: HoldBooked) -> None:
    """Raise where another than its order books a pledged hold."""
    order = hold.order
    if order is not None and not (change.by_order and change.order == order):
        raise Corrupt("a pledged hold is booked by another than its order")


def left_of(booking: BookingRecord, change: BookingReduced) -> BookingRecord:
    """Return what is left of a booking."""
    gone = set(change.seats)
    if len(gone) != len(change.seats) or not gone.issubset(booking.seats):
        raise Corrupt(f"booking {booking.booking} has not all the seats it gives back")
    kept = [seat not in gone for seat in booking.seats]
    seats = tuple(compress(booking.seats, kept))
    areas = difference(booking.areas, change.areas)
    if booking.prices is None or not (seats or areas):
        raise Corrupt(f"booking {booking.booking} cannot give back a part")
    prices = booking.prices.keeping(kept, change.areas)
    return replace(booking, seats=seats, areas=areas, prices=prices)


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
