"""Registrations: made by anybody with a token, listed by who runs the event."""

from datetime import datetime
from functools import partial
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from inventory.faults import Faults
from inventory.venue.own import GA
from persistence.events.attendees import AlreadyRegistered, Attendee, NewAttendee
from persistence.events.rows import EventRow
from persistence.people.addresses import address_key
from server.base.identity import Machine
from server.events.attendees.problems import (
    ALREADY_REGISTERED,
    ATTENDEE_NOT_FOUND,
    REGISTRATION_CLOSED,
    REGISTRATION_PENDING,
)
from server.events.attendees.service import PERSONS, REGISTRATIONS
from server.events.catalogue.rest import find_event
from server.events.catalogue.service import EVENT_SERVICE, FoundEvent
from server.live.actors.registry import EventNotFound, EventUnavailable
from server.people.auth.fields import Email, check_email
from server.people.organisations.membership import MEMBERSHIPS
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
    ProblemError,
    bad_field,
)
from server.transport.mail.addresses import read_email
from server.transport.mail.codes import hash_of_code
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Id, Name
from server.transport.rest.guard import meter_of
from server.transport.rest.idempotency import hash_request, new_id
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.query import choice_of, text_of
from server.transport.rest.route import EVENT, PAGING, WRITES, Query, Route

TEXT_LENGTH_MAX: Final = 200
REGISTRATION_KIND: Final = "att"
"""What ids of registrations begin with; those of people of the house do not."""

STATUSES: Final = ("pending", "registered", "cancelled")


class AttendeeCreate(Body):
    """Who comes: an `email` and a `name`, or the id of an `attendee` of the house.

    The code that cancels is mailed to the address.
    """

    email: Email | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    attendee: Id | UnsetType = UNSET

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


class Comer(Struct, frozen=True):
    """Who is to be registered."""

    email: str
    name: str
    person: str | None


async def create_attendee(call: Call) -> web.Response:
    """Register somebody for an event that has open registration."""
    key, user = call.key, call.who.user
    event = await find_event(call)
    body = await call.body(AttendeeCreate)
    _check_open(event)
    comer = await _comer_of(call, body)
    meter_of(call).mail(comer.email)

    def name(attempt: int) -> str:
        tried = key if key is None or not attempt else f"{key} {attempt}"
        return new_id(REGISTRATION_KIND, f"{user} {event.id}", tried)

    request_hash = hash_request([event.id, address_key(comer.email), comer.name])
    new = NewAttendee(
        name(0), event.id, comer.email, comer.name, user, request_hash, comer.person
    )
    try:
        made = await call[REGISTRATIONS].register(new, name)
    except AlreadyRegistered as error:
        raise ProblemError(ALREADY_REGISTERED) from error
    except (EventNotFound, EventUnavailable) as error:
        raise ProblemError(UNAVAILABLE) from error
    if made.request_hash != request_hash:
        raise ProblemError(KEY_REUSED)
    place = f"/v1/events/{event.id}/attendees/{made.attendee_id}"
    return call.answer(document_of(made), status=201, headers={"Location": place})


async def list_attendees(call: Call) -> web.Response:
    """List those who registered, newest first, to whoever runs the event."""
    event, query = await find_event(call), call.request.query
    await call[MEMBERSHIPS].require_insight(
        call.identity, event.organisation, event.maker
    )
    store = call[REGISTRATIONS].store
    asked = {
        "text": text_of(query, "q", TEXT_LENGTH_MAX),
        "shown": choice_of(query, "status", STATUSES),
    }
    rows, cursor = await store.list_of_event(
        event.id, **asked, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(store.count_of_event, event.id, **asked))
    return call.read(Page([document_of(row) for row in rows], cursor, total))


async def list_my_registrations(call: Call) -> web.Response:
    """List what the caller registered for, newest first."""
    query, user, store = call.request.query, call.who.user, call[REGISTRATIONS].store
    rows, cursor = await store.list_of_user(
        user, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(store.count_of_user, user))
    return call.read(Page([document_of(row) for row in rows], cursor, total))


async def show_attendee(call: Call) -> web.Response:
    """Show a registration to who made it, and to who runs the event."""
    return call.read(document_of((await _seen(call))[1]))


def reader_of(call: Call) -> str | None:
    """Return as whom the caller sees people of the house; None sees all."""
    who = call.who
    if isinstance(who, Machine):
        return who.organisation
    return None if who.role == "admin" else who.user


async def cancel_attendee(call: Call) -> web.Response:
    """Cancel a registration: who made it in time, who manages the event at any time."""
    event, attendee = await _seen(call)
    return call.answer(document_of(await cancel_seen(call, event, attendee)))


async def cancel_seen(call: Call, event: EventRow, attendee: Attendee) -> Attendee:
    """Cancel a registration that the caller sees, where they may."""
    late = await call[MEMBERSHIPS].manages(
        call.identity, event.organisation, event.created_by
    )
    if attendee.user_id != call.who.user and not late:
        # Staff of the organisation see it, and no more.
        await call[MEMBERSHIPS].require_manager(
            call.identity, event.organisation, event.created_by
        )
    return await _cancel(call, attendee, late=late)


async def cancel_registration(call: Call) -> web.Response:
    """Cancel the registration whose mail has a code."""
    body = await call.body(CodeOfAttendee)
    digest = hash_of_code(body.code)
    attendee = await call[REGISTRATIONS].store.find_by_code(digest)
    if attendee is None:
        raise ProblemError(CODE_INVALID)
    return call.answer(document_of(await _cancel(call, attendee, late=False)))


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


async def _comer_of(call: Call, body: AttendeeCreate) -> Comer:
    """Return whom a body names, one way or the other."""
    if isinstance(body.attendee, str):
        for field in ("email", "name"):
            if getattr(body, field) is not UNSET:
                raise bad_field(field, "Not beside an attendee, who has one.")
        found = await call[PERSONS].find(body.attendee, reader_of(call))
        if found is None:
            raise ProblemError(ATTENDEE_NOT_FOUND)
        return Comer(found.email, found.name, found.person_id)
    if not isinstance(body.email, str) or not isinstance(body.name, str):
        field = "name" if isinstance(body.email, str) else "email"
        raise bad_field(field, "Missing: give an email and a name, or an attendee.")
    return Comer(read_email(body.email), body.name, None)


async def _cancel(call: Call, attendee: Attendee, *, late: bool) -> Attendee:
    """Cancel a registration that is there; one that is cancelled stays so."""
    if attendee.shown == "pending":
        raise ProblemError(REGISTRATION_PENDING)
    if attendee.shown == "registered":
        try:
            attendee = await call[REGISTRATIONS].cancel(attendee, late=late)
        except (EventNotFound, EventUnavailable) as error:
            raise ProblemError(UNAVAILABLE) from error
    return attendee


def _check_open(event: FoundEvent) -> None:
    settings, venue = event.board.settings, event.board.venue
    if settings.registration != "open" or venue.seats or GA not in venue.area_index:
        raise ProblemError(REGISTRATION_CLOSED)
    if settings.payment == "required":
        raise ProblemError(PAYMENT_REQUIRED)


async def _seen(call: Call) -> tuple[EventRow, Attendee]:
    """Return the registration of the path, as far as the caller may see it."""
    event, name = (
        call.path("event", EVENT_NOT_FOUND),
        call.path("attendee", ATTENDEE_NOT_FOUND),
    )
    await call[EVENT_SERVICE].find_shown_row(call.identity, event)
    row, attendee = await seen_by(call, name)
    if attendee.event_id != event:
        raise ProblemError(ATTENDEE_NOT_FOUND)
    return row, attendee


async def seen_by(call: Call, name: str) -> tuple[EventRow, Attendee]:
    """Return a registration and its event, as far as the caller may see it."""
    found = await call[REGISTRATIONS].store.find(name)
    if found is None or found.came_to_nothing:
        raise ProblemError(ATTENDEE_NOT_FOUND)
    event = await call[EVENT_SERVICE].find_shown_row(call.identity, found.event_id)
    # Somebody else's looks like none at all.
    if found.user_id != call.who.user and not await call[MEMBERSHIPS].sees(
        call.identity, event.organisation, event.created_by
    ):
        raise ProblemError(ATTENDEE_NOT_FOUND)
    return event, found


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
