"""Everything that can happen to an event, in the past tense.

A change is one version. It holds all that `Stock.apply` needs, so that replay gives the
same state without a clock and without asking the rules again. Encoded as MessagePack
arrays: fields may be appended with a default, never removed, renamed or moved.
"""

from typing import Final

from msgspec import Struct

from inventory.prices import Kinds, Place, Prices
from inventory.settings import Money, SaleState, Settings

Seats = tuple[int, ...]
"""Seat indexes. Were they lists, the collector of garbage would look at each of them
again and again: with some ten thousand holds it stopped the loop for 90 ms."""


class Change(Struct, frozen=True, array_like=True, gc=False):
    """One version of an event."""


class SeatsHeld(Change, tag="held", frozen=True):
    """Seats (by index) and area places went into a hold, new or existing.

    `deadline_ms` is the promised end; for an existing hold it is the one it had.
    `prices` are those of what went in, as the holder was told; None where the hold
    keeps none, as in journals of former versions. `origin` is the network that it is
    held from, where that is limited; of an existing hold it is the one it had.
    """

    hold: str
    user: str
    seats: Seats
    areas: dict[int, int]
    deadline_ms: int
    prices: Prices | None = None
    origin: str | None = None


class HoldExtended(Change, tag="extended", frozen=True):
    """A hold's promised end moved."""

    hold: str
    deadline_ms: int


class HoldReleased(Change, tag="released", frozen=True):
    """Seats and places went from a hold back to free; an empty hold is gone."""

    hold: str
    seats: Seats
    areas: dict[int, int]


class HoldExpired(Change, tag="expired", frozen=True):
    """A hold's time was over; all it held is free."""

    hold: str


class HoldBooked(Change, tag="booked", frozen=True):
    """A hold became a booking.

    `total` is what it costs; None where nothing has a price, and in journals of former
    versions. What was held for nothing while others have a price now costs 0 of theirs.
    `by_order` tells an order of the shop from a note that its buyer made.
    """

    hold: str
    booking: str
    reference: str
    order: str | None
    total: Money | None = None
    by_order: bool = False


class BookingCancelled(Change, tag="cancelled", frozen=True):
    """A booking was undone; all it had is free."""

    booking: str


class SeatsBlocked(Change, tag="blocked", frozen=True):
    """Free seats and places went off sale."""

    seats: Seats
    areas: dict[int, int]


class SeatsUnblocked(Change, tag="unblocked", frozen=True):
    """Blocked seats and places came back on sale."""

    seats: Seats
    areas: dict[int, int]


class SaleChanged(Change, tag="sale", frozen=True):
    """The sale state changed."""

    to: SaleState


class EventConfigured(Change, tag="configured", frozen=True):
    """The settings changed: these are all of them now."""

    settings: Settings


class HoldsKept(Change, tag="kept", frozen=True):
    """After a recovery: no live hold ends before `until_ms`."""

    until_ms: int


class HoldPledged(Change, tag="pledged", frozen=True):
    """An order has a hold until then, at these prices: first, or for longer now.

    From the first time on these are the hold's prices, and its promised end.
    """

    hold: str
    order: str
    until_ms: int
    prices: Prices
    kinds: Kinds | None = None
    """Which types its seats and places are sold as; None where all are of none."""


class PledgeEnded(Change, tag="unpledged", frozen=True):
    """A hold is its buyer's again, and of no order, until its new promised end."""

    hold: str
    deadline_ms: int


class BookingReduced(Change, tag="reduced", frozen=True):
    """Seats and places went from a booking back to free, and some are left in it.

    `total` is what they cost; None where nothing has a price. Of the places in `areas`
    some may be told apart in `places`; of the others those went that were added last.
    """

    booking: str
    seats: Seats
    areas: dict[int, int]
    total: Money | None
    places: tuple[Place, ...] = ()


AnyChange = (
    SeatsHeld
    | HoldExtended
    | HoldReleased
    | HoldExpired
    | HoldBooked
    | BookingCancelled
    | SeatsBlocked
    | SeatsUnblocked
    | SaleChanged
    | EventConfigured
    | HoldsKept
    | HoldPledged
    | PledgeEnded
    | BookingReduced
)

BOOKED: Final = 1
CANCELLED: Final = 2
REDUCED: Final = 4
CONFIGURED: Final = 8
MARKS: Final[dict[type[Change], int]] = {
    HoldBooked: BOOKED,
    BookingCancelled: CANCELLED,
    BookingReduced: REDUCED,
    SaleChanged: CONFIGURED,
    EventConfigured: CONFIGURED,
}
"""What each commit says of its changes, for those who look for these alone. Stored: no
bit may ever mean anything else, and of a new one former commits say nothing."""
