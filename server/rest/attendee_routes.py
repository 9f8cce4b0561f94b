"""The routes of registrations."""

from typing import Final

from server.rest import attendees
from server.rest.paging import Page
from server.rest.route import EVENT, PAGING, WRITES, Query, Route

TAG: Final = "Attendees"
ALL: Final = "/v1/events/{event}/attendees"
ONE: Final = ("attendee_not_found", "unavailable")
REFUSED: Final = ("overloaded", "outcome_unknown")
CANCELLED: Final = ("registration_pending", "cancel_too_late", *REFUSED)

FILTERS: Final = (
    Query(
        "q",
        {"type": "string", "minLength": 1, "maxLength": attendees.TEXT_LENGTH_MAX},
        "Only those with this id, whose reference begins so, or who have all these "
        "words, or parts of words, in the name or email address.",
    ),
    Query(
        "status",
        {"type": "string", "enum": list(attendees.STATUSES)},
        "Only those in this state.",
    ),
)

ATTENDEE_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path=ALL,
        handler=attendees.create_attendee,
        name="create_attendee",
        summary="Register somebody for an event with open registration",
        tag=TAG,
        access="buyer",
        body=attendees.AttendeeCreate,
        answers=attendees.AttendeeDocument,
        status=201,
        keyed=True,
        problems=(
            *WRITES,
            "event_not_found",
            "registration_closed",
            "already_registered",
            "payment_required",
            "sale_not_open",
            "sale_paused",
            "sale_closed",
            "not_enough_seats",
            "key_reused",
            *REFUSED,
        ),
    ),
    Route(
        method="GET",
        path=ALL,
        handler=attendees.list_attendees,
        name="list_attendees",
        summary="List and search those who registered, for whoever runs the event",
        tag=TAG,
        access="manager",
        scope="bookings:read",
        answers=Page[attendees.AttendeeDocument],
        cached=True,
        query=(*FILTERS, *PAGING),
        problems=("bad_field", *EVENT),
    ),
    Route(
        method="GET",
        path=f"{ALL}/{{attendee}}",
        handler=attendees.show_attendee,
        name="show_attendee",
        summary="Show a registration",
        tag=TAG,
        access="buyer",
        scope="bookings:read",
        answers=attendees.AttendeeDocument,
        cached=True,
        problems=("event_not_found", *ONE),
    ),
    Route(
        method="POST",
        path=f"{ALL}/{{attendee}}/cancel",
        handler=attendees.cancel_attendee,
        name="cancel_attendee",
        summary="Cancel a registration in time; its place is free again",
        tag=TAG,
        access="buyer",
        answers=attendees.AttendeeDocument,
        keyed=True,
        problems=("forbidden", "bad_field", "event_not_found", *ONE, *CANCELLED),
    ),
    Route(
        method="POST",
        path="/v1/attendees/cancel",
        handler=attendees.cancel_registration,
        name="cancel_registration",
        summary="Cancel a registration with the code of its mail",
        tag=TAG,
        access="anonymous",
        body=attendees.CodeOfAttendee,
        answers=attendees.AttendeeDocument,
        problems=(*WRITES, "code_invalid", *CANCELLED),
    ),
    Route(
        method="GET",
        path="/v1/me/registrations",
        handler=attendees.list_my_registrations,
        name="list_my_registrations",
        summary="List what the caller registered for, newest first",
        tag=TAG,
        access="buyer",
        answers=Page[attendees.AttendeeDocument],
        cached=True,
        query=PAGING,
        problems=("bad_field", "unavailable"),
    ),
)
