"""The routes of bookings."""

from typing import Final

from inventory.limits import LABEL_LENGTH_MAX
from server.rest import bookings
from server.rest.paging import Page
from server.rest.route import EVENT, PAGING, Query, Route

TAG: Final = "Bookings"
ONE: Final = ("booking_not_found", "unavailable")
TIME: Final = {"type": "string", "format": "date-time"}

FILTERS: Final = (
    Query(
        "status",
        {"type": "string", "enum": list(bookings.STATUSES)},
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
    {"type": "string", "minLength": 1, "maxLength": bookings.TEXT_LENGTH_MAX},
    "Only those with this id, order, user or seat, whose reference begins so, or whose "
    "buyer has all these words, or parts of words, in the name or email address.",
)
SEAT: Final = Query(
    "seat",
    {"type": "string", "minLength": 1, "maxLength": LABEL_LENGTH_MAX},
    "Only those with this seat.",
)

BOOKING_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/bookings",
        handler=bookings.list_bookings,
        name="list_bookings",
        summary="List the caller's bookings, newest first",
        tag=TAG,
        access="buyer",
        answers=Page[bookings.BookingDocument],
        cached=True,
        query=(OF_EVENT, *FILTERS, *PAGING),
        problems=("bad_field", "unavailable"),
    ),
    Route(
        method="GET",
        path="/v1/events/{event}/bookings",
        handler=bookings.list_event_bookings,
        name="list_event_bookings",
        summary="List and search an event's bookings, for whoever runs it",
        tag=TAG,
        access="manager",
        scope="bookings:read",
        answers=Page[bookings.EventBookingDocument],
        cached=True,
        query=(TEXT, SEAT, *FILTERS, *PAGING),
        problems=("bad_field", *EVENT),
    ),
    Route(
        method="GET",
        path="/v1/bookings/{booking}",
        handler=bookings.show_booking,
        name="show_booking",
        summary="Show a booking of the caller",
        tag=TAG,
        access="buyer",
        scope="bookings:read",
        answers=bookings.BookingDocument,
        cached=True,
        problems=ONE,
    ),
    Route(
        method="GET",
        path="/v1/bookings/reference/{reference}",
        handler=bookings.show_referenced,
        name="show_referenced_booking",
        summary="Show a booking of the caller by its reference",
        tag=TAG,
        access="buyer",
        scope="bookings:read",
        answers=bookings.BookingDocument,
        cached=True,
        problems=ONE,
    ),
    Route(
        method="POST",
        path="/v1/bookings/{booking}/cancel",
        handler=bookings.cancel_booking,
        name="cancel_booking",
        summary="Cancel a booking in time; its seats are free again",
        tag=TAG,
        access="buyer",
        answers=bookings.BookingDocument,
        keyed=True,
        problems=(
            "forbidden",
            "bad_field",
            *ONE,
            "already_cancelled",
            "cancel_too_late",
            "key_reused",
            "overloaded",
            "outcome_unknown",
        ),
    ),
)
