"""People of the house: noted once, found, and registered for events by their id.

They are an organisation's, or an organiser's who names none, and nobody else sees them.
An id of a registration is good here, too: what it names is shown and cancelled.
"""

from datetime import datetime
from functools import partial
from typing import Final

from aiohttp import web
from msgspec import Struct

from inventory.faults import Faults
from persistence.events.persons import Person
from server.events.attendees.problems import ATTENDEE_EXISTS, ATTENDEE_NOT_FOUND
from server.events.attendees.rest import (
    CANCELLED,
    TEXT_LENGTH_MAX,
    AttendeeDocument,
    document_of,
)
from server.events.attendees.service_persons import PERSON_SERVICE
from server.people.auth.fields import Email, check_email
from server.transport.http.problems import (
    BAD_FIELD,
    FORBIDDEN,
    KEY_REUSED,
    UNAVAILABLE,
)
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Id, Name
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.query import text_of
from server.transport.rest.route import EVENT, PAGING, WRITES, Query, Route


class PersonCreate(Body):
    """Somebody who may come to many events; the address is theirs alone."""

    email: Email
    name: Name
    organisation: Id | None = None
    """Whose they are; without one, the organiser's who makes them."""

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the address."""
        check_email(faults, self.email)


class PersonDocument(Struct):
    """Somebody who may come to many events."""

    id: str
    email: str
    name: str
    organisation: str | None
    created_at: datetime


async def create_person(call: Call) -> web.Response:
    """Note somebody who can be registered for events by the id."""
    key, service = call.key, call[PERSON_SERVICE]
    maker = await service.maker(call.who)
    body = await call.body(PersonCreate)
    made = await service.create(maker, body.email, body.name, body.organisation, key)
    headers = {"Location": f"/v1/attendees/{made.person_id}"}
    return call.answer(_document_of(made), status=201, headers=headers)


async def list_persons(call: Call) -> web.Response:
    """List and search those whom the caller's organisations know, newest first."""
    query, persons = call.request.query, await call[PERSON_SERVICE].seen_by(call.who)
    text = text_of(query, "q", TEXT_LENGTH_MAX)
    rows, cursor = await persons.list(
        text, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(persons.count, text))
    return call.read(Page([_document_of(row) for row in rows], cursor, total))


async def show_person(call: Call) -> web.Response:
    """Show somebody, or a registration, as far as the caller may see either."""
    found = await call[PERSON_SERVICE].find(call.who, _name_of(call))
    if isinstance(found, Person):
        return call.read(_document_of(found))
    return call.read(document_of(found.attendee))


async def delete_person(call: Call) -> web.Response:
    """Forget somebody, whose places stay; or cancel a registration."""
    await call[PERSON_SERVICE].delete(call.who, _name_of(call), call.seen)
    return call.done()


def _name_of(call: Call) -> str:
    return call.path("attendee", ATTENDEE_NOT_FOUND)


def _document_of(row: Person) -> PersonDocument:
    return PersonDocument(
        id=row.person_id,
        email=row.email,
        name=row.name,
        organisation=row.organisation_id,
        created_at=row.created_at,
    )


PEOPLE: Final = "/v1/attendees"
ONE: Final = f"{PEOPLE}/{{attendee}}"
SEARCH: Final = Query(
    "q",
    {"type": "string", "minLength": 1, "maxLength": TEXT_LENGTH_MAX},
    "Only the one with this id, or those who have all these words, or parts of words, "
    "in the name or email address.",
)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path=PEOPLE,
        handler=create_person,
        name="create_person",
        who=(
            "Needs the token of an owner or leader, where an `organisation` is named, "
            "else of an organiser."
        ),
        summary="Note somebody who can be registered for many events",
        tag="Attendees",
        access="customer",
        scope="events:write",
        body=PersonCreate,
        answers=PersonDocument,
        status=201,
        keyed=True,
        problems=(*WRITES, FORBIDDEN, ATTENDEE_EXISTS, KEY_REUSED),
    ),
    Route(
        method="GET",
        path=PEOPLE,
        handler=list_persons,
        name="list_persons",
        who="Needs the token of an organiser, or of a member of an organisation.",
        summary="List and search the people of the caller's organisations",
        tag="Attendees",
        access="customer",
        scope="bookings:read",
        answers=Page[PersonDocument],
        cached=True,
        query=(SEARCH, *PAGING),
        problems=(BAD_FIELD, FORBIDDEN, UNAVAILABLE),
    ),
    Route(
        method="GET",
        path=ONE,
        handler=show_person,
        name="show_person",
        who="Whom the caller may not see is not there.",
        summary="Show somebody of the house, or a registration",
        tag="Attendees",
        access="buyer",
        scope="bookings:read",
        answers=(PersonDocument, AttendeeDocument),
        cached=True,
        problems=(ATTENDEE_NOT_FOUND, *EVENT),
    ),
    Route(
        method="DELETE",
        path=ONE,
        handler=delete_person,
        name="delete_person",
        who="Whom the caller may not see is not there.",
        summary="Forget somebody, whose places stay; or cancel a registration",
        tag="Attendees",
        access="buyer",
        scope="events:write",
        status=204,
        keyed=True,
        problems=(BAD_FIELD, FORBIDDEN, ATTENDEE_NOT_FOUND, *EVENT, *CANCELLED),
    ),
)
