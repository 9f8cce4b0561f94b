"""Support over REST: raised by buyers, listed for who is asked."""

from datetime import datetime
from functools import partial
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from inventory.faults import Faults
from inventory.names import NAME_PATTERN, TEXT_PATTERN
from persistence.community.support import SupportTicket
from server.community.support.service import SUPPORT_SERVICE, Question
from server.people.auth.fields import Email, check_email
from server.people.organisations.problems import ORGANISATION_NOT_FOUND
from server.people.organisations.rows import ONE, listing, require_membership
from server.transport.http.problems import (
    EVENT_NOT_FOUND,
    KEY_REUSED,
    LIMIT_REACHED,
)
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Id
from server.transport.rest.idempotency import hash_request
from server.transport.rest.notes import note_objects
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.route import WRITES, Route

TAG: Final = "Support"
Subject = Annotated[str, Meta(min_length=1, max_length=150, pattern=NAME_PATTERN)]
Text = Annotated[str, Meta(min_length=1, max_length=4_000, pattern=TEXT_PATTERN)]


class SupportAsk(Body):
    """What is asked: about an `event`, or of an `organisation`, or of who runs this.

    An answer goes to the confirmed address of the caller's account, else to `email`.
    """

    subject: Subject
    text: Text
    event: Id | None = None
    organisation: Id | None = None
    email: Email | None = None

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the address."""
        if self.email is not None:
            check_email(faults, self.email)


class SupportTaken(Struct):
    """A ticket that was raised. Without `answered_at_email` nobody can answer."""

    ticket: str
    created_at: datetime
    answered_at_email: bool


class SupportDocument(Struct):
    """A ticket as whoever is asked sees it."""

    id: str
    organisation: str | None
    event: str | None
    user: str
    email: str | None
    subject: str
    text: str
    created_at: datetime


async def ask_support(call: Call) -> web.Response:
    """Raise a ticket of support: the organiser is told at once."""
    key, body = call.key, await call.body(SupportAsk)
    question = Question(
        body.subject, body.text, body.event, body.organisation, body.email
    )
    made = await call[SUPPORT_SERVICE].ask(call.who, question, key, hash_request(body))
    about = {"event": made.event_id, "organisation": made.organisation_id}
    named = {name: one for name, one in about.items() if one is not None}
    note_objects(call.request, support=made.ticket_id, **named)
    taken = SupportTaken(made.ticket_id, made.created_at, made.email is not None)
    return call.answer(taken, status=202)


async def list_support(call: Call) -> web.Response:
    """List what an organisation is asked, the newest first."""
    membership, query = await require_membership(call, "member"), call.request.query
    store = call[SUPPORT_SERVICE].store
    rows, cursor = await store.list_of(
        membership.id, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(store.count_of, membership.id))
    return call.read(Page([_document_of(row) for row in rows], cursor, total))


def _document_of(row: SupportTicket) -> SupportDocument:
    return SupportDocument(
        row.ticket_id,
        row.organisation_id,
        row.event_id,
        row.user_id,
        row.email,
        row.subject,
        row.text,
        row.created_at,
    )


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/support",
        handler=ask_support,
        name="ask_support",
        summary="Raise a ticket of support: the organiser is told at once",
        tag=TAG,
        access="buyer",
        keyed=True,
        body=SupportAsk,
        answers=SupportTaken,
        status=202,
        problems=(
            *WRITES,
            KEY_REUSED,
            LIMIT_REACHED,
            EVENT_NOT_FOUND,
            ORGANISATION_NOT_FOUND,
        ),
    ),
    listing(
        SupportDocument,
        path=f"{ONE}/support",
        handler=list_support,
        name="list_support",
        summary="List what an organisation is asked, the newest first",
        tag=TAG,
        access="member",
    ),
)
