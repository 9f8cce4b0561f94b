"""How one becomes a member: invited by mail, or let in where one asks to join."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from aiohttp import web

from persistence.errors import Revisions, TooMany, refuse_stale
from persistence.mail import Mail
from persistence.people.invitations import (
    Invitation,
    InvitationNotFound,
    Invitations,
    InvitedRole,
    NewInvitation,
    NotConfirmed,
    NotInvited,
)
from persistence.people.join_requests import JoinRequest, JoinRequests, RequestNotFound
from persistence.people.organisations import (
    AlreadyMember,
    MemberNotFound,
    MemberRole,
    OrganisationNotFound,
)
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal, too_many
from server.people.organisations.mails import (
    INVITATION_S,
    accepted_mail,
    asked_notice,
    declined_mail,
    invitation_mail,
)
from server.people.organisations.membership import Membership
from server.people.organisations.problems import (
    ALREADY_MEMBER,
    INVITATION_NOT_FOUND,
    ORGANISATION_NOT_FOUND,
    REQUEST_NOT_FOUND,
)
from server.transport.mail.addresses import read_email
from server.transport.ratelimit.meter import Meter
from server.transport.rest.idempotency import new_id

FULL: Final = "The organisation has as many members as may be."
UNANSWERED: Final = "Too many are not answered yet."

WriteMail = Callable[[str, str], Mail]
"""Writes the mail to a user and an address."""


class JoiningService:
    """Invites people, and lets in those who ask.

    Raises `Unavailable`, and `Refusal`; what takes revisions that were `seen` also
    `Stale`. A `membership` says who asks and what they are to the organisation;
    `changed` is called with an organisation that has another member. A `meter` counts
    mails, and raises `RateLimited`.
    """

    def __init__(
        self,
        invitations: Invitations,
        requests: JoinRequests,
        changed: Callable[[str], Awaitable[None]],
    ) -> None:
        self.invitations = invitations
        self.requests = requests
        self._changed = changed

    async def invite(
        self,
        membership: Membership,
        email: str,
        role: InvitedRole,
        key: str | None,
        request_hash: bytes,
        meter: Meter,
    ) -> Invitation:
        """Invite somebody by mail; an earlier invitation to the same address ends."""
        user, organisation = membership.require("leader").user, membership.id
        email = read_email(email)
        meter.mail(email)
        message = invitation_mail(email, membership.organisation.name, role)
        new = NewInvitation(
            new_id("inv", f"{organisation} {user}", key),
            organisation,
            email,
            role,
            message.code_hash,
            user,
            request_hash,
            message.mail,
            INVITATION_S,
        )
        try:
            made = await self.invitations.create(new)
        except AlreadyMember as error:
            raise Refusal(ALREADY_MEMBER) from error
        except TooMany as error:
            raise too_many(error, UNANSWERED) from error
        except OrganisationNotFound as error:
            raise Refusal(ORGANISATION_NOT_FOUND) from error
        if made.request_hash != request_hash:
            raise Refusal("key_reused")
        return made

    async def find_invitation(
        self, membership: Membership, invitation: str
    ) -> Invitation:
        """Return an invitation; of a withdrawn one only the list tells."""
        membership.require("leader")
        found = await self.invitations.find(membership.id, invitation)
        if found is None or found.state == "withdrawn":
            raise Refusal(INVITATION_NOT_FOUND)
        return found

    async def withdraw_invitation(
        self, membership: Membership, invitation: str, seen: Revisions
    ) -> None:
        """Take an invitation back that was not answered yet."""
        user = membership.require("leader").user
        # Nothing of it can be edited.
        refuse_stale(0, seen)
        try:
            await self.invitations.withdraw(membership.id, invitation, user)
        except InvitationNotFound as error:
            raise Refusal(INVITATION_NOT_FOUND) from error

    async def find_offer(self, code_hash: bytes) -> Invitation:
        """Return what the code of a mail invites to."""
        found = await self.invitations.find_by_code(code_hash)
        if found is None:
            raise Refusal(INVITATION_NOT_FOUND)
        return found

    async def accept_offer(
        self, who: Identity, code_hash: bytes
    ) -> tuple[str, MemberRole]:
        """Make somebody a member with the code of a mail, which is good once.

        Returns the organisation and what they are there.
        """
        try:
            organisation, role = await self.invitations.accept(code_hash, who.user)
        except (InvitationNotFound, OrganisationNotFound) as error:
            raise Refusal(INVITATION_NOT_FOUND) from error
        except AlreadyMember as error:
            raise Refusal(ALREADY_MEMBER) from error
        except TooMany as error:
            raise too_many(error, FULL) from error
        except MemberNotFound as error:
            raise Refusal("unauthenticated") from error
        except NotInvited as error:
            raise Refusal("forbidden", "It is for another address.") from error
        except NotConfirmed as error:
            detail = "Confirm your address first, with the code of the mail to it."
            raise Refusal("forbidden", detail) from error
        await self._changed(organisation)
        return organisation, role

    async def decline_offer(self, who: Identity, code_hash: bytes) -> None:
        """Refuse an invitation; the code is good no more."""
        try:
            await self.invitations.decline(code_hash, who.user)
        except InvitationNotFound as error:
            raise Refusal(INVITATION_NOT_FOUND) from error

    async def ask_to_join(
        self, who: Identity, organisation: str, message: str, key: str | None
    ) -> tuple[JoinRequest, bool]:
        """Ask to join; while that is open, asking again finds the same request.

        Owners and leaders are told. Returns it, and whether it was made by this.
        """
        new = new_id("req", f"{organisation} {who.user}", key)
        try:
            made = await self.requests.create(
                new, organisation, who.user, message, asked_notice
            )
        except OrganisationNotFound as error:
            raise Refusal(ORGANISATION_NOT_FOUND) from error
        except AlreadyMember as error:
            raise Refusal(ALREADY_MEMBER) from error
        except TooMany as error:
            raise too_many(error, UNANSWERED) from error
        return made, made.request_id == new

    async def find_request(self, membership: Membership, request: str) -> JoinRequest:
        """Return a request to who made it, and to those who lead.

        To anybody else it looks like none at all; of a withdrawn one only lists tell.
        """
        found, who = await self._find_request(membership, request), membership.who
        own = who is not None and who.user == found.user_id
        if not (membership.leads or own) or found.state == "withdrawn":
            raise Refusal(REQUEST_NOT_FOUND)
        return found

    async def accept_request(
        self, membership: Membership, request: str, role: InvitedRole, meter: Meter
    ) -> JoinRequest:
        """Make whoever asked a member, and let them know."""
        user = membership.require("leader").user
        name = membership.organisation.name
        write = _counted(meter, partial(accepted_mail, name))
        try:
            await self.requests.accept(membership.id, request, role, user, write)
        except (RequestNotFound, MemberNotFound) as error:
            raise Refusal(REQUEST_NOT_FOUND) from error
        except OrganisationNotFound as error:
            raise Refusal(ORGANISATION_NOT_FOUND) from error
        except TooMany as error:
            raise too_many(error, FULL) from error
        await self._changed(membership.id)
        return await self._find_request(membership, request)

    async def decline_request(
        self, membership: Membership, request: str, meter: Meter
    ) -> JoinRequest:
        """Refuse a request, and let whoever made it know."""
        user = membership.require("leader").user
        name = membership.organisation.name
        write = _counted(meter, partial(declined_mail, name))
        try:
            await self.requests.decline(membership.id, request, user, write)
        except RequestNotFound as error:
            raise Refusal(REQUEST_NOT_FOUND) from error
        return await self._find_request(membership, request)

    async def withdraw_request(
        self, who: Identity, organisation: str, request: str, seen: Revisions
    ) -> None:
        """Take one's own request back."""
        # Nothing of it can be edited.
        refuse_stale(0, seen)
        try:
            await self.requests.withdraw(organisation, request, who.user)
        except RequestNotFound as error:
            raise Refusal(REQUEST_NOT_FOUND) from error

    async def _find_request(self, membership: Membership, request: str) -> JoinRequest:
        found = await self.requests.find(membership.id, request)
        if found is None:
            raise Refusal(REQUEST_NOT_FOUND)
        return found


def _counted(meter: Meter, write: WriteMail) -> WriteMail:
    """Return what writes a mail where its recipient did not get too many."""

    def count_and_write(user: str, email: str) -> Mail:
        # Where it is one too many nothing is answered, and who asks told so.
        meter.notice(email)
        return write(user, email)

    return count_and_write


JOINING_SERVICE: Final = web.AppKey("joining service", JoiningService)
