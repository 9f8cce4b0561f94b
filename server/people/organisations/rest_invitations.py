"""Invitations to an organisation, and what one does with the code of a mail."""

from datetime import datetime
from functools import partial
from typing import Final, Literal

from aiohttp import web
from msgspec import Struct

from inventory.faults import Faults
from persistence.people.invitations import AnswerState, Invitation, InvitedRole
from persistence.people.organisations import MemberRole
from server.people.auth.fields import Email, check_email
from server.people.organisations.joining.service import JOINING_SERVICE
from server.people.organisations.problems import ALREADY_MEMBER, INVITATION_NOT_FOUND
from server.people.organisations.rows import (
    EMPTY,
    MADE,
    ONE,
    ORGANISATION,
    STATE,
    delete,
    listing,
    post,
    read,
    read_state,
    require_membership,
)
from server.transport.http.problems import BAD_FIELD, LIMIT_REACHED, UNAVAILABLE
from server.transport.mail.codes import hash_of_code
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.guard import meter_of
from server.transport.rest.idempotency import hash_request
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.route import Route


class InvitationCreate(Body):
    """Whom to invite, and as what."""

    email: Email
    role: InvitedRole = "staff"

    def check(self, faults: Faults) -> None:
        """Add what is wrong with the address."""
        check_email(faults, self.email)


class InvitationDocument(Struct):
    """An invitation, as the organisation sees it; its code is in the mail only."""

    id: str
    organisation: str
    email: str
    role: InvitedRole
    state: AnswerState | Literal["expired"]
    invited_by: str
    created_at: datetime
    expires_at: datetime
    answered_at: datetime | None


class InvitedTo(Struct):
    """The organisation that invites."""

    id: str
    name: str


class OfferDocument(Struct):
    """An invitation, as whoever has its code sees it."""

    organisation: InvitedTo
    role: InvitedRole
    expires_at: datetime


class MembershipDocument(Struct):
    """What one is in an organisation now."""

    organisation: str
    user: str
    role: MemberRole


async def create_invitation(call: Call) -> web.Response:
    """Invite somebody by mail; an earlier invitation to the same address ends."""
    key, membership = call.key, await require_membership(call, "leader")
    body = await call.body(InvitationCreate)
    made = await call[JOINING_SERVICE].invite(
        membership, body.email, body.role, key, hash_request(body), meter_of(call)
    )
    place = f"/v1/organisations/{membership.id}/invitations/{made.invitation_id}"
    return call.answer(_document_of(made), status=201, headers={"Location": place})


async def list_invitations(call: Call) -> web.Response:
    """List an organisation's invitations, the newest first."""
    membership, query = await require_membership(call, "leader"), call.request.query
    invitations = call[JOINING_SERVICE].invitations
    asked = {"state": read_state(call)}
    rows, cursor = await invitations.list_of(
        membership.id, **asked, limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, partial(invitations.count_of, membership.id, **asked))
    return call.read(Page([_document_of(row) for row in rows], cursor, total))


async def show_invitation(call: Call) -> web.Response:
    """Show one invitation; of a withdrawn one only the list tells."""
    membership = await require_membership(call, "leader")
    name = call.path("invitation", INVITATION_NOT_FOUND)
    found = await call[JOINING_SERVICE].find_invitation(membership, name)
    return call.read(_document_of(found))


async def withdraw_invitation(call: Call) -> web.Response:
    """Take an invitation back that was not answered yet."""
    membership = await require_membership(call, "leader")
    name = call.path("invitation", INVITATION_NOT_FOUND)
    await call[JOINING_SERVICE].withdraw_invitation(membership, name, call.seen)
    return call.done()


async def show_offer(call: Call) -> web.Response:
    """Show what the code of a mail invites to."""
    found = await call[JOINING_SERVICE].find_offer(_hash_of(call))
    organisation = InvitedTo(found.organisation_id, found.organisation_name)
    return call.read(OfferDocument(organisation, found.role, found.expires_at))


async def accept_invitation(call: Call) -> web.Response:
    """Become a member; the code is good once."""
    service, who = call[JOINING_SERVICE], call.who
    organisation, role = await service.accept_offer(who, _hash_of(call))
    return call.answer(MembershipDocument(organisation, who.user, role))


async def decline_invitation(call: Call) -> web.Response:
    """Refuse an invitation; the code is good no more."""
    await call[JOINING_SERVICE].decline_offer(call.who, _hash_of(call))
    return call.done()


def _hash_of(call: Call) -> bytes:
    return hash_of_code(call.path("code", INVITATION_NOT_FOUND))


def _document_of(row: Invitation) -> InvitationDocument:
    expired = row.state == "pending" and row.expired
    return InvitationDocument(
        id=row.invitation_id,
        organisation=row.organisation_id,
        email=row.email,
        role=row.role,
        state="expired" if expired else row.state,
        invited_by=row.invited_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        answered_at=row.answered_at,
    )


ROUTES: Final[tuple[Route, ...]] = (
    post(
        path=f"{ONE}/invitations",
        handler=create_invitation,
        name="create_invitation",
        summary="Invite somebody by mail; an earlier one to that address ends",
        access="leader",
        body=InvitationCreate,
        answers=InvitationDocument,
        status=201,
        problems=(*MADE, ALREADY_MEMBER),
    ),
    listing(
        InvitationDocument,
        path=f"{ONE}/invitations",
        handler=list_invitations,
        name="list_invitations",
        summary="List an organisation's invitations, the newest first",
        access="leader",
        query=(STATE,),
    ),
    read(
        path=f"{ONE}/invitations/{{invitation}}",
        handler=show_invitation,
        name="show_invitation",
        summary="Show an invitation of an organisation",
        access="leader",
        answers=InvitationDocument,
        problems=(*ORGANISATION, INVITATION_NOT_FOUND),
    ),
    delete(
        path=f"{ONE}/invitations/{{invitation}}",
        handler=withdraw_invitation,
        name="withdraw_invitation",
        summary="Take an invitation back; only the list tells of it then",
        access="leader",
        problems=(*EMPTY, INVITATION_NOT_FOUND),
    ),
    read(
        path="/v1/invitations/{code}",
        handler=show_offer,
        name="show_offer",
        summary="Show what the code of a mail invites to",
        access="customer",
        answers=OfferDocument,
        problems=(INVITATION_NOT_FOUND, UNAVAILABLE),
    ),
    post(
        path="/v1/invitations/{code}/accept",
        handler=accept_invitation,
        name="accept_invitation",
        summary="Become a member with the code of a mail, which is good once",
        access="customer",
        answers=MembershipDocument,
        problems=(
            INVITATION_NOT_FOUND,
            ALREADY_MEMBER,
            LIMIT_REACHED,
            UNAVAILABLE,
            BAD_FIELD,
        ),
    ),
    post(
        path="/v1/invitations/{code}/decline",
        handler=decline_invitation,
        name="decline_invitation",
        summary="Refuse the invitation of a mail",
        access="customer",
        status=204,
        problems=(INVITATION_NOT_FOUND, UNAVAILABLE, BAD_FIELD),
    ),
)
