"""Announcements of an organisation: sent by mail to members or ticket holders."""

from datetime import datetime
from typing import Annotated, Literal

from aiohttp import web
from msgspec import Meta, Struct

from inventory.names import NAME_PATTERN, TEXT_PATTERN
from persistence.announcements import Announcement, Audience, NewAnnouncement
from persistence.organisations import OrganisationNotFound, TooMany
from server.organisations.letters import announced
from server.rest.call import Call
from server.rest.creation import hash_request, new_id
from server.rest.event_bodies import Id
from server.rest.paging import Page, read_limit
from server.rest.problems import ProblemError, bad_field
from server.rest.standing import stand

# A line of a mail's head: nothing that would end it.
Subject = Annotated[str, Meta(min_length=1, max_length=150, pattern=NAME_PATTERN)]
State = Literal["writing", "sending", "done"]
Text = Annotated[str, Meta(min_length=1, max_length=10_000, pattern=TEXT_PATTERN)]


class AnnouncementCreate(Struct, forbid_unknown_fields=True):
    """What to tell whom; `event` goes with the audience `ticket_holders`."""

    audience: Audience
    subject: Subject
    body: Text
    event: Id | None = None


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
    """An announcement, and how far its sending is."""

    id: str
    organisation: str
    audience: Audience
    event: str | None
    subject: str
    body: str
    created_by: str
    created_at: datetime
    state: State
    counts: AnnouncementCounts


async def create_announcement(call: Call) -> web.Response:
    """Tell members, or an event's ticket holders, something by mail."""
    key, who = call.key, call.who
    standing, office = await stand(call, "leader"), call.context.office
    body = await call.body(AnnouncementCreate)
    event_name = await _event_name(call, standing.id, body)
    request_hash = hash_request(body)
    new = NewAnnouncement(
        new_id("ann", f"{standing.id} {who.user}", key),
        standing.id,
        body.audience,
        body.event,
        body.subject,
        announced(body.body, standing.organisation.name, event_name),
        who.user,
        request_hash,
    )
    try:
        made = await office.announcements.create(new)
    except TooMany as error:
        raise ProblemError("limit_reached", "Too many within a day.") from error
    except OrganisationNotFound as error:
        raise ProblemError("organisation_not_found") from error
    if made.request_hash != request_hash:
        raise ProblemError("key_reused")
    office.crier.soon()
    place = f"/v1/organisations/{standing.id}/announcements/{made.announcement_id}"
    return call.answer(_document_of(made), status=201, headers={"Location": place})


async def list_announcements(call: Call) -> web.Response:
    """List an organisation's announcements, the newest first."""
    standing, query = await stand(call, "member"), call.request.query
    rows, cursor = await call.context.office.announcements.list_of(
        standing.id, limit=read_limit(query), cursor=query.get("cursor")
    )
    return call.read(Page([_document_of(row) for row in rows], cursor))


async def show_announcement(call: Call) -> web.Response:
    """Show one announcement, and how far its sending is."""
    standing, name = await stand(call, "member"), call.path("announcement")
    found = await call.context.office.announcements.find(standing.id, name)
    if found is None:
        raise ProblemError("announcement_not_found")
    return call.read(_document_of(found))


async def _event_name(
    call: Call, organisation: str, body: AnnouncementCreate
) -> str | None:
    """Return the name of the event whose ticket holders are told."""
    if (body.audience == "ticket_holders") != (body.event is not None):
        detail = "Give it with the audience ticket_holders, and with no other."
        raise bad_field("event", detail)
    if body.event is None:
        return None
    row = await call.context.catalog.find_event(body.event)
    if row is None or row.organisation != organisation:
        raise bad_field("event", "The organisation has no such event.")
    return row.settings.name


def _document_of(row: Announcement) -> AnnouncementDocument:
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
        created_by=row.created_by,
        created_at=row.created_at,
        state=state,
        counts=AnnouncementCounts(
            recipients=row.recipients,
            waiting=row.waiting,
            sent=row.recipients - row.waiting - row.failed,
            failed=row.failed,
            without_email=row.without_email,
        ),
    )
