"""Announcements of an organisation: sent by mail to members or ticket holders."""

from datetime import datetime
from functools import partial
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from inventory.faults import Faults
from inventory.names import NAME_PATTERN, TEXT_PATTERN
from persistence.people.announcements import Announcement, Audience
from server.people.announcements.problems import ANNOUNCEMENT_NOT_FOUND
from server.people.announcements.service import ANNOUNCEMENT_SERVICE, Message, Reader
from server.people.organisations.problems import ORGANISATION_NOT_FOUND
from server.people.organisations.rows import (
    BODY,
    EMPTY,
    MADE,
    ONE,
    ORGANISATION,
    delete,
    listing,
    post,
    read,
    require_membership,
    write,
)
from server.transport.http.problems import BAD_FIELD, UNAVAILABLE
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Id
from server.transport.rest.idempotency import hash_request
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.route import Route

# A line of a mail's head: nothing that would end it.
Subject = Annotated[str, Meta(min_length=1, max_length=150, pattern=NAME_PATTERN)]
State = Literal["writing", "sending", "done"]
Text = Annotated[str, Meta(min_length=1, max_length=10_000, pattern=TEXT_PATTERN)]


class AnnouncementCreate(Body):
    """What to tell whom; `event` goes with the audience `ticket_holders`."""

    audience: Audience
    subject: Subject
    body: Text
    event: Id | None = None

    def check(self, faults: Faults) -> None:
        """Add where an event is missing, or there is one too many."""
        told = self.audience == "ticket_holders"
        if told != (self.event is not None) and not faults.is_faulty("audience"):
            detail = "Give it with the audience ticket_holders, and with no other."
            faults.add("event", detail)


class AnnouncementPatch(Struct, forbid_unknown_fields=True):
    """What to change. Mails that were not sent yet say it; what was sent stays."""

    subject: Subject | UnsetType = UNSET
    body: Text | UnsetType = UNSET


class AnnouncementCounts(Struct):
    """How far the sending is.

    `recipients` have a mail, of which some are `waiting`, `sent` or `failed`;
    `without_email` bought as guests, or have no account any more.
    """

    recipients: int
    waiting: int
    sent: int
    failed: int
    without_email: int


class AnnouncementDocument(Struct):
    """An announcement, and how far its sending is.

    Who made it and how the sending goes is null for ticket holders.
    """

    id: str
    organisation: str
    audience: Audience
    event: str | None
    subject: str
    body: str
    created_by: str | None
    created_at: datetime
    edited_at: datetime | None
    state: State | None
    counts: AnnouncementCounts | None


async def create_announcement(call: Call) -> web.Response:
    """Tell members, or an event's ticket holders, something by mail."""
    key, membership = call.key, await require_membership(call, "leader")
    body = await call.body(AnnouncementCreate)
    message = Message(body.audience, body.subject, body.body, body.event)
    made = await call[ANNOUNCEMENT_SERVICE].create(
        membership, message, key, hash_request(body)
    )
    place = f"/v1/organisations/{membership.id}/announcements/{made.announcement_id}"
    return call.answer(_document_of(made), status=201, headers={"Location": place})


async def edit_announcement(call: Call) -> web.Response:
    """Change what an announcement says, as far as it is not sent."""
    membership = await require_membership(call, "leader")
    name = call.path("announcement", ANNOUNCEMENT_NOT_FOUND)
    body = await call.body(AnnouncementPatch)
    edited = await call[ANNOUNCEMENT_SERVICE].edit(
        membership,
        name,
        body.subject if isinstance(body.subject, str) else None,
        body.body if isinstance(body.body, str) else None,
        call.seen,
    )
    return call.answer(_document_of(edited), revision=edited.revision)


async def delete_announcement(call: Call) -> web.Response:
    """Take an announcement back, with those of its mails that are not sent."""
    membership = await require_membership(call, "leader")
    name = call.path("announcement", ANNOUNCEMENT_NOT_FOUND)
    await call[ANNOUNCEMENT_SERVICE].delete(membership, name, call.seen)
    return call.done()


async def list_announcements(call: Call) -> web.Response:
    """List an organisation's announcements, or those for the caller's tickets."""
    reader, query = await _reader_of(call), call.request.query
    store, holder = call[ANNOUNCEMENT_SERVICE].store, reader.holder
    rows, cursor = await store.list_of(
        reader.organisation,
        holder=holder,
        limit=read_limit(query),
        cursor=query.get("cursor"),
    )
    count = partial(store.count_of, reader.organisation, holder=holder)
    items = [_document_of(row, plain=holder is not None) for row in rows]
    return call.read(Page(items, cursor, await total_of(query, count)))


async def list_my_announcements(call: Call) -> web.Response:
    """List what is for the caller, as a member or as a ticket holder."""
    query, user = call.request.query, call.who.user
    store = call[ANNOUNCEMENT_SERVICE].store
    rows, cursor = await store.list_of_user(
        user, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(store.count_of_user, user))
    items = [_document_of(row, plain=True) for row in rows]
    return call.read(Page(items, cursor, total))


async def show_announcement(call: Call) -> web.Response:
    """Show one announcement to a member, or to whom it is meant for."""
    reader = await _reader_of(call)
    name = call.path("announcement", ANNOUNCEMENT_NOT_FOUND)
    found = await call[ANNOUNCEMENT_SERVICE].find(reader, name)
    plain = reader.holder is not None
    return call.read(_document_of(found, plain=plain), revision=found.revision)


async def _reader_of(call: Call) -> Reader:
    """Return the caller as a reader of the announcements of the path's organisation."""
    organisation = call.path("organisation", ORGANISATION_NOT_FOUND)
    return await call[ANNOUNCEMENT_SERVICE].reader_of(call.who, organisation)


def _document_of(row: Announcement, *, plain: bool = False) -> AnnouncementDocument:
    """Return an announcement as clients see it; `plain` is without how it was sent."""
    if row.written_at is None:
        state: State = "writing"
    else:
        state = "sending" if row.waiting else "done"
    return AnnouncementDocument(
        id=row.announcement_id,
        organisation=row.organisation_id,
        audience=row.audience,
        event=row.event_id,
        subject=row.subject,
        body=row.body,
        created_by=None if plain else row.created_by,
        created_at=row.created_at,
        edited_at=row.edited_at,
        state=None if plain else state,
        counts=None
        if plain
        else AnnouncementCounts(
            recipients=row.recipients,
            waiting=row.waiting,
            sent=row.recipients - row.waiting - row.failed,
            failed=row.failed,
            without_email=row.without_email,
        ),
    )


READERS: Final = (
    "Needs the token of a member, or of who holds tickets: they get what is for these. "
    "Machines need `members:read`."
)

ROUTES: Final[tuple[Route, ...]] = (
    post(
        path=f"{ONE}/announcements",
        handler=create_announcement,
        name="create_announcement",
        summary="Tell members, or an event's ticket holders, something by mail",
        access="leader",
        body=AnnouncementCreate,
        answers=AnnouncementDocument,
        status=201,
        problems=(*MADE, ANNOUNCEMENT_NOT_FOUND),
    ),
    listing(
        AnnouncementDocument,
        path=f"{ONE}/announcements",
        handler=list_announcements,
        name="list_announcements",
        who=READERS,
        summary="List an organisation's announcements, the newest first",
        access="buyer",
        scope="members:read",
    ),
    listing(
        AnnouncementDocument,
        path="/v1/me/announcements",
        handler=list_my_announcements,
        name="list_my_announcements",
        summary="List what is for the caller, as a member or for tickets, newest first",
        access="buyer",
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
    read(
        path=f"{ONE}/announcements/{{announcement}}",
        handler=show_announcement,
        name="show_announcement",
        who=READERS,
        summary="Show an announcement, and how far its sending is",
        access="buyer",
        scope="members:read",
        answers=AnnouncementDocument,
        problems=(*ORGANISATION, ANNOUNCEMENT_NOT_FOUND),
    ),
    write(
        method="PATCH",
        path=f"{ONE}/announcements/{{announcement}}",
        handler=edit_announcement,
        name="edit_announcement",
        summary="Change an announcement; mails that are not sent say it, too",
        access="leader",
        body=AnnouncementPatch,
        answers=AnnouncementDocument,
        problems=(*BODY, ANNOUNCEMENT_NOT_FOUND),
    ),
    delete(
        path=f"{ONE}/announcements/{{announcement}}",
        handler=delete_announcement,
        name="delete_announcement",
        summary="Take an announcement back, with its mails that are not sent",
        access="leader",
        problems=(*EMPTY, ANNOUNCEMENT_NOT_FOUND),
    ),
)
