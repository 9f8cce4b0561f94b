"""What clients send and get about an event, and how that becomes its settings."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from inventory import limits
from inventory.faults import Faults
from inventory.names import NAME_PATTERN, NOTE_PATTERN
from inventory.replies import Fault
from inventory.rules.settings import (
    past_faults,
    price_faults,
    time_faults,
    type_faults,
    year_faults,
)
from inventory.settings import (
    Money,
    PriceType,
    SaleState,
    Settings,
    SettingsPatch,
    completes_ms,
)
from inventory.venue.own import GA
from inventory.zones import is_zone
from persistence.events.details import (
    NO_FEES,
    NO_TAX,
    DetailsChange,
    Fees,
    Late,
    Tax,
)
from persistence.events.rows import Details, EventRow
from server.base.refusals.refusals import wrong_field
from server.events.catalogue.editing.line_terms import (
    LineTerms,
    line_settings_of,
    line_terms_of,
)
from server.transport.rest.bodies import Body
from server.transport.rest.fields import NO_ZONE, Id, Name, Zone
from server.transport.rest.times import (
    Time,
    from_ms,
    maybe_from_ms,
    maybe_to_ms,
    to_ms,
)

Capacity = Annotated[int, Meta(ge=1, le=limits.AREA_CAPACITY_MAX)]
HoldTtl = Annotated[int, Meta(ge=1, le=limits.HOLD_TTL_S_MAX)]
PerUser = Annotated[int, Meta(ge=1, le=limits.PER_USER_MAX)]
PerBooking = Annotated[int, Meta(ge=1, le=limits.SEATS_PER_BOOKING_MAX)]
HeldPerNetwork = Annotated[int, Meta(ge=1, le=limits.HELD_PER_NETWORK_MAX)]
PayTime = Annotated[int, Meta(ge=limits.PAY_S_MIN, le=limits.PAY_S_MAX)]
CancelUntil = Annotated[int, Meta(ge=0, le=10**9)]
CategoryKey = Annotated[str, Meta(min_length=1, max_length=limits.LABEL_LENGTH_MAX)]
Prices = Annotated[
    dict[CategoryKey, "Price"], Meta(max_length=limits.CATEGORIES_PER_VENUE_MAX)
]
PricesPatch = Annotated[
    dict[CategoryKey, "Price | None"], Meta(max_length=limits.CATEGORIES_PER_VENUE_MAX)
]
TypeName = Annotated[
    str, Meta(min_length=1, max_length=limits.LABEL_LENGTH_MAX, pattern=NAME_PATTERN)
]
Types = Annotated[dict[CategoryKey, "TicketType"], Meta(max_length=limits.TYPES_MAX)]
TypesPatch = Annotated[
    dict[CategoryKey, "TicketType | None"], Meta(max_length=limits.TYPES_MAX)
]
Payment = Literal["none", "required"]
Description = Annotated[str, Meta(max_length=10_000, pattern=NOTE_PATTERN)]
CategoryName = Annotated[str, Meta(min_length=1, max_length=50, pattern=NAME_PATTERN)]
Tag = Annotated[str, Meta(min_length=1, max_length=50, pattern=NAME_PATTERN)]
Tags = Annotated[tuple[Tag, ...], Meta(max_length=20)]
Registration = Literal["closed", "open"]

CATALOGUE: Final = frozenset({"description", "category", "tags", "fees", "tax", "late"})
"""What no journal knows of an event."""

TIMES: Final = frozenset({"starts_at", "ends_at", "on_sale_at", "off_sale_at"})


class Price(Money, frozen=True, forbid_unknown_fields=True):
    """What a seat or place of a category costs."""

    amount: Annotated[int, Meta(ge=0, le=limits.PRICE_MAX)]


class TicketType(Struct, frozen=True, forbid_unknown_fields=True):
    """A type that a ticket may be sold as; else it costs what its category does."""

    name: TypeName
    prices: Prices = msgspec.field(default_factory=dict)
    """By category, of those that the event has a price for."""
    max_per_order: PerBooking | UnsetType = UNSET
    """How many of it one order may have; absent is as many as there may be of all."""


class EventCreate(Body, kw_only=True):
    """A new event: at a venue, or with just a capacity."""

    name: Name
    venue: Id | None = None
    capacity: Capacity | None = None
    organisation: Id | None = None
    """Whom it belongs to: its owners and leaders manage the event."""
    description: Description = ""
    category: CategoryName | None = None
    """What kind of event it is, in the organiser's own words."""
    tags: Tags = ()
    """Words to find it by; kept in lower case, each once."""
    starts_at: Time
    ends_at: Time | None = None
    on_sale_at: Time | None = None
    off_sale_at: Time | None = None
    """When its sale closes by itself."""
    timezone: Zone | UnsetType | None = UNSET
    """Else that of its venue, of its organisation, or UTC."""
    hold_ttl_s: HoldTtl = 600
    max_per_user: PerUser = 10
    max_per_booking: PerBooking = 10
    max_held_per_network: HeldPerNetwork = 50
    """Places held at once from one network of addresses (/24, of IPv6 /56), bookings
    left out; as many as one booking may have in any case."""
    prices: Prices = msgspec.field(default_factory=dict)
    fees: Fees = NO_FEES
    tax: Tax = NO_TAX
    late: Late = "same"
    """What becomes of money that comes when an order's time is over: the same seats,
    if all are free; or it goes back in any case."""
    payment: Payment = "none"
    pay_s: PayTime = 900
    """So long may the buyer of an order take to pay."""
    types: Types = msgspec.field(default_factory=dict)
    """What tickets may be sold as, by key, such as a child's: an order says which."""
    cancel_until_s: CancelUntil = 86_400
    prevent_orphans: bool = False
    waitlist: bool = True
    one_booking_per_user: bool = False
    registration: Registration = "closed"
    line: LineTerms | None = None
    """The line in front of the sale; without it there is a waitlist behind it."""

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the fields together."""
        given = (self.venue is None) == (self.capacity is None)
        if given and not faults.is_faulty("capacity"):
            faults.add("venue", "Give exactly one of venue and capacity.")


class EventPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of an event; what is absent stays.

    Prices are merged by category and types by key, and null takes one away. A type,
    lists, fees and tax are replaced whole. Orders keep the fees, the tax and the `late`
    that they were made with.
    Where `starts_at` changes, `ends_at`, `off_sale_at` and, before the sale opened,
    `on_sale_at` move along where they are not named: by as much as the beginning does
    on the clocks of the event's zone. A change of `timezone` alone moves no time.
    """

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    category: CategoryName | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    starts_at: Time | UnsetType = UNSET
    ends_at: Time | UnsetType | None = UNSET
    on_sale_at: Time | UnsetType | None = UNSET
    off_sale_at: Time | UnsetType | None = UNSET
    timezone: Zone | UnsetType = UNSET
    capacity: Capacity | UnsetType = UNSET
    """Of an event with just a capacity; never less than what is taken."""
    hold_ttl_s: HoldTtl | UnsetType = UNSET
    max_per_user: PerUser | UnsetType = UNSET
    max_per_booking: PerBooking | UnsetType = UNSET
    max_held_per_network: HeldPerNetwork | UnsetType = UNSET
    prices: PricesPatch | UnsetType = UNSET
    fees: Fees | UnsetType = UNSET
    tax: Tax | UnsetType = UNSET
    late: Late | UnsetType = UNSET
    payment: Payment | UnsetType = UNSET
    pay_s: PayTime | UnsetType = UNSET
    types: TypesPatch | UnsetType = UNSET
    cancel_until_s: CancelUntil | UnsetType = UNSET
    prevent_orphans: bool | UnsetType = UNSET
    waitlist: bool | UnsetType = UNSET
    one_booking_per_user: bool | UnsetType = UNSET
    registration: Registration | UnsetType = UNSET
    line: LineTerms | UnsetType | None = UNSET


class EventDuplicate(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is to be different about the new event; the rest is as it is there.

    Where it begins at another time, the times that are not named move along on the
    clocks of its zone: what was at 10:00 is at 10:00, though summer time ends between.
    """

    name: Name | UnsetType = UNSET
    starts_at: Time | UnsetType = UNSET
    ends_at: Time | UnsetType | None = UNSET
    on_sale_at: Time | UnsetType | None = UNSET
    off_sale_at: Time | UnsetType | None = UNSET
    timezone: Zone | UnsetType = UNSET


class Counts(Struct):
    """Seats and area places by state."""

    free: int
    held: int
    booked: int
    blocked: int


class ImageDocument(Struct):
    """An event's image: where it is, how large it is there, and who says what of it."""

    id: str
    url: str
    small_url: str
    width: int
    height: int
    caption: str
    uploaded_by: str
    uploaded_at: datetime


class EventSummary(Struct, kw_only=True):
    """An event as a list shows it."""

    id: str
    name: str
    status: SaleState
    venue: str | None
    venue_name: str | None
    capacity: int | None
    places: int
    """Seats and places that there are, whether they are for sale or not."""
    organisation: str | None
    category: str | None
    tags: tuple[str, ...]
    image: ImageDocument | None
    registrations: int
    """Seats and places that are booked; in a list a few seconds old."""
    starts_at: datetime
    ends_at: datetime | None
    on_sale_at: datetime | None
    off_sale_at: datetime | None
    completes_at: datetime
    """When it is completed by itself: at its end, or a day after it began."""
    timezone: str
    """The IANA zone in which its times are meant."""
    hold_ttl_s: int
    max_per_user: int
    max_per_booking: int
    max_held_per_network: int
    prices: dict[str, Money]
    payment: str
    pay_s: int
    """So long may the buyer of an order take to pay."""
    types: dict[str, PriceType]
    cancel_until_s: int
    prevent_orphans: bool
    waitlist: bool
    one_booking_per_user: bool
    registration: str
    line: LineTerms | None
    created_at: datetime


class OwnerDocument(Struct):
    """The process that owns an event, and where clients reach it directly."""

    process: str
    address: str | None
    epoch: int


class NewEvent(EventSummary, kw_only=True):
    """An event with all that the catalogue tells of it."""

    description: str
    fees: Fees
    tax: Tax
    late: Late


class EventDocument(NewEvent, kw_only=True):
    """An event with what is left of it, as of a committed version."""

    version: int
    counts: Counts
    owner: OwnerDocument | None


def settings_of(body: EventCreate, timezone: str = "UTC") -> Settings:
    """Return the settings of a new event in a zone."""
    return Settings(
        name=body.name,
        starts_at_ms=to_ms(body.starts_at),
        ends_at_ms=maybe_to_ms(body.ends_at),
        on_sale_at_ms=maybe_to_ms(body.on_sale_at),
        off_sale_at_ms=maybe_to_ms(body.off_sale_at),
        hold_ttl_s=body.hold_ttl_s,
        max_per_user=body.max_per_user,
        max_per_booking=body.max_per_booking,
        max_held_per_network=body.max_held_per_network,
        prices=money_of(body.prices),
        payment=body.payment,
        pay_s=body.pay_s,
        types={key: _type_of(kind) for key, kind in body.types.items()},
        cancel_until_s=body.cancel_until_s,
        prevent_orphans=body.prevent_orphans,
        waitlist=body.waitlist,
        one_booking_per_user=body.one_booking_per_user,
        registration=body.registration,
        line=line_settings_of(body.line),
        timezone=timezone,
    )


def settings_patch(patch: EventPatch) -> SettingsPatch:
    """Return what a patch changes of the settings, and nothing else."""
    changes: dict[str, Any] = {}
    for field in patch.__struct_fields__:
        value = getattr(patch, field)
        if value is UNSET or field in CATALOGUE:
            continue
        if field in TIMES:
            changes[f"{field}_ms"] = maybe_to_ms(value)
        elif field == "prices":
            changes[field] = {
                key: None if price is None else Money(price.amount, price.currency)
                for key, price in value.items()
            }
        elif field == "types":
            changes[field] = {
                key: None if kind is None else _type_of(kind)
                for key, kind in value.items()
            }
        elif field == "line":
            changes[field] = line_settings_of(value)
        else:
            changes[field] = value
    return SettingsPatch(**changes)


def details_of(body: EventCreate) -> Details:
    """Return what the catalogue tells of a new event."""
    return Details(
        description=body.description,
        category=None if body.category is None else word_of("category", body.category),
        tags=tags_of(body.tags),
        fees=body.fees,
        tax=body.tax,
        late=body.late,
    )


def details_change(patch: EventPatch) -> DetailsChange | None:
    """Return what a patch changes in the catalogue; None for nothing."""
    if all(getattr(patch, field) is UNSET for field in CATALOGUE):
        return None
    category, tags = patch.category, patch.tags
    return DetailsChange(
        description=patch.description,
        category=word_of("category", category)
        if isinstance(category, str)
        else category,
        tags=UNSET if tags is UNSET else tags_of(tags),
        fees=patch.fees,
        tax=patch.tax,
        late=patch.late,
    )


def word_of(field: str, text: str) -> str:
    """Return a name without what surrounds it, which must leave something."""
    word = " ".join(text.split())
    if not word:
        raise wrong_field(field, "There is nothing but blanks in it.")
    return word


def tags_of(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Return tags as they are kept and looked for."""
    return tuple(dict.fromkeys(word_of("tags", tag).lower() for tag in tags))


def _type_of(kind: TicketType) -> PriceType:
    return PriceType(kind.name, money_of(kind.prices), kind.max_per_order)


def money_of(prices: dict[str, Price]) -> dict[str, Money]:
    """Return prices as the inventory keeps them."""
    return {key: Money(price.amount, price.currency) for key, price in prices.items()}


def patch_faults(patch: SettingsPatch, categories: Collection[str]) -> list[Fault]:
    """Return what is wrong with a patch whatever the event is set to otherwise."""
    faults = year_faults(patch) + _zone_faults(patch.timezone)
    return faults + _registration_faults(patch.registration, categories)


def new_faults(
    settings: Settings,
    categories: Collection[str] | None,
    priced: Collection[str],
    now_ms: int,
    unknown: Collection[str] = frozenset(),
) -> list[Fault]:
    """Return what is wrong with the settings of a new event.

    That includes times beyond all dates, because those of a duplicate are computed.
    Each of the categories `priced` must have a price where any category has. Without
    `categories` nobody knows the venue; `unknown` times were given, but not as times.
    """
    faults = year_faults(settings)
    if not faults:
        past = past_faults(settings, now_ms)
        faults = [fault for fault in past if fault.field not in unknown]
        faults += time_faults(settings, unknown)
    faults += _zone_faults(settings.timezone)
    if categories is not None:
        faults += _registration_faults(settings.registration, categories)
    faults += price_faults(settings.prices, categories, priced)
    return faults + type_faults(settings)


def _zone_faults(timezone: str | UnsetType) -> list[Fault]:
    if timezone is UNSET or is_zone(timezone):
        return []
    return [Fault("timezone", NO_ZONE)]


def _registration_faults(
    registration: str | UnsetType, categories: Collection[str]
) -> list[Fault]:
    if registration != "open" or GA in categories:
        return []
    return [Fault("registration", "Only for events with just a capacity.")]


def settings_fields(settings: Settings) -> dict[str, Any]:
    """Return the settings by the names that clients know."""
    return {
        "name": settings.name,
        "status": settings.sale_state,
        "starts_at": from_ms(settings.starts_at_ms),
        "ends_at": maybe_from_ms(settings.ends_at_ms),
        "on_sale_at": maybe_from_ms(settings.on_sale_at_ms),
        "off_sale_at": maybe_from_ms(settings.off_sale_at_ms),
        "completes_at": from_ms(completes_ms(settings)),
        "timezone": settings.timezone,
        "hold_ttl_s": settings.hold_ttl_s,
        "max_per_user": settings.max_per_user,
        "max_per_booking": settings.max_per_booking,
        "max_held_per_network": settings.max_held_per_network,
        "prices": settings.prices,
        "payment": settings.payment,
        "pay_s": settings.pay_s,
        "types": settings.types,
        "cancel_until_s": settings.cancel_until_s,
        "prevent_orphans": settings.prevent_orphans,
        "waitlist": settings.waitlist,
        "one_booking_per_user": settings.one_booking_per_user,
        "registration": settings.registration,
        "line": line_terms_of(settings.line),
    }


def capacity_of(row: EventRow, settings: Settings) -> int | None:
    """Return how many places an event with just a capacity has by now."""
    return None if row.capacity is None else settings.capacity or row.capacity
