"""Tickets over REST: shown, listed, issued again; what is revoked, and the keys."""

from base64 import urlsafe_b64encode
from datetime import datetime
from functools import partial
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct

from inventory.limits import ID_LENGTH_MAX, LABEL_LENGTH_MAX
from persistence.shop.tickets.keys import KeyRow
from server.people.organisations.problems import ORGANISATION_NOT_FOUND
from server.shop.tickets.problems import (
    TICKET_CHANGED,
    TICKET_NOT_FOUND,
    TICKET_NOT_VALID,
)
from server.shop.tickets.service import TICKET_SERVICE, ShownTicket
from server.shop.tickets.token import GENERATION_MAX
from server.transport.http.problems import (
    BAD_FIELD,
    EVENT_NOT_FOUND,
    FORBIDDEN,
    LIMIT_REACHED,
    UNAVAILABLE,
)
from server.transport.rest.call import Call
from server.transport.rest.notes import note_objects
from server.transport.rest.paging import Page, read_limit, read_number, total_of
from server.transport.rest.query import choice_of, text_of
from server.transport.rest.route import EVENT, PAGING, WRITES, Query, Route

STATES: Final = ("valid", "offered", "locked", "revoked")
KEYS_S: Final = 300
"""How long others may keep a copy of the keys without asking again."""


class TicketEventDocument(Struct):
    """The event of a ticket, as it is by now."""

    id: str
    name: str
    starts_at: datetime
    timezone: str
    """The IANA zone in which its times are meant."""
    venue: str | None


class HolderDocument(Struct):
    """Who has a ticket; guests have no name."""

    user: str
    name: str | None


class TicketDocument(Struct):
    """A ticket: one seat, or one place of an area."""

    ticket: str
    number: str
    """Printed on it, and read out where a code does not scan."""
    status: Literal["valid", "offered", "locked", "revoked"]
    """`offered` to somebody else, `locked` while it is being given back."""
    kind: Literal["seat", "place"]
    label: str
    """Of the seat; of a place that of its area."""
    category: str | None
    area: str | None
    generation: int
    """One more each time it was issued again; codes of the ones before are revoked."""
    code: str | None
    """What its QR holds; null where it lets nobody in, or is not for the caller."""
    event: TicketEventDocument
    holder: HolderDocument
    order: str | None
    line: int | None
    booking: str
    reference: str
    issued_at: datetime
    created_at: datetime
    revoked_at: datetime | None
    entered_at: datetime | None
    """When somebody came in with it; null where nobody is in by it."""


class RevokedDocument(Struct):
    """A code that is good no longer, by what it says of itself."""

    number: str
    generation: int
    at: datetime


class RevokedList(Struct):
    """What was revoked of an event, oldest first."""

    event: str
    revision: int
    """Say `since` this to get what comes later."""
    complete: bool
    """Whether that was all by now; else ask again at once."""
    items: list[RevokedDocument]


class TicketKeyDocument(Struct):
    """A public key that tickets are signed with, and whose they are."""

    key: str
    """Its id, which stands in the codes."""
    organisation: str | None
    """Null: the house's, for events that belong to no organisation."""
    public_key: str
    """Ed25519, 32 bytes in URL-safe base64."""
    signs_from: datetime


class TicketKeyList(Struct):
    """All keys that there ever were, oldest first: `onsale ticket verify` takes it."""

    keys: list[TicketKeyDocument]


class Reissue(Struct, forbid_unknown_fields=True):
    """Which generation of a ticket is to be replaced."""

    generation: Annotated[int, Meta(ge=1, le=GENERATION_MAX)]


class NewTicketKey(Struct, forbid_unknown_fields=True):
    """Whose key is wanted; null is the house."""

    organisation: Annotated[str, Meta(max_length=ID_LENGTH_MAX)] | None


async def show_ticket(call: Call) -> web.Response:
    """Show a ticket, with its code to whoever may use it."""
    ticket = call.path("ticket", TICKET_NOT_FOUND)
    return call.read(document_of(await call[TICKET_SERVICE].find(call.who, ticket)))


async def list_tickets(call: Call) -> web.Response:
    """List the tickets that the caller has, newest first."""
    query, service, user = call.request.query, call[TICKET_SERVICE], call.who.user
    state = choice_of(query, "status", STATES)
    event = text_of(query, "event", ID_LENGTH_MAX)
    rows, cursor = await service.store.list_of_holder(
        user,
        state=state,
        event=event,
        limit=read_limit(query),
        cursor=query.get("cursor"),
    )
    count = partial(service.store.count_of_holder, user, state=state, event=event)
    total = await total_of(query, count)
    shown = await service.shown(rows)
    return call.read(Page([document_of(one) for one in shown], cursor, total))


async def list_event_tickets(call: Call) -> web.Response:
    """List an event's tickets, without codes, to those who run it."""
    event, query = call.path("event", EVENT_NOT_FOUND), call.request.query
    service = call[TICKET_SERVICE]
    await service.require_insight(call.who, event)
    state = choice_of(query, "status", STATES)
    text = text_of(query, "q", LABEL_LENGTH_MAX)
    rows, cursor = await service.store.list_of_event(
        event,
        state=state,
        text=text,
        limit=read_limit(query),
        cursor=query.get("cursor"),
    )
    count = partial(service.store.count_of_event, event, state=state, text=text)
    total = await total_of(query, count)
    items = [document_of(ShownTicket(row, None)) for row in rows]
    return call.read(Page(items, cursor, total))


async def list_revoked(call: Call) -> web.Response:
    """List the codes of an event that are good no longer, for its gates."""
    event, query = call.path("event", EVENT_NOT_FOUND), call.request.query
    text = query.get("since")
    since = 0 if text is None else read_number("since", text)
    found = await call[TICKET_SERVICE].revoked(call.who, event, since)
    items = [RevokedDocument(one.number, one.generation, one.at) for one in found.items]
    return call.read(RevokedList(event, found.revision, found.complete, items))


async def reissue_ticket(call: Call) -> web.Response:
    """Issue a ticket again: its code of before is revoked."""
    ticket = call.path("ticket", TICKET_NOT_FOUND)
    body = await call.body(Reissue)
    shown = await call[TICKET_SERVICE].reissue(call.who, ticket, body.generation)
    document = document_of(shown)
    note_objects(call.request, event=document.event.id)
    return call.answer(document)


async def show_ticket_keys(call: Call) -> web.Response:
    """Show the public keys of all tickets."""
    rows = await call[TICKET_SERVICE].keyring.store.all()
    keys = TicketKeyList([_key_document(row) for row in rows])
    return call.read(keys, cache_control=f"public, max-age={KEYS_S}")


async def add_ticket_key(call: Call) -> web.Response:
    """Add a key, which signs new tickets from tomorrow on."""
    body = await call.body(NewTicketKey)
    rows = await call[TICKET_SERVICE].add_key(call.who, body.organisation)
    return call.answer(_key_document(rows[0]))


def document_of(shown: ShownTicket) -> TicketDocument:
    """Return a ticket as clients see it."""
    row = shown.ticket
    return TicketDocument(
        ticket=row.ticket,
        number=row.number,
        status=row.state,
        kind=row.kind,
        label=row.label,
        category=row.category,
        area=row.area,
        generation=row.generation,
        code=shown.code,
        event=TicketEventDocument(
            row.event, row.event_name, row.starts_at, row.timezone, row.venue_name
        ),
        holder=HolderDocument(row.holder, row.holder_name),
        order=row.order,
        line=row.line,
        booking=row.booking,
        reference=row.reference,
        issued_at=row.issued_at,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        entered_at=row.entered_at,
    )


def _key_document(row: KeyRow) -> TicketKeyDocument:
    public = urlsafe_b64encode(row.public).rstrip(b"=").decode("ascii")
    return TicketKeyDocument(row.key, row.organisation, public, row.signs_from)


STATUS: Final = Query(
    "status",
    {"type": "string", "enum": list(STATES)},
    "Only tickets in this state.",
)
OF_EVENT: Final = Query(
    "event",
    {"type": "string", "minLength": 1, "maxLength": ID_LENGTH_MAX},
    "Only those of this event.",
)
TEXT: Final = Query(
    "q",
    {"type": "string", "minLength": 1, "maxLength": LABEL_LENGTH_MAX},
    "Only those with this number, label, booking or order.",
)
SINCE: Final = Query(
    "since",
    {"type": "integer", "minimum": 0, "default": 0},
    "Only what came after this `revision`, which an answer of before had.",
)
RUNS: Final = (
    "Needs the token of a member of the event's organisation; of who made the event, "
    "where it has none."
)
ONE: Final = (TICKET_NOT_FOUND, UNAVAILABLE)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/tickets",
        handler=list_tickets,
        name="list_tickets",
        summary="List the caller's tickets, newest first",
        tag="Tickets",
        access="buyer",
        answers=Page[TicketDocument],
        cached=True,
        query=(OF_EVENT, STATUS, *PAGING),
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
    Route(
        method="GET",
        path="/v1/tickets/{ticket}",
        handler=show_ticket,
        name="show_ticket",
        summary="Show a ticket of the caller, or of an event that they run",
        tag="Tickets",
        access="buyer",
        opened=True,
        scope="bookings:read",
        answers=TicketDocument,
        cached=True,
        problems=ONE,
    ),
    Route(
        method="POST",
        path="/v1/tickets/{ticket}/reissue",
        handler=reissue_ticket,
        name="reissue_ticket",
        who="Needs the token of somebody who manages the event.",
        summary="Issue a ticket again; its code of before is revoked",
        tag="Tickets",
        access="buyer",
        body=Reissue,
        answers=TicketDocument,
        keyed=True,
        problems=(
            FORBIDDEN,
            TICKET_NOT_FOUND,
            TICKET_NOT_VALID,
            TICKET_CHANGED,
            LIMIT_REACHED,
            *WRITES,
        ),
    ),
    Route(
        method="GET",
        path="/v1/events/{event}/tickets",
        handler=list_event_tickets,
        name="list_event_tickets",
        who=RUNS,
        summary="List and search an event's tickets, for whoever runs it",
        tag="Tickets",
        access="manager",
        scope="bookings:read",
        answers=Page[TicketDocument],
        cached=True,
        query=(TEXT, STATUS, *PAGING),
        problems=(BAD_FIELD, *EVENT),
    ),
    Route(
        method="GET",
        path="/v1/events/{event}/tickets/revoked",
        handler=list_revoked,
        name="list_revoked_tickets",
        who=RUNS,
        summary="List the codes of an event that are good no longer, for its gates",
        tag="Tickets",
        access="manager",
        scope="checkin",
        answers=RevokedList,
        cached=True,
        query=(SINCE,),
        problems=(BAD_FIELD, *EVENT),
    ),
    Route(
        method="GET",
        path="/v1/ticket-keys",
        handler=show_ticket_keys,
        name="show_ticket_keys",
        summary="Show the public keys that tickets are checked with",
        tag="Tickets",
        access="anonymous",
        answers=TicketKeyList,
        cached=True,
        problems=(UNAVAILABLE,),
    ),
    Route(
        method="POST",
        path="/v1/ticket-keys",
        handler=add_ticket_key,
        name="add_ticket_key",
        who="Needs an owner of the organisation; an administrator for the house's.",
        summary="Add a key, which signs new tickets from tomorrow on",
        tag="Tickets",
        access="customer",
        body=NewTicketKey,
        answers=TicketKeyDocument,
        keyed=True,
        problems=(FORBIDDEN, ORGANISATION_NOT_FOUND, *WRITES),
    ),
)
