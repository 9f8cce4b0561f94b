"""Everything that can happen to an event, in the past tense.

A change is one version. It holds all that `Stock.apply` needs, so that replay gives the
same state without a clock and without asking the rules again. Encoded as MessagePack
arrays: fields may be appended with a default, never removed, renamed or moved.
"""

from typing import Final

from msgspec import Struct

from inventory.line.wishes import Wish
from inventory.prices import Kinds, Place, Prices
from inventory.settings import LineMode, Money, SaleState, Settings

Seats = tuple[int, ...]
"""Seat indexes. Were they lists, the collector of garbage would look at each of them
again and again: with some ten thousand holds it stopped the loop for 90 ms."""


Ranks = tuple[int, ...]
"""Places of the line, from 1."""


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
    reason: str = ""


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


class LineOpened(Change, tag="line_opened", frozen=True):
    """A line was opened, or a new draw of one; who waits has what these rules say.

    `rules` are canonical JSON: `inventory/line/draw.py` reads them.
    """

    draw: int
    mode: LineMode
    rules: str
    rules_hash: bytes
    commitment: bytes
    former_seed: bytes | None = None
    """Of the draw before this one, where that was given up."""
    turns_per_min: int | None = None
    sell_out_s: int = 900
    count_returns: bool = True
    wish_floor: int = 20


class RoundPutOff(Change, tag="round_put_off", frozen=True):
    """A round of the beacon is void, and another one in force."""

    void: int
    round: int
    why: str


class EntrantsFixed(Change, tag="entrants_fixed", frozen=True):
    """The list of those who gathered is fixed."""

    entries: int
    root: bytes
    closed_at_ms: int
    round: int | None
    round_at_ms: int | None


class LineDrawn(Change, tag="line_drawn", frozen=True):
    """The order is fixed; `round` and `signature` only where a beacon had a part."""

    source: str
    round: int | None
    signature: bytes | None
    seed: bytes
    line_hash: bytes
    key: bytes


class LineFed(Change, tag="line_fed", frozen=True):
    """The next places of the line, in its order.

    `stubs` are 16 bytes each, `classes` two each, most significant first. `wishes` are
    those of new classes, which count on.
    """

    first_rank: int
    users: tuple[str, ...]
    stubs: bytes
    classes: bytes
    wishes: tuple[Wish, ...]
    left: Ranks
    step: int | None
    """Of late entries, counted from 1; None for who gathered."""
    more_time: Ranks = ()


class LineTuned(Change, tag="line_tuned", frozen=True):
    """What a turn takes, as the guard counts with."""

    mean_milli: int
    variance_milli: int
    returning_ppm: int


class PresenceNoted(Change, tag="presence", frozen=True):
    """Who waits went away, or came back, by rank."""

    away: Ranks
    back: Ranks


class TurnGiven(Change, tag="turn", frozen=True):
    """Somebody's turn: with a hold where a wish was served, else to choose.

    `because` is `line`, or `returned` where it came of places that were freed.
    """

    rank: int
    user: str
    because: str
    until_ms: int
    hold: str | None = None
    seats: Seats = ()
    areas: dict[int, int] = {}
    deadline_ms: int = 0
    prices: Prices | None = None
    category: str | None = None
    quantity: int = 0


class TurnExtended(Change, tag="turn_until", frozen=True):
    """An open turn lasts until then."""

    rank: int
    until_ms: int


class TurnsKept(Change, tag="turns_kept", frozen=True):
    """After a recovery: no open turn, and no hold of one, ends before `until_ms`."""

    until_ms: int


class TurnEnded(Change, tag="turn_end", frozen=True):
    """A turn is over: `booked`, `left`, `ran_out`, or the `sale` is.

    `holds` are what its user gave back with it.
    """

    rank: int
    user: str
    why: str
    holds: tuple[str, ...] = ()


class TurnGranted(Change, tag="grant", frozen=True):
    """Somebody has a turn outside the line."""

    user: str
    until_ms: int
    because: str


class LineSet(Change, tag="line_set", frozen=True):
    """An organiser changed how the line goes on; None is what stayed."""

    act: str
    message: str | None = None
    turns_per_min: int | None = None
    sell_out_s: int | None = None
    turn_s: int | None = None
    offer_s: int | None = None
    serve_away: bool | None = None
    count_returns: bool | None = None


class WishSet(Change, tag="wish", frozen=True):
    """A place has another wish; `wishes` has it where its class is new."""

    rank: int
    class_: int
    wishes: tuple[Wish, ...]
    more_time: bool = False


class WishesRecast(Change, tag="recast", frozen=True):
    """All places of some classes are in others: what they wished cannot be any more."""

    pairs: tuple[tuple[int, int], ...]
    wishes: tuple[Wish, ...]


class PlacePaused(Change, tag="place_paused", frozen=True):
    """A place is passed over until it waits again."""

    rank: int


class PlaceLimited(Change, tag="place_limited", frozen=True):
    """A place is passed over: its user may have no more."""

    rank: int


class PlaceResumed(Change, tag="place_resumed", frozen=True):
    """A place that was paused or limited waits again."""

    rank: int


class PlaceLeft(Change, tag="place_left", frozen=True):
    """A place was given up. Of former versions it is not told whose."""

    rank: int
    whose: str = ""


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
    | LineOpened
    | RoundPutOff
    | EntrantsFixed
    | LineDrawn
    | LineFed
    | LineTuned
    | PresenceNoted
    | TurnGiven
    | TurnExtended
    | TurnsKept
    | TurnEnded
    | TurnGranted
    | LineSet
    | WishSet
    | WishesRecast
    | PlacePaused
    | PlaceLimited
    | PlaceResumed
    | PlaceLeft
)

BOOKED: Final = 1
CANCELLED: Final = 2
REDUCED: Final = 4
CONFIGURED: Final = 8
TURNS: Final = 16
MARKS: Final[dict[type[Change], int]] = {
    HoldBooked: BOOKED,
    BookingCancelled: CANCELLED,
    BookingReduced: REDUCED,
    SaleChanged: CONFIGURED,
    EventConfigured: CONFIGURED,
    TurnGiven: TURNS,
    TurnEnded: TURNS,
    TurnGranted: TURNS,
    WishesRecast: TURNS,
    PlaceLeft: TURNS,
    TurnsKept: TURNS,
}
"""What each commit says of its changes, for those who look for these alone. Stored: no
bit may ever mean anything else, and of a new one former commits say nothing."""
