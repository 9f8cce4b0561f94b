"""Everything one may ask of an event.

The client's frame is the command: one decode gives one of these structs, and nothing is
copied on the way to `decide`. Field names are the contract's. What a sale's organiser
asks over REST (`ChangeSale` … `DeleteEvent`), what the shop asks for an order
(`Pledge` … `Quote`) and what the actor asks of itself (`ExpireHold` … `KeepHolds`)
are commands too, but no client frame decodes to them.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from inventory import limits
from inventory.line.wishes import Wish
from inventory.settings import Money, SettingsPatch

FrameId = Annotated[int, Meta(ge=-(2**53), le=2**53)]
EventId = Annotated[str, Meta(min_length=1, max_length=limits.ID_LENGTH_MAX)]
Key = Annotated[str, Meta(min_length=1, max_length=limits.KEY_LENGTH_MAX)]
Token = Annotated[str, Meta(min_length=1, max_length=limits.ID_LENGTH_MAX)]
Label = Annotated[str, Meta(min_length=1, max_length=limits.LABEL_LENGTH_MAX)]
Labels = Annotated[list[Label], Meta(min_length=1)]
Quantity = Annotated[int, Meta(ge=1, le=limits.QUANTITY_MAX)]
Quantities = Annotated[dict[Label, Quantity], Meta(min_length=1)]
Types = dict[Label, str | Quantities]
Seconds = Annotated[int, Meta(ge=1, le=limits.HOLD_TTL_S_MAX)]
Order = Annotated[str, Meta(min_length=1, max_length=limits.ORDER_LENGTH_MAX)]
ORDER_PREFIX = "ord_"
"""What names of the shop's orders begin with, and no note of a buyer."""
PledgeSeconds = Annotated[int, Meta(ge=1, le=limits.PLEDGE_LIFE_S)]


class Command(
    Struct,
    kw_only=True,
    tag_field="op",
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """What every client frame about one event carries."""

    id: FrameId
    event: EventId
    key: Key | None = None


class Hold(Command, tag="hold"):
    """Take these seats and area places, all or none, into a new hold or onto `hold`."""

    seats: Labels | None = None
    areas: Quantities | None = None
    hold: Token | None = None
    ttl_s: Seconds | None = None


class HoldBest(Command, tag="hold_best"):
    """Let the server choose `quantity` seats."""

    quantity: Quantity
    category: Label | None = None
    accessible: bool = False
    adjacent: bool = True
    hold: Token | None = None


class Extend(Command, tag="extend"):
    """Move the end of a hold to `ttl_s` from now."""

    hold: Token
    ttl_s: Seconds | None = None


class Release(Command, tag="release"):
    """Give back a hold, or the named part of it."""

    hold: Token
    seats: Labels | None = None
    areas: Quantities | None = None


class Book(Command, tag="book"):
    """Make a hold final."""

    hold: Token
    order: Annotated[str, Meta(max_length=limits.ORDER_LENGTH_MAX)] | None = None
    total: Money | None = None
    """What the buyer was shown; where it costs anything else, nothing is booked."""


class Cancel(Command, tag="cancel"):
    """Undo a booking; its seats are free again."""

    booking: Token


class Block(Command, tag="block"):
    """Take free seats or places off sale (organisers)."""

    seats: Labels | None = None
    areas: Quantities | None = None
    reason: Annotated[str, Meta(max_length=limits.REASON_LENGTH_MAX)] | None = None
    """Why, for those who run the event: told of seats until they are on sale again."""


class Unblock(Command, tag="unblock"):
    """Put blocked seats or places back on sale (organisers)."""

    seats: Labels | None = None
    areas: Quantities | None = None


class Holding(Command, tag="holding"):
    """Tell what the caller holds and has booked."""


ClientCommand = (
    Hold | HoldBest | Extend | Release | Book | Cancel | Block | Unblock | Holding
)


Revisions = tuple[int, ...] | None
"""Of the settings, as whoever asks has seen them; None where any will do."""


class ChangeSale(Command, tag="change_sale"):
    """Publish, pause, resume, close or cancel the sale (organisers)."""

    to: Literal["publish", "pause", "resume", "close", "cancel"]
    period: tuple[int, int | None] | None = None
    """`starts_at_ms` and `ends_at_ms` for which the venue was taken; else it is not
    published."""


class Configure(Command, tag="configure"):
    """Change some of the event's settings (organisers)."""

    patch: SettingsPatch
    seen: Revisions = None
    only_draft: bool = False
    """Where the venue was not taken for the new time, which a draft does not need."""


class DeleteEvent(Command, tag="delete_event"):
    """Withdraw an event that nobody has booked, or is about to pay (organisers)."""

    seen: Revisions = None


class Priced(Struct, frozen=True, gc=False):
    """A seat or a single place as a pledge listed it once."""

    label: Label
    amount: int
    """In the minor unit."""
    type: str | None = None


class Pledge(Command, tag="pledge"):
    """Bind a hold to an order until `until_s` from now (the shop).

    That is `pay_s` of the event and `limits.PAY_MARGIN_S` at most.
    Again by the same order it lasts longer, never shorter.
    """

    hold: Token
    order: Order
    until_s: PledgeSeconds
    total: Money | None = None
    """What the buyer was shown; where it costs anything else, nothing is pledged."""
    types: Types | None = None
    """What is sold as which type: a seat by its label, places by area and type."""
    lines: Annotated[list[Priced], Meta(min_length=1)] | None = None
    """All of the hold at what the order was told when it had another one of the same,
    which it lost; `types` is not asked then."""


class Unpledge(Command, tag="unpledge"):
    """Give a hold back to its buyer, or its seats to all (the shop)."""

    hold: Token
    order: Order
    release: bool = False


class Places(Struct, frozen=True, gc=False):
    """Places of an area as a pledge listed them."""

    area: Label
    amount: int
    """Of each, in the minor unit."""
    type: str | None = None
    quantity: Quantity = 1


class CancelPart(Command, tag="cancel_part"):
    """Free the named part of a booking; all of it where nothing is named (the shop).

    Of `areas` those go that were added last, whatever they cost; of `places`
    just those.
    """

    booking: Token
    seats: Labels | None = None
    areas: Quantities | None = None
    places: Annotated[list[Places], Meta(min_length=1)] | None = None


class Quote(Command, tag="quote"):
    """Tell what a hold of the buyer would cost an order, line by line (the shop)."""

    hold: Token
    types: Types | None = None
    """What would be sold as which type, as a pledge has it."""


class Blocked(Command, tag="blocked"):
    """Tell which seats are off sale, and why (the shop, for who runs the event)."""


SystemCommand = Pledge | Unpledge | CancelPart | Quote | Blocked


class ExpireHold(Command, tag="expire_hold"):
    """End a hold whose time is over (the actor, to itself)."""

    hold: Token


class OpenSale(Command, tag="open_sale"):
    """Open a scheduled sale whose moment has come (the actor, to itself)."""


class CloseSale(Command, tag="close_sale"):
    """Close a sale whose moment has come (the actor, to itself)."""


class CompleteEvent(Command, tag="complete_event"):
    """End an event that is over (the actor, to itself)."""


class KeepHolds(Command, tag="keep_holds"):
    """Keep every live hold until `until_ms` at least (the actor, after recovery)."""

    until_ms: int


Rank = Annotated[int, Meta(ge=1, le=limits.LINE_PLACES_MAX)]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
Because = Literal["line", "returned"]
TurnSeconds = Annotated[int, Meta(ge=1, le=limits.TURN_S_MAX)]


class OpenLine(Command, tag="open_line"):
    """Open a line, or a new draw of one (the system).

    `rules` are canonical JSON. Where nothing is drawn the `seed` comes at once, and the
    actor fixes and draws the empty list in the same step.
    """

    draw: Annotated[int, Meta(ge=1)]
    rules: Annotated[str, Meta(max_length=4_096)]
    commitment: Digest
    seed: Digest | None = None
    former_seed: Digest | None = None
    """Of the draw before this one, where that was never drawn."""


class PutOffRound(Command, tag="put_off_round"):
    """Name another round, as the list was not fixed in time (the system)."""

    draw: int
    why: Annotated[str, Meta(pattern="^[a-z0-9_]{1,32}$")]


class FixEntrants(Command, tag="fix_entrants"):
    """Fix the list of those who gathered (the system)."""

    draw: int
    entries: Annotated[int, Meta(ge=0, le=limits.LINE_PLACES_MAX)]
    root: Digest
    closed_at_ms: int


class DrawLine(Command, tag="draw_line"):
    """Fix the order, and tell the seed (the system).

    `signature` is the beacon's, of the round in force; None without one.
    """

    draw: int
    seed: Digest
    line_hash: Digest
    signature: Annotated[bytes, Meta(min_length=48, max_length=48)] | None = None


class FeedLine(Command, tag="feed_line"):
    """Bring the next places of the line, in its order (the system).

    `stubs` are 16 bytes each, `classes` two each, most significant first: 0 for no
    wish, else the place of it in `wishes`, from 1. A `step` is one of late entries,
    counted from 1.
    """

    draw: int
    first_rank: Rank
    users: Annotated[list[Token], Meta(max_length=limits.LINE_FEED_MAX)]
    stubs: bytes
    classes: bytes
    wishes: list[Wish] = []
    step: int | None = None
    left: list[int] = []
    """Which of these left before, by rank."""
    more_time: list[int] = []
    """Who has double the time, by rank."""


class TuneLine(Command, tag="tune_line"):
    """Say what a turn takes, for the guard (the conductor)."""

    mean_milli: Annotated[int, Meta(ge=1, le=1_000_000)]
    """Places that a turn takes on average, in thousandths."""
    variance_milli: Annotated[int, Meta(ge=0, le=10**9)]
    returning_ppm: Annotated[int, Meta(ge=0, le=1_000_000)]
    """Which part of what is held is given back while one chooses."""


class NotePresence(Command, tag="note_presence"):
    """Note who went away, and who came back (the conductor)."""

    away: Annotated[list[Rank], Meta(max_length=2 * limits.LINE_HEAD)] = []
    back: Annotated[list[Rank], Meta(max_length=2 * limits.LINE_HEAD)] = []


class GiveTurn(Command, tag="give_turn"):
    """Give the next turn (the conductor, and the actor to itself)."""

    because: Because = "line"


class EndTurn(Command, tag="end_turn"):
    """End a turn that is over (the actor, to itself).

    `why` where it is not for its time, or the sale's: it was `booked`, or `left`.
    """

    rank: Rank
    why: Literal["booked", "left"] | None = None


class KeepTurns(Command, tag="keep_turns"):
    """Keep every open turn until `until_ms` at least (the actor, after recovery)."""

    until_ms: int


class RecastWishes(Command, tag="recast_wishes"):
    """Change wishes that cannot be any more (the actor, to itself)."""


class GrantTurn(Command, tag="grant_turn"):
    """Give somebody a turn outside the line (the system, organisers)."""

    user: Token
    until_s: TurnSeconds
    because: Annotated[str, Meta(pattern="^[a-z0-9_]{1,32}$")]


class SetLine(Command, tag="set_line"):
    """Change how the line goes on (organisers); what is absent stays."""

    act: Literal["set", "pause", "resume", "close", "message"] = "set"
    message: Token | None = None
    """The id of what was told to all who wait."""
    turns_per_min: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    sell_out_s: Annotated[int, Meta(ge=0, le=86_400)] | None = None
    turn_s: TurnSeconds | None = None
    offer_s: TurnSeconds | None = None
    serve_away: bool | None = None
    count_returns: bool | None = None


class SetWish(Command, tag="set_wish"):
    """Wish for something else, at the place that the caller has."""

    rank: Rank
    wish: Wish | None = None
    more_time: bool = False


class PausePlace(Command, tag="pause_place"):
    """Be passed over until `resume_place`; the place stays."""

    rank: Rank


class ResumePlace(Command, tag="resume_place"):
    """Wait again."""

    rank: Rank


class LeaveLine(Command, tag="leave_line"):
    """Give up a place, or a turn with what it holds."""

    rank: Rank


class ExtendTurn(Command, tag="extend_turn"):
    """Have a tenth more of the time for a turn, ten times at most."""


PlaceCommand = SetWish | PausePlace | ResumePlace | LeaveLine | ExtendTurn
"""What who waits asks. The desk sends them: it knows the rank of a place."""

LineSystemCommand = (
    OpenLine
    | PutOffRound
    | FixEntrants
    | DrawLine
    | FeedLine
    | TuneLine
    | NotePresence
    | GiveTurn
)

LineCommand = (
    LineSystemCommand
    | EndTurn
    | KeepTurns
    | RecastWishes
    | GrantTurn
    | SetLine
    | PlaceCommand
)

AnyCommand = (
    ClientCommand
    | ChangeSale
    | Configure
    | DeleteEvent
    | SystemCommand
    | ExpireHold
    | OpenSale
    | CloseSale
    | CompleteEvent
    | KeepHolds
    | LineCommand
)
