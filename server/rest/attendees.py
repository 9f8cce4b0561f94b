"""Registrations: made by anybody with a token, listed by who runs the event."""

from datetime import datetime
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct

from inventory.venue.own import GA
from persistence.addresses import address_key
from persistence.attendees import AlreadyRegistered, Attendee, NewAttendee
from server.attendees.registrar import RegistrationRefused
from server.codes import hash_of_code
from server.rest.call import Call
from server.rest.creation import hash_request, new_id
from server.rest.event_bodies import Name
from server.rest.events import (
    FoundEvent,
    find_event,
    find_row,
    find_shown_row,
    may_see,
)
from server.rest.filters import choice_of, text_of
from server.rest.paging import Page, read_limit
from server.rest.people import Email, count_mail, read_email
from server.rest.problems import ProblemError, refusal
from server.rest.standing import manages
from server.shards import EventNotFound, EventUnavailable

TEXT_LENGTH_MAX: Final = 200
STATUSES: Final = ("pending", "registered", "cancelled")


class AttendeeCreate(Struct, forbid_unknown_fields=True):
    """Who comes. The code that cancels is mailed to the address."""

    email: Email
    name: Name


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


async def create_attendee(call: Call) -> web.Response:
    """Register somebody for an event that has open registration."""
    key, user = call.key, call.who.user
    event = await find_event(call)
    body = await call.body(AttendeeCreate)
    _check_open(event)
    email = read_email(body.email)
    count_mail(call, email)

    def name(attempt: int) -> str:
        tried = key if key is None or not attempt else f"{key} {attempt}"
        return new_id("att", f"{user} {event.id}", tried)

    request_hash = hash_request([event.id, address_key(email), body.name])
    new = NewAttendee(name(0), event.id, email, body.name, user, request_hash)
    try:
        made = await call.context.registrar.register(new, name)
    except AlreadyRegistered as error:
        raise ProblemError("already_registered") from error
    except RegistrationRefused as error:
        raise refusal(error.refused) from error
    except (EventNotFound, EventUnavailable) as error:
        raise ProblemError("unavailable") from error
    if made.request_hash != request_hash:
        raise ProblemError("key_reused")
    place = f"/v1/events/{event.id}/attendees/{made.attendee_id}"
    return call.answer(document_of(made), status=201, headers={"Location": place})


async def list_attendees(call: Call) -> web.Response:
    """List those who registered, newest first, to whoever runs the event."""
    event, query = await find_event(call), call.request.query
    if not await may_see(call, event.id):
        raise ProblemError("forbidden")
    rows, cursor = await call.context.registrar.store.list_of_event(
        event.id,
        text=text_of(query, "q", TEXT_LENGTH_MAX),
        shown=choice_of(query, "status", STATUSES),
        limit=read_limit(query),
        cursor=query.get("cursor"),
    )
    return call.read(Page([document_of(row) for row in rows], cursor))


async def list_my_registrations(call: Call) -> web.Response:
    """List what the caller registered for, newest first."""
    query = call.request.query
    rows, cursor = await call.context.registrar.store.list_of_user(
        call.who.user, limit=read_limit(query), cursor=query.get("cursor")
    )
    return call.read(Page([document_of(row) for row in rows], cursor))


async def show_attendee(call: Call) -> web.Response:
    """Show a registration to who made it, and to who runs the event."""
    return call.read(document_of(await _seen(call)))


async def cancel_attendee(call: Call) -> web.Response:
    """Cancel a registration: who made it in time, who manages the event at any time."""
    attendee = await _seen(call)
    organisation = (await find_row(call, attendee.event_id)).organisation
    late = await manages(call, organisation)
    if attendee.user_id != call.who.user and not late:
        raise ProblemError("forbidden")
    return await _cancel(call, attendee, late=late)


async def cancel_registration(call: Call) -> web.Response:
    """Cancel the registration whose mail has a code."""
    body = await call.body(CodeOfAttendee)
    digest = hash_of_code(body.code)
    attendee = await call.context.registrar.store.find_by_code(digest)
    if attendee is None:
        raise ProblemError("code_invalid")
    return await _cancel(call, attendee, late=False)


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
    )


async def _cancel(call: Call, attendee: Attendee, *, late: bool) -> web.Response:
    """Cancel a registration that is there; one that is cancelled stays so."""
    if attendee.shown == "pending":
        raise ProblemError("registration_pending")
    if attendee.shown == "registered":
        try:
            attendee = await call.context.registrar.cancel(attendee, late=late)
        except RegistrationRefused as error:
            raise refusal(error.refused) from error
        except (EventNotFound, EventUnavailable) as error:
            raise ProblemError("unavailable") from error
    return call.answer(document_of(attendee))


def _check_open(event: FoundEvent) -> None:
    settings, venue = event.board.settings, event.board.venue
    if settings.registration != "open" or venue.seats or GA not in venue.area_index:
        raise ProblemError("registration_closed")
    if settings.payment == "required":
        raise ProblemError("payment_required")


async def _seen(call: Call) -> Attendee:
    """Return the registration of the path, as far as the caller may see it."""
    event, name = call.path("event"), call.path("attendee")
    await find_shown_row(call, event)
    row = await call.context.registrar.store.find(name)
    if row is None or row.event_id != event or row.came_to_nothing:
        raise ProblemError("attendee_not_found")
    # Somebody else's looks like none at all.
    if row.user_id != call.who.user and not await may_see(call, event):
        raise ProblemError("attendee_not_found")
    return row
