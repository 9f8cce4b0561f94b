"""Announcements of an organisation: sent by mail to members or ticket holders."""

from datetime import datetime
from functools import partial
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct

from inventory.faults import Faults
from inventory.names import NAME_PATTERN, TEXT_PATTERN
from persistence.errors import TooMany
from persistence.people.announcements import Announcement, Audience, NewAnnouncement
from persistence.people.organisations import OrganisationNotFound
from server.live.actors.registry import CATALOG
from server.people.announcements.job import ANNOUNCEMENT_JOB, ANNOUNCEMENTS
from server.people.announcements.problems import ANNOUNCEMENT_NOT_FOUND
from server.people.organisations.mails import announced
from server.people.organisations.membership import require_membership
from server.people.organisations.problems import ORGANISATION_NOT_FOUND
from server.people.organisations.rows import (
    MADE,
    ONE,
    ORGANISATION,
    listing,
    post,
    read,
)
from server.transport.http.problems import (
    KEY_REUSED,
    LIMIT_REACHED,
    ProblemError,
    bad_field,
)
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Id
from server.transport.rest.idempotency import hash_request, new_id
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
    membership = await require_membership(call, "leader")
    body = await call.body(AnnouncementCreate)
    event_name = await _event_name(call, membership.id, body)
    request_hash = hash_request(body)
    new = NewAnnouncement(
        new_id("ann", f"{membership.id} {who.user}", key),
        membership.id,
        body.audience,
        body.event,
        body.subject,
        announced(body.body, membership.organisation.name, event_name),
        who.user,
        request_hash,
    )
    try:
        made = await call[ANNOUNCEMENTS].create(new)
    except TooMany as error:
        raise ProblemError(
            LIMIT_REACHED, "Too many within a day.", limit=error.limit
        ) from error
    except OrganisationNotFound as error:
        raise ProblemError(ORGANISATION_NOT_FOUND) from error
    if made.request_hash != request_hash:
        raise ProblemError(KEY_REUSED)
    call[ANNOUNCEMENT_JOB].soon()
    place = f"/v1/organisations/{membership.id}/announcements/{made.announcement_id}"
    return call.answer(_document_of(made), status=201, headers={"Location": place})


async def list_announcements(call: Call) -> web.Response:
    """List an organisation's announcements, the newest first."""
    membership, query = await require_membership(call, "member"), call.request.query
    rows, cursor = await call[ANNOUNCEMENTS].list_of(
        membership.id, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(call[ANNOUNCEMENTS].count_of, membership.id))
    return call.read(Page([_document_of(row) for row in rows], cursor, total))


async def show_announcement(call: Call) -> web.Response:
    """Show one announcement, and how far its sending is."""
    membership, name = (
        await require_membership(call, "member"),
        call.path("announcement", ANNOUNCEMENT_NOT_FOUND),
    )
    found = await call[ANNOUNCEMENTS].find(membership.id, name)
    if found is None:
        raise ProblemError(ANNOUNCEMENT_NOT_FOUND)
    return call.read(_document_of(found))


async def _event_name(
    call: Call, organisation: str, body: AnnouncementCreate
) -> str | None:
    """Return the name of the event whose ticket holders are told."""
    if body.event is None:
        return None
    row = await call[CATALOG].find_event(body.event)
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
        problems=MADE,
    ),
    listing(
        AnnouncementDocument,
        path=f"{ONE}/announcements",
        handler=list_announcements,
        name="list_announcements",
        summary="List an organisation's announcements, the newest first",
        access="member",
    ),
    read(
        path=f"{ONE}/announcements/{{announcement}}",
        handler=show_announcement,
        name="show_announcement",
        summary="Show an announcement, and how far its sending is",
        access="member",
        answers=AnnouncementDocument,
        problems=(*ORGANISATION, ANNOUNCEMENT_NOT_FOUND),
    ),
)
