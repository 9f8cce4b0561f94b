"""Whether a state keeps its invariants, and the digest of all that `decide` reads.

I1 to I10 are numbered in `inventory/state.py`. Here a state is looked at as a whole, as
tests, the simulation and the audit do; what guards a seat in a sale is in `apply`.
"""

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from msgspec import msgpack

from inventory import limits
from inventory.line import stored
from inventory.records import (
    BLOCKED,
    BOOKED,
    FREE,
    HELD,
    AreaCount,
    BookingRecord,
    Corrupt,
    HoldRecord,
    capacities,
)

if TYPE_CHECKING:
    from inventory.state import Stock


def check(stock: "Stock") -> None:
    """Raise `Corrupt` unless every invariant holds. Changes nothing."""
    letters = bytearray(stock.letters.replace(b"h", b"f").replace(b"b", b"f"))
    counts: dict[str, int] = {}
    for hold in stock.holds.values():
        _tally(hold, HELD, letters, counts)
    for booking in stock.bookings.values():
        _tally(booking, BOOKED, letters, counts)
    if letters != stock.letters:
        raise Corrupt("I2: letters and holders differ")
    areas = _areas_of_holders(stock)
    if areas != stock.areas or any(min(area.counts()) < 0 for area in areas):
        raise Corrupt("I3: an area's counts differ from its holders and capacity")
    if counts != {user: record.count for user, record in stock.users.items()}:
        raise Corrupt("I4: users' counts differ from what they have")
    if any(
        stock.finder.is_free(seat) != (letter == FREE)
        for seat, letter in enumerate(stock.letters)
    ):
        raise Corrupt("I6: the finder knows other free seats")
    if not all(map(_is_priced, stock.holds.values())) or not all(
        map(_is_priced, stock.bookings.values())
    ):
        raise Corrupt("I7: prices are of other seats and places")
    _check_networks(stock)
    _check_reasons(stock)
    if not all(map(_ends_with_pledge, stock.holds.values())):
        raise Corrupt("I9: a pledged hold has another end than its pledge")
    if stock.line is not None:
        stored.check(stock, stock.line)


def _check_reasons(stock: "Stock") -> None:
    if any(stock.letters[seat] != BLOCKED for seat in stock.reasons):
        raise Corrupt("I10: a seat that is on sale has a reason not to be")


def _check_networks(stock: "Stock") -> None:
    """Count again what each network holds; none is remembered for nothing."""
    held: dict[str, int] = {}
    for hold in stock.holds.values():
        if hold.origin is not None:
            held[hold.origin] = held.get(hold.origin, 0) + hold.size()
    for _, origin, _ in stock.hoarding.lately():
        held.setdefault(origin, 0)
    networks = stock.hoarding.networks.items()
    if held != {origin: network.held for origin, network in networks}:
        raise Corrupt("I8: networks' counts differ from what is held from them")


def _areas_of_holders(stock: "Stock") -> list[AreaCount]:
    """Count the areas again, from their capacities and who has places in them."""
    places = capacities(stock.venue, stock.settings)
    areas = [AreaCount(capacity) for capacity in places]
    for hold in stock.holds.values():
        for index, quantity in hold.areas.items():
            areas[index].held += quantity
    for booking in stock.bookings.values():
        for index, quantity in booking.areas.items():
            areas[index].booked += quantity
    for area, known in zip(areas, stock.areas, strict=True):
        area.blocked = known.blocked
        area.free -= area.held + area.booked + area.blocked
    return areas


def digest(stock: "Stock") -> bytes:
    """Digest of everything that `decide` reads, the same for equal states."""
    parts = (
        stock.version,
        stock.at_ms,
        bytes(stock.letters),
        [area.counts() for area in stock.areas],
        sorted(
            (
                h.token,
                h.user,
                sorted(h.seats),
                sorted(h.areas.items()),
                h.created_ms,
                h.deadline_ms,
                h.ends_ms,
                _priced(h),
                h.origin or "",
                *(() if h.pledge is None else (h.pledge,)),
            )
            for h in stock.holds.values()
        ),
        sorted(
            (
                b.booking,
                b.reference,
                b.user,
                b.order or "",
                sorted(b.seats),
                sorted(b.areas.items()),
                _priced(b),
                *((True,) if b.by_order else ()),
                *(() if b.kinds is None else (b.kinds,)),
            )
            for b in stock.bookings.values()
        ),
        list(stock.expired_at),
        stock.settings,
        stock.hoarding.lately(),
        stock.hoarding.by_user.rows(),
        stock.hoarding.by_network.rows(),
        *(() if stock.line is None else (stored.parts_of(stock.line),)),
        *((sorted(stock.reasons.items()),) if stock.reasons else ()),
    )
    return sha256(msgpack.encode(parts)).digest()


def _ends_with_pledge(hold: HoldRecord) -> bool:
    """Return whether a hold that an order has ends with that, and not too late."""
    pledge = hold.pledge
    if pledge is None or pledge.order is None:
        return True
    last_ms = pledge.first_ms + limits.PLEDGE_LIFE_S * 1_000
    return hold.deadline_ms == pledge.until_ms <= last_ms and hold.prices is not None


def _is_priced(record: HoldRecord | BookingRecord) -> bool:
    """Return whether a record's prices are those of its seats and places."""
    prices = record.prices
    if prices is None:
        return True
    places: dict[int, int] = {}
    for area, count, _ in prices.areas:
        places[area] = places.get(area, 0) + count
    kinds = record.kinds
    if kinds is not None and (
        len(kinds.seats) != len(record.seats) or len(kinds.areas) != len(prices.areas)
    ):
        return False
    return len(prices.seats) == len(record.seats) and places == record.areas


def _priced(record: HoldRecord | BookingRecord) -> tuple[Any, ...]:
    """Return what each seat and place of a record costs, whatever their order."""
    prices = record.prices
    if prices is None:
        return ()
    seats = sorted(zip(record.seats, prices.seats, strict=True))
    return prices.currency or "", seats, prices.areas


def _tally(
    record: HoldRecord | BookingRecord,
    letter: int,
    letters: bytearray,
    counts: dict[str, int],
) -> None:
    """Set the letters of a record's seats, each once, and count them for its user."""
    for seat in record.seats:
        if letters[seat] != FREE:
            raise Corrupt(f"I2: seat {seat} is taken twice")
        letters[seat] = letter
    size = len(record.seats) + sum(record.areas.values())
    counts[record.user] = counts.get(record.user, 0) + size
