"""What the state of an event consists of: letters, holds, bookings, counts, users.

Plain values; `Stock` (`inventory/state.py`) is the only one that puts them in place.
"""

from typing import Final

from msgspec import Struct

from inventory.changes import Seats
from inventory.prices import Kinds, Prices
from inventory.settings import Settings
from inventory.venue.map import Venue

FREE: Final = ord("f")
HELD: Final = ord("h")
BOOKED: Final = ord("b")
BLOCKED: Final = ord("x")


class Corrupt(Exception):
    """A change does not fit the state: a bug or a damaged journal. The event stops."""


class PledgeRecord(Struct, frozen=True, omit_defaults=True, gc=False):
    """What is known of a hold that an order has, or had: then `order` is None."""

    order: str | None
    until_ms: int
    first_ms: int
    """When an order had it first."""
    deadline_ms: int
    """What its holder was promised before the order had it."""
    kinds: Kinds | None = None
    """Which types the order has its seats and places as; None where all are of none."""
    plain: Prices | None = None
    """What it cost before it had types, and costs again without the order."""


class HoldRecord(Struct, frozen=True, gc=False):
    """A live hold. `deadline_ms` is promised; it is kept until `ends_ms`.

    Replaced and never changed in place: a snapshot is encoded while the sale goes on.
    """

    token: str
    user: str
    seats: Seats
    areas: dict[int, int]
    created_ms: int
    deadline_ms: int
    ends_ms: int
    prices: Prices | None = None
    """None of a hold that a former version took: it is priced when it is booked."""
    origin: str | None = None
    """The network that it is held from; None where that does not matter."""
    pledge: PledgeRecord | None = None
    """None of a hold that no order ever had."""

    @property
    def order(self) -> str | None:
        """The order that has it now."""
        return None if self.pledge is None else self.pledge.order

    @property
    def kinds(self) -> Kinds | None:
        """The types that the order has its seats and places as."""
        return None if self.pledge is None else self.pledge.kinds

    @property
    def pledged_until_ms(self) -> int | None:
        """Until when an order has it; None where none has."""
        pledge = self.pledge
        return None if pledge is None or pledge.order is None else pledge.until_ms

    def size(self) -> int:
        """Count its seats and places."""
        return len(self.seats) + sum(self.areas.values())


class BookingRecord(Struct, frozen=True, gc=False):
    """A live booking."""

    booking: str
    reference: str
    user: str
    order: str | None
    seats: Seats
    areas: dict[int, int]
    prices: Prices | None = None
    """None of what a former version held: only the journal knows what it cost."""
    by_order: bool = False
    """Whether `order` is one of the shop's, and no note of the buyer's."""
    kinds: Kinds | None = None
    """Which types its seats and places were sold as; None where all are of none."""


class AreaCount(Struct):
    """How the places of one area stand."""

    free: int
    held: int = 0
    booked: int = 0
    blocked: int = 0

    def counts(self) -> tuple[int, int, int, int]:
        """Return free, held, booked, blocked."""
        return self.free, self.held, self.booked, self.blocked


class UserRecord(Struct, gc=False):
    """What one user has: I4's count, and where to find it."""

    count: int = 0
    holds: dict[str, None] = {}
    bookings: dict[str, None] = {}


def is_resizable(venue: Venue) -> bool:
    """Return whether a venue is but a capacity, which may change."""
    return not venue.seats and len(venue.areas) == 1


def capacities(venue: Venue, settings: Settings) -> list[int]:
    """Return how many places each area has."""
    if settings.capacity is not None and is_resizable(venue):
        return [settings.capacity]
    return [area.capacity for area in venue.areas]
