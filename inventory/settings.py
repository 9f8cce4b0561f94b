"""What an event is set to: sale state, window, limits, prices.

`decide` reads it, so it changes only by journaled changes (`EventConfigured`,
`SaleChanged`). Times are Unix milliseconds of the database's clock.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from inventory import limits

SaleState = Literal[
    "draft", "scheduled", "on_sale", "paused", "closed", "completed", "cancelled"
]
Amount = Annotated[int, Meta(ge=0, le=limits.AMOUNT_MAX)]
# The length, because `$` lets a newline pass.
Currency = Annotated[str, Meta(min_length=3, max_length=3, pattern="^[A-Z]{3}$")]


HoldTtl = Annotated[int, Meta(ge=1, le=limits.HOLD_TTL_S_MAX)]
PerUser = Annotated[int, Meta(ge=1, le=limits.PER_USER_MAX)]
PerBooking = Annotated[int, Meta(ge=1, le=limits.SEATS_PER_BOOKING_MAX)]
HeldPerNetwork = Annotated[int, Meta(ge=1, le=limits.HELD_PER_NETWORK_MAX)]
PayTime = Annotated[int, Meta(ge=limits.PAY_S_MIN, le=limits.PAY_S_MAX)]
CancelUntil = Annotated[int, Meta(ge=0, le=10**9)]
Capacity = Annotated[int, Meta(ge=1, le=limits.AREA_CAPACITY_MAX)]
Payment = Literal["none", "required"]
Registration = Literal["closed", "open"]
LineMode = Literal["draw", "fifo", "list"]
TurnTime = Annotated[int, Meta(ge=1, le=limits.TURN_S_MAX)]


class Money(Struct, frozen=True):
    """An amount in the currency's minor unit."""

    amount: Amount
    currency: Currency


class Sum(Struct, frozen=True):
    """What many bookings come to, in the currency's minor unit; it has no limit."""

    amount: Annotated[int, Meta(ge=0)]
    currency: str


class PriceType(Struct, frozen=True, forbid_unknown_fields=True):
    """A type that a ticket may be sold as, such as a child's."""

    name: str
    prices: dict[str, Money] = {}
    """By category; where one is left out the type costs what the category does."""
    max_per_order: PerBooking | UnsetType = UNSET
    """How many of it one order may have; absent is as many as there may be of all."""


class LineGate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked of who joins the line."""

    bits: Annotated[int, Meta(ge=0, le=32)] = 0
    """Of work to be proved; 0 for none."""
    captcha: bool = False
    per_address: Annotated[int, Meta(ge=1, le=1_000_000)] = 50
    """From so many of one network on more is asked."""
    account_days: Annotated[int, Meta(ge=0, le=limits.ACCOUNT_DAYS_MAX)] = 0
    """How old an account has to be; 0 for any, and for guests."""


class LineSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the line of an event is opened; what an open one goes by it keeps itself."""

    mode: LineMode = "draw"
    gather_at_ms: int | None = None
    """When it is opened by itself; None where somebody opens it."""
    opens_at_ms: int | None = None
    """No turn is given sooner; None is when the sale opens."""
    closes_before_s: Annotated[int, Meta(ge=1, le=86_400)] = 15
    """The list of a draw closes so long before that."""
    fix_within_s: Annotated[int, Meta(ge=2, le=600)] = 6
    beacon: Annotated[str, Meta(max_length=64)] | None = "quicknet"
    beacon_wait_s: Annotated[int, Meta(ge=0, le=86_400)] = 60
    without_beacon: Literal["seed_only", "wait"] = "seed_only"
    turn_s: TurnTime = 180
    offer_s: TurnTime = 600
    """How long the seats of a wish are held; never longer than any hold."""
    serve_away: bool = True
    """Whether a wish is served though nobody looks."""
    again: bool = False
    """Whether who had a turn may join anew, at the end."""
    identity: Literal["any", "email", "account"] = "any"
    gate: LineGate = LineGate()
    turns_per_min: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    sell_out_s: Annotated[int, Meta(ge=0, le=86_400)] = 900
    count_returns: bool = True
    wish_floor: Annotated[int, Meta(ge=0, le=1_000_000)] = 20
    """With so many places left, or 2 % of all, turns go to wishes only."""


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of one event; replaced as a whole, never edited in place."""

    name: str
    sale_state: SaleState = "draft"
    starts_at_ms: int
    ends_at_ms: int | None = None
    on_sale_at_ms: int | None = None
    hold_ttl_s: HoldTtl = 600
    max_per_user: PerUser = 10
    max_per_booking: PerBooking = 10
    prices: dict[str, Money] = {}
    """By category; none at all where the event is free."""
    payment: Payment = "none"
    cancel_until_s: CancelUntil = 86_400
    prevent_orphans: bool = False
    waitlist: bool = True
    deleted: bool = False
    one_booking_per_user: bool = False
    registration: Registration = "closed"
    off_sale_at_ms: int | None = None
    """When the sale closes by itself."""
    completes_at_ms: int | None = None
    """When the event is over, and completed by itself; None in what former versions
    stored, where `completes_ms` tells."""
    capacity: Capacity | None = None
    """Of an event that is only one area: its places, where they are others than those
    that it was made with."""
    timezone: str = "UTC"
    """The IANA zone in which its times are told, and move along with its beginning."""
    revision: int = 0
    """How often somebody changed any of this; the sale state is no part of it."""
    max_held_per_network: HeldPerNetwork = 50
    """Places that may be held at once from one network of addresses, bookings left
    out; as many as one booking may have in any case."""
    pay_s: int = 900
    """So long may the buyer of an order take to pay."""
    types: dict[str, PriceType] = {}
    """What tickets may be sold as, by key: an order says which of a hold are what."""
    line: LineSettings | None = None
    """None where there is no line in front of the sale; behind it there is one where
    `waitlist` is set."""


class SettingsPatch(
    Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """What to change of settings; what is absent stays.

    So two patches of different fields, made from what different processes knew, both
    survive: it is the actor that merges them.
    """

    name: str | UnsetType = UNSET
    starts_at_ms: int | UnsetType = UNSET
    ends_at_ms: int | UnsetType | None = UNSET
    on_sale_at_ms: int | UnsetType | None = UNSET
    off_sale_at_ms: int | UnsetType | None = UNSET
    hold_ttl_s: HoldTtl | UnsetType = UNSET
    max_per_user: PerUser | UnsetType = UNSET
    max_per_booking: PerBooking | UnsetType = UNSET
    prices: dict[str, Money | None] | UnsetType = UNSET
    """Merged by category; None takes a price away."""
    payment: Payment | UnsetType = UNSET
    cancel_until_s: CancelUntil | UnsetType = UNSET
    prevent_orphans: bool | UnsetType = UNSET
    waitlist: bool | UnsetType = UNSET
    one_booking_per_user: bool | UnsetType = UNSET
    registration: Registration | UnsetType = UNSET
    capacity: Capacity | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    max_held_per_network: HeldPerNetwork | UnsetType = UNSET
    pay_s: PayTime | UnsetType = UNSET
    types: dict[str, PriceType | None] | UnsetType = UNSET
    """Merged by key, each replaced as a whole; None takes a type away."""
    line: LineSettings | UnsetType | None = UNSET

    def names(self, *fields: str) -> bool:
        """Return whether it changes any of these fields."""
        return any(getattr(self, field) is not UNSET for field in fields)


def settled_in(prices: dict[str, Money]) -> str | None:
    """Return the one currency of an event's prices; None where it has none."""
    return next(iter(prices.values())).currency if prices else None


LASTS_MS = 24 * 3_600_000
"""How long after its beginning an event without an end is over."""


def over_ms(settings: Settings) -> int:
    """Return when the event is over."""
    if settings.ends_at_ms is not None:
        return settings.ends_at_ms
    return settings.starts_at_ms + LASTS_MS


def completes_ms(settings: Settings) -> int:
    """Return when the event is completed by itself."""
    if settings.completes_at_ms is not None:
        return settings.completes_at_ms
    return over_ms(settings)
