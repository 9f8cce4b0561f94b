"""Registrations: made by anybody with a token, listed by who runs the event."""

from datetime import datetime
from functools import partial
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from inventory.faults import Faults
from persistence.events.attendees import Attendee
from server.events.attendees.problems import (
    ALREADY_REGISTERED,
    ATTENDEE_NOT_FOUND,
    REGISTRATION_CLOSED,
    REGISTRATION_PENDING,
)
from server.events.attendees.service_attendees import (
    ATTENDEE_SERVICE,
    Comer,
    SeenRegistration,
)
from server.events.catalogue.rest import find_event
from server.people.auth.fields import Email, check_email
from server.transport.http.problems import (
    BAD_FIELD,
    CANCEL_TOO_LATE,
    CODE_INVALID,
    EVENT_NOT_FOUND,
    FORBIDDEN,
    KEY_REUSED,
    NOT_ENOUGH_SEATS,
    OUTCOME_UNKNOWN,
    OVERLOADED,
    PAYMENT_REQUIRED,
    SALE_CLOSED,
    SALE_NOT_OPEN,
    SALE_PAUSED,
    UNAVAILABLE,
)
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Id, Locale, Name
from server.transport.rest.guard import meter_of
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.query import choice_of, text_of
from server.transport.rest.route import EVENT, PAGING, WRITES, Query, Route

TEXT_LENGTH_MAX: Final = 200
STATUSES: Final = ("pending", "registered", "cancelled")


class AttendeeCreate(Body):
    """Who comes: an `email` and a `name`, or the id of an `attendee` of the house.

    The code that cancels is mailed to the address.
    """

    email: Email | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    attendee: Id | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET
    """In which language the mail is; `Accept-Language` where it is not said."""

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the address."""
        if self.email is not UNSET:
            check_email(faults, self.email)


class CodeOfAttendee(Struct, forbid_unknown_fields=True):
    """The code of a registration's mail."""

    code: Annotated[str, Meta(min_length=1, max_length=100)]


class AttendeeDocument(Struct):
    """Somebody who registered; `pending` until the place is certain."""

    id: str
    event: str
    email: str
    name: str
    status: Literal["pending", "registered", "cancelled"]
    booking: str | None
    reference: str | None
    created_at: datetime
    registered_at: datetime | None
    cancelled_at: datetime | None
    person: str | None
    """Who it is, where they were registered by the id."""


async def create_attendee(call: Call) -> web.Response:
    """Register somebody for an event that has open registration."""
    key, event = call.key, await find_event(call)
    body = await call.body(AttendeeCreate)
    comer = Comer(
        email=_given(body.email),
        name=_given(body.name),
        person=_given(body.attendee),
        locale=call.locale if body.locale is UNSET else body.locale,
    )
    made = await call[ATTENDEE_SERVICE].register(
        call.who, event, comer, key, meter_of(call)
    )
    place = f"/v1/events/{event.id}/attendees/{made.attendee_id}"
    return call.answer(document_of(made), status=201, headers={"Location": place})


async def list_attendees(call: Call) -> web.Response:
    """List those who registered, newest first, to whoever runs the event."""
    event, query = call.path("event", EVENT_NOT_FOUND), call.request.query
    attendees = await call[ATTENDEE_SERVICE].of_event(call.identity, event)
    text = text_of(query, "q", TEXT_LENGTH_MAX)
    shown = choice_of(query, "status", STATUSES)
    rows, cursor = await attendees.list(
        text, shown, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(attendees.count, text, shown))
    return call.read(Page([document_of(row) for row in rows], cursor, total))


async def list_my_registrations(call: Call) -> web.Response:
    """List what the caller registered for, newest first."""
    query, user, store = call.request.query, call.who.user, call[ATTENDEE_SERVICE].store
    rows, cursor = await store.list_of_user(
        user, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(store.count_of_user, user))
    return call.read(Page([document_of(row) for row in rows], cursor, total))


async def show_attendee(call: Call) -> web.Response:
    """Show a registration to who made it, and to who runs the event."""
    return call.read(document_of((await _seen(call)).attendee))


async def cancel_attendee(call: Call) -> web.Response:
    """Cancel a registration: who made it in time, who manages the event at any time."""
    seen = await _seen(call)
    cancelled = await call[ATTENDEE_SERVICE].cancel(call.who, seen)
    return call.answer(document_of(cancelled))


async def cancel_registration(call: Call) -> web.Response:
    """Cancel the registration whose mail has a code."""
    body = await call.body(CodeOfAttendee)
    cancelled = await call[ATTENDEE_SERVICE].cancel_by_code(body.code)
    return call.answer(document_of(cancelled))


def document_of(row: Attendee) -> AttendeeDocument:
    """Return a registration as clients see it."""
    return AttendeeDocument(
        id=row.attendee_id,
        event=row.event_id,
        email=row.email,
        name=row.name,
        status=row.shown,
        booking=row.booking_id,
        reference=row.reference,
        created_at=row.created_at,
        registered_at=row.registered_at,
        cancelled_at=row.gone_at,
        person=row.person_id,
    )


async def _seen(call: Call) -> SeenRegistration:
    """Return the registration of the path, as far as the caller may see it."""
    event = call.path("event", EVENT_NOT_FOUND)
    name = call.path("attendee", ATTENDEE_NOT_FOUND)
    return await call[ATTENDEE_SERVICE].find_of_event(call.who, event, name)


def _given(text: str | UnsetType) -> str | None:
    return text if isinstance(text, str) else None


REFUSED: Final = (OVERLOADED, OUTCOME_UNKNOWN)

ALL: Final = "/v1/events/{event}/attendees"

FILTERS: Final = (
    Query(
        "q",
        {"type": "string", "minLength": 1, "maxLength": TEXT_LENGTH_MAX},
        "Only those with this id, whose reference begins so, or who have all these "
        "words, or parts of words, in the name or email address.",
    ),
    Query(
        "status",
        {"type": "string", "enum": list(STATUSES)},
        "Only those in this state.",
    ),
)

ONE: Final = (ATTENDEE_NOT_FOUND, UNAVAILABLE)

CANCELLED: Final = (REGISTRATION_PENDING, CANCEL_TOO_LATE, *REFUSED)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path=ALL,
        handler=create_attendee,
        name="create_attendee",
        summary="Register somebody for an event with open registration",
        tag="Attendees",
        access="buyer",
        body=AttendeeCreate,
        answers=AttendeeDocument,
        status=201,
        keyed=True,
        problems=(
            *WRITES,
            EVENT_NOT_FOUND,
            REGISTRATION_CLOSED,
            ALREADY_REGISTERED,
            ATTENDEE_NOT_FOUND,
            PAYMENT_REQUIRED,
            SALE_NOT_OPEN,
            SALE_PAUSED,
            SALE_CLOSED,
            NOT_ENOUGH_SEATS,
            KEY_REUSED,
            *REFUSED,
        ),
    ),
    Route(
        method="GET",
        path=ALL,
        handler=list_attendees,
        name="list_attendees",
        who=(
            "Needs the token of a member of the event's organisation; of who made "
            "the event, where it has none."
        ),
        summary="List and search those who registered, for whoever runs the event",
        tag="Attendees",
        access="manager",
        scope="bookings:read",
        answers=Page[AttendeeDocument],
        cached=True,
        query=(*FILTERS, *PAGING),
        problems=(BAD_FIELD, *EVENT),
    ),
    Route(
        method="GET",
        path=f"{ALL}/{{attendee}}",
        handler=show_attendee,
        name="show_attendee",
        who="Needs the token of who registered, or of whoever runs the event.",
        summary="Show a registration",
        tag="Attendees",
        access="buyer",
        scope="bookings:read",
        answers=AttendeeDocument,
        cached=True,
        problems=(EVENT_NOT_FOUND, *ONE),
    ),
    Route(
        method="POST",
        path=f"{ALL}/{{attendee}}/cancel",
        handler=cancel_attendee,
        name="cancel_attendee",
        who="Needs the token of who registered, or of whoever manages the event.",
        summary="Cancel a registration in time; its place is free again",
        tag="Attendees",
        access="buyer",
        answers=AttendeeDocument,
        keyed=True,
        problems=(FORBIDDEN, BAD_FIELD, EVENT_NOT_FOUND, *ONE, *CANCELLED),
    ),
    Route(
        method="POST",
        path="/v1/attendees/cancel",
        handler=cancel_registration,
        name="cancel_registration",
        who="Needs no token, but the code of the mail.",
        summary="Cancel a registration with the code of its mail",
        tag="Attendees",
        access="anonymous",
        body=CodeOfAttendee,
        answers=AttendeeDocument,
        problems=(*WRITES, CODE_INVALID, *CANCELLED),
    ),
    Route(
        method="GET",
        path="/v1/me/registrations",
        handler=list_my_registrations,
        name="list_my_registrations",
        summary="List what the caller registered for, newest first",
        tag="Attendees",
        access="buyer",
        answers=Page[AttendeeDocument],
        cached=True,
        query=PAGING,
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
)
