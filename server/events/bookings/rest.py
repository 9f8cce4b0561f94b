"""Bookings: as those who made them, and those who run the event, may use them."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Final, Literal

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from inventory.limits import ID_LENGTH_MAX, LABEL_LENGTH_MAX
from inventory.settings import Money
from persistence.events.bookings import Booking, Buyer, Wanted
from server.events.bookings.service import BOOKING_SERVICE, BookingSearch
from server.transport.http.problems import (
    BAD_FIELD,
    BELONGS_TO_ORDER,
    BOOKING_NOT_FOUND,
    CANCEL_TOO_LATE,
    EVENT_NOT_FOUND,
    FORBIDDEN,
    KEY_REUSED,
    OUTCOME_UNKNOWN,
    OVERLOADED,
    UNAVAILABLE,
)
from server.transport.rest.call import Call
from server.transport.rest.paging import (
    Page,
    page_of,
    read_cursor,
    read_limit,
    total_of,
)
from server.transport.rest.query import choice_of, text_of, time_of
from server.transport.rest.route import EVENT, PAGING, Query, Route

TEXT_LENGTH_MAX: Final = 200
STATUSES: Final = ("confirmed", "cancelled")
Version = Annotated[int, Meta(ge=0, le=2**62)]


class LineDocument(Struct):
    """A seat of a booking, or places of one area at one price."""

    label: str
    category: str | None
    """Null where the booking was made before bookings kept it."""
    quantity: int
    price: Money | None
    """Of each; null where it was free, or made before bookings kept it."""


class BookedEvent(Struct):
    """The event of a booking, as it is by now."""

    id: str
    name: str
    starts_at: datetime
    timezone: str
    """The IANA zone in which its times are meant."""


class BookingDocument(Struct):
    """A booking, cancelled or not."""

    id: str
    reference: str
    event: BookedEvent
    cancel_until: datetime
    """Until when its buyer may cancel it."""
    status: Literal["confirmed", "cancelled"]
    order: str | None
    seats: list[str]
    areas: dict[str, int]
    lines: list[LineDocument]
    total: Money | None
    """What it costs, as was told when it was held; null where it is free."""
    currency: str | None
    version: int
    created_at: datetime
    cancelled_at: datetime | None


class BuyerDocument(Struct):
    """Who made a booking; guests have no name and no address."""

    id: str
    email: str | None
    name: str | None


class EventBookingDocument(BookingDocument, kw_only=True):
    """A booking as those who run the event see it."""

    user: str
    buyer: BuyerDocument


async def list_bookings(call: Call) -> web.Response:
    """List the caller's bookings, newest first."""
    query, user, wanted = call.request.query, call.who.user, _wanted(call.request.query)
    event, store = text_of(query, "event", ID_LENGTH_MAX), call[BOOKING_SERVICE].store
    rows, cursor = await store.list_of_user(
        user, wanted, event=event, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(
        query, partial(store.count_of_user, user, wanted, event=event)
    )
    return call.read(Page([document_of(row) for row in rows], cursor, total))


async def show_booking(call: Call) -> web.Response:
    """Show one booking."""
    booking = call.path("booking", BOOKING_NOT_FOUND)
    return call.read(document_of(await call[BOOKING_SERVICE].find(call.who, booking)))


async def show_referenced(call: Call) -> web.Response:
    """Show the booking with a reference."""
    reference = call.path("reference", BOOKING_NOT_FOUND).upper()
    row = await call[BOOKING_SERVICE].find_by_reference(call.who, reference)
    return call.read(document_of(row))


async def cancel_booking(call: Call) -> web.Response:
    """Cancel a booking: its buyer in time, whoever manages the event at any time."""
    booking, key = call.path("booking", BOOKING_NOT_FOUND), call.key
    after = await call[BOOKING_SERVICE].cancel(call.who, booking, key)
    return call.answer(document_of(after))


async def list_event_bookings(call: Call) -> web.Response:
    """List an event's bookings, newest first, to whoever manages it and to staff."""
    event, query = call.path("event", EVENT_NOT_FOUND), call.request.query
    bookings = await call[BOOKING_SERVICE].of_event(call.who, event)
    limit = read_limit(query)
    search = BookingSearch(
        text=text_of(query, "q", TEXT_LENGTH_MAX),
        wanted=_wanted(query),
        seat=text_of(query, "seat", LABEL_LENGTH_MAX),
    )
    below = read_cursor(query, Version)
    rows = await bookings.list(search, below=below, limit=limit + 1)
    total = await total_of(query, partial(bookings.count, search))
    page = rows[:limit]
    further = page[-1][0].version if len(rows) > limit else None
    return call.read(page_of([event_document_of(*row) for row in page], further, total))


def document_of(row: Booking) -> BookingDocument:
    """Return a booking as clients see it."""
    return BookingDocument(
        id=row.booking,
        reference=row.reference,
        event=BookedEvent(
            row.event, row.event_name, row.event_starts_at, row.event_timezone
        ),
        cancel_until=row.cancel_until,
        status="confirmed" if row.cancelled_at is None else "cancelled",
        order=row.order,
        seats=row.seats,
        areas=row.areas,
        lines=[
            LineDocument(line.label, line.category, line.quantity, line.price)
            for line in row.lines
        ],
        total=row.total,
        currency=None if row.total is None else row.total.currency,
        version=row.version,
        created_at=row.created_at,
        cancelled_at=row.cancelled_at,
    )


def event_document_of(row: Booking, buyer: Buyer) -> EventBookingDocument:
    """Return a booking as those who run the event see it."""
    return EventBookingDocument(
        **msgspec.structs.asdict(document_of(row)),
        user=row.user,
        buyer=BuyerDocument(row.user, buyer.email, buyer.name),
    )


def _wanted(query: Mapping[str, str]) -> Wanted:
    status = choice_of(query, "status", STATUSES)
    return Wanted(
        cancelled=None if status is None else status == "cancelled",
        begin=time_of(query, "from"),
        end=time_of(query, "to"),
    )


TIME: Final = {"type": "string", "format": "date-time"}

FILTERS: Final = (
    Query(
        "status",
        {"type": "string", "enum": list(STATUSES)},
        "Only bookings in this state.",
    ),
    Query("from", TIME, "Only those made from here on."),
    Query("to", TIME, "Only those made before this."),
)

OF_EVENT: Final = Query(
    "event",
    {"type": "string", "minLength": 1, "maxLength": 64},
    "Only those of this event.",
)

TEXT: Final = Query(
    "q",
    {"type": "string", "minLength": 1, "maxLength": TEXT_LENGTH_MAX},
    "Only those with this id, order, user or seat, whose reference begins so, or whose "
    "buyer has all these words, or parts of words, in the name or email address.",
)

SEAT: Final = Query(
    "seat",
    {"type": "string", "minLength": 1, "maxLength": LABEL_LENGTH_MAX},
    "Only those with this seat.",
)

ONE: Final = (BOOKING_NOT_FOUND, UNAVAILABLE)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/bookings",
        handler=list_bookings,
        name="list_bookings",
        summary="List the caller's bookings, newest first",
        tag="Bookings",
        access="buyer",
        answers=Page[BookingDocument],
        cached=True,
        query=(OF_EVENT, *FILTERS, *PAGING),
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
    Route(
        method="GET",
        path="/v1/events/{event}/bookings",
        handler=list_event_bookings,
        name="list_event_bookings",
        who=(
            "Needs the token of a member of the event's organisation; of who made "
            "the event, where it has none."
        ),
        summary="List and search an event's bookings, for whoever runs it",
        tag="Bookings",
        access="manager",
        scope="bookings:read",
        answers=Page[EventBookingDocument],
        cached=True,
        query=(TEXT, SEAT, *FILTERS, *PAGING),
        problems=(BAD_FIELD, *EVENT),
    ),
    Route(
        method="GET",
        path="/v1/bookings/{booking}",
        handler=show_booking,
        name="show_booking",
        summary="Show a booking of the caller",
        tag="Bookings",
        access="buyer",
        scope="bookings:read",
        answers=BookingDocument,
        cached=True,
        problems=ONE,
    ),
    Route(
        method="GET",
        path="/v1/bookings/reference/{reference}",
        handler=show_referenced,
        name="show_referenced_booking",
        summary="Show a booking of the caller by its reference",
        tag="Bookings",
        access="buyer",
        scope="bookings:read",
        answers=BookingDocument,
        cached=True,
        problems=ONE,
    ),
    Route(
        method="POST",
        path="/v1/bookings/{booking}/cancel",
        handler=cancel_booking,
        name="cancel_booking",
        summary="Cancel a booking in time; its seats are free again",
        tag="Bookings",
        access="buyer",
        answers=BookingDocument,
        keyed=True,
        problems=(
            FORBIDDEN,
            BAD_FIELD,
            *ONE,
            BELONGS_TO_ORDER,
            CANCEL_TOO_LATE,
            KEY_REUSED,
            OVERLOADED,
            OUTCOME_UNKNOWN,
        ),
    ),
)
