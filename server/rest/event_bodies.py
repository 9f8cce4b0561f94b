"""What clients send and get about an event, and how that becomes its settings."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from inventory import limits
from inventory.settings import Money, SaleState, Settings
from inventory.venue.own import GA
from persistence.event_details import DetailsChange
from persistence.event_rows import Details
from server.rest.problems import bad_field
from server.rest.times import (
    YEARS,
    Time,
    from_ms,
    is_kept,
    maybe_from_ms,
    maybe_to_ms,
    to_ms,
)

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Id = Annotated[str, Meta(min_length=1, max_length=limits.ID_LENGTH_MAX)]
Capacity = Annotated[int, Meta(ge=1, le=limits.AREA_CAPACITY_MAX)]
HoldTtl = Annotated[int, Meta(ge=1, le=limits.HOLD_TTL_S_MAX)]
PerUser = Annotated[int, Meta(ge=1, le=limits.PER_USER_MAX)]
PerBooking = Annotated[int, Meta(ge=1, le=limits.SEATS_PER_BOOKING_MAX)]
CancelUntil = Annotated[int, Meta(ge=0, le=10**9)]
CategoryKey = Annotated[str, Meta(min_length=1, max_length=limits.LABEL_LENGTH_MAX)]
Prices = Annotated[
    dict[CategoryKey, "Price"], Meta(max_length=limits.CATEGORIES_PER_VENUE_MAX)
]
Payment = Literal["none", "required"]
Description = Annotated[str, Meta(max_length=10_000)]
CategoryName = Annotated[str, Meta(min_length=1, max_length=50)]
Tag = Annotated[str, Meta(min_length=1, max_length=50)]
Tags = Annotated[tuple[Tag, ...], Meta(max_length=20)]
Registration = Literal["closed", "open"]

CATALOGUE: Final = frozenset({"description", "category", "tags"})
"""What no journal knows of an event."""

TIMES: Final = frozenset({"starts_at", "ends_at", "on_sale_at", "off_sale_at"})
LASTS_MS: Final = 24 * 3_600_000
"""How long after its beginning an event without an end is over."""

_LOST_PLUS: Final = re.compile(r" (\d\d:\d\d)$")


class Price(Money, frozen=True, forbid_unknown_fields=True):
    """What a seat or place of a category costs."""


class EventCreate(Struct, forbid_unknown_fields=True, kw_only=True):
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
    hold_ttl_s: HoldTtl = 600
    max_per_user: PerUser = 10
    max_per_booking: PerBooking = 10
    prices: Prices = {}
    payment: Payment = "none"
    cancel_until_s: CancelUntil = 86_400
    prevent_orphans: bool = False
    waitlist: bool = True
    one_booking_per_user: bool = False
    registration: Registration = "closed"


class EventPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of an event; what is absent stays. Lists are replaced whole."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    category: CategoryName | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    starts_at: Time | UnsetType = UNSET
    ends_at: Time | UnsetType | None = UNSET
    on_sale_at: Time | UnsetType | None = UNSET
    off_sale_at: Time | UnsetType | None = UNSET
    capacity: Capacity | UnsetType = UNSET
    """Of an event with just a capacity; never less than what is taken."""
    hold_ttl_s: HoldTtl | UnsetType = UNSET
    max_per_user: PerUser | UnsetType = UNSET
    max_per_booking: PerBooking | UnsetType = UNSET
    prices: Prices | UnsetType = UNSET
    payment: Payment | UnsetType = UNSET
    cancel_until_s: CancelUntil | UnsetType = UNSET
    prevent_orphans: bool | UnsetType = UNSET
    waitlist: bool | UnsetType = UNSET
    one_booking_per_user: bool | UnsetType = UNSET
    registration: Registration | UnsetType = UNSET


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
    capacity: int | None
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
    completes_at: datetime | None
    """When it is completed by itself: at its end, or a day after it began."""
    hold_ttl_s: int
    max_per_user: int
    max_per_booking: int
    prices: dict[str, Money]
    payment: str
    cancel_until_s: int
    prevent_orphans: bool
    waitlist: bool
    one_booking_per_user: bool
    registration: str
    created_at: datetime


class OwnerDocument(Struct):
    """The process that owns an event, and where clients reach it directly."""

    process: str
    address: str | None
    epoch: int


class NewEvent(EventSummary, kw_only=True):
    """An event with all that the catalogue tells of it."""

    description: str


class EventDocument(NewEvent, kw_only=True):
    """An event with what is left of it, as of a committed version."""

    version: int
    counts: Counts
    owner: OwnerDocument | None


def settings_of(body: EventCreate) -> Settings:
    """Return the settings of a new event."""
    if (body.venue is None) == (body.capacity is None):
        raise bad_field("venue", "Give exactly one of venue and capacity.")
    return Settings(
        name=body.name,
        starts_at_ms=to_ms(body.starts_at),
        ends_at_ms=maybe_to_ms(body.ends_at),
        on_sale_at_ms=maybe_to_ms(body.on_sale_at),
        off_sale_at_ms=maybe_to_ms(body.off_sale_at),
        hold_ttl_s=body.hold_ttl_s,
        max_per_user=body.max_per_user,
        max_per_booking=body.max_per_booking,
        prices=money_of(body.prices),
        payment=body.payment,
        cancel_until_s=body.cancel_until_s,
        prevent_orphans=body.prevent_orphans,
        waitlist=body.waitlist,
        one_booking_per_user=body.one_booking_per_user,
        registration=body.registration,
    )


def patched(settings: Settings, patch: EventPatch) -> Settings:
    """Return the settings with the patch's fields in place of the old ones."""
    changes: dict[str, Any] = {}
    for field in patch.__struct_fields__:
        value = getattr(patch, field)
        if value is UNSET or field in CATALOGUE:
            continue
        if field in TIMES:
            changes[f"{field}_ms"] = maybe_to_ms(value)
        elif field == "prices":
            changes[field] = money_of(value)
        else:
            changes[field] = value
    return msgspec.structs.replace(settings, **changes)


def completing(settings: Settings, now_ms: int) -> Settings:
    """Return settings by which the event is completed when it is over.

    One that is over already was made so by somebody who knows: it stays as it is.
    """
    ends_ms = settings.ends_at_ms or settings.starts_at_ms + LASTS_MS
    return msgspec.structs.replace(
        settings, completes_at_ms=ends_ms if ends_ms > now_ms else None
    )


def details_of(body: EventCreate) -> Details:
    """Return what the catalogue tells of a new event."""
    return Details(
        description=body.description,
        category=None if body.category is None else word_of("category", body.category),
        tags=tags_of(body.tags),
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
    )


def word_of(field: str, text: str) -> str:
    """Return a name without what surrounds it, which must leave something."""
    word = " ".join(text.split())
    if not word:
        raise bad_field(field, "There is nothing but blanks in it.")
    return word


def tags_of(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Return tags as they are kept and looked for."""
    return tuple(dict.fromkeys(word_of("tags", tag).lower() for tag in tags))


def money_of(prices: dict[str, Price]) -> dict[str, Money]:
    """Return prices as the inventory keeps them."""
    return {key: Money(price.amount, price.currency) for key, price in prices.items()}


def check_settings(settings: Settings, categories: set[str]) -> None:
    """Raise for what only several fields together, or the venue, make wrong.

    For times beyond all dates as well, because those of a duplicate are computed.
    """
    for field in sorted(TIMES):
        time_ms = getattr(settings, f"{field}_ms")
        if time_ms is not None and not is_kept(time_ms):
            raise bad_field(field, YEARS)
    ends_at_ms = settings.ends_at_ms
    if ends_at_ms is not None and ends_at_ms <= settings.starts_at_ms:
        raise bad_field("ends_at", "Not after starts_at.")
    opens_ms, closes_ms = settings.on_sale_at_ms, settings.off_sale_at_ms
    if opens_ms is not None and closes_ms is not None and closes_ms <= opens_ms:
        raise bad_field("off_sale_at", "Not after on_sale_at.")
    if settings.registration == "open" and GA not in categories:
        raise bad_field("registration", "Only for events with just a capacity.")
    for key in settings.prices:
        if key not in categories:
            raise bad_field(f"prices.{key}", "The venue has no such category.")
    if len({price.currency for price in settings.prices.values()}) > 1:
        # A hold has one total, so its parts must add up.
        raise bad_field("prices", "All prices of an event are in one currency.")


def settings_fields(settings: Settings) -> dict[str, Any]:
    """Return the settings by the names that clients know."""
    return {
        "name": settings.name,
        "status": settings.sale_state,
        "starts_at": from_ms(settings.starts_at_ms),
        "ends_at": maybe_from_ms(settings.ends_at_ms),
        "on_sale_at": maybe_from_ms(settings.on_sale_at_ms),
        "off_sale_at": maybe_from_ms(settings.off_sale_at_ms),
        "completes_at": maybe_from_ms(settings.completes_at_ms),
        "hold_ttl_s": settings.hold_ttl_s,
        "max_per_user": settings.max_per_user,
        "max_per_booking": settings.max_per_booking,
        "prices": settings.prices,
        "payment": settings.payment,
        "cancel_until_s": settings.cancel_until_s,
        "prevent_orphans": settings.prevent_orphans,
        "waitlist": settings.waitlist,
        "one_booking_per_user": settings.one_booking_per_user,
        "registration": settings.registration,
    }


def read_time(field: str, text: str) -> datetime:
    """Return a time from a query."""
    try:
        # In a query a plus sign that nobody escaped arrives as a blank.
        time = msgspec.convert(_LOST_PLUS.sub(r"+\1", text), Time)
        # Some have no year from 1 to 9999 in UTC.
        return time.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError) as error:
        raise bad_field(field, "Not an RFC 3339 time with an offset.") from error
