"""Organisations and their members: made, edited, given away, ended, whoever asks.

All that concerns organisations in one process is put together here.
"""

from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from persistence.errors import Revisions, TooMany
from persistence.people.invitations import Invitations
from persistence.people.join_requests import JoinRequests
from persistence.people.leaving import LastOwner
from persistence.people.organisations import (
    InUse,
    Member,
    MemberNotFound,
    MemberRole,
    NotAllowed,
    Organisation,
    OrganisationNotFound,
    Organisations,
)
from persistence.postgres.pool import Pool
from persistence.quotas import DEFAULT_QUOTAS, Quotas
from server.base.access import OWNERS_ONLY, touched_by
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal, too_many
from server.people.organisations.membership import Membership, Memberships
from server.people.organisations.membership_cache import Sellers
from server.people.organisations.problems import (
    LAST_OWNER,
    MEMBER_NOT_FOUND,
    ORGANISATION_IN_USE,
    ORGANISATION_NOT_FOUND,
)
from server.transport.rest.idempotency import new_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.transport.bus.bus import Bus

TOPIC: Final = "organisations"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(str).decode


KEEPS_NONE: Final = "Who leaves keeps no keys: have another rotate them first."
ALONE: Final = "Make somebody else an owner first, or end the organisation."


class NewOrganisation(Struct, frozen=True):
    """What an organisation is to be; `listed` is whether strangers find it."""

    name: str
    description: str
    timezone: str | None
    listed: bool


class OrganisationEdit(Struct, frozen=True):
    """What to change of an organisation; None, and UNSET, is what stays."""

    name: str | None = None
    description: str | None = None
    listed: bool | None = None
    timezone: str | UnsetType | None = UNSET


class OrganisationService:
    """The stores of organisations, and what is kept in memory of them.

    What changes them raises `Unavailable`, and `Refusal`; what takes revisions that
    were `seen` also `Stale`. A `membership` says who asks and what they are there.
    """

    def __init__(self, pool: Pool, quotas: Quotas = DEFAULT_QUOTAS) -> None:
        self.organisations = Organisations(pool)
        self.invitations = Invitations(pool, quotas)
        self.requests = JoinRequests(pool, quotas)
        self.memberships = Memberships(self.organisations)
        self.sellers = Sellers(self.organisations)
        self.on_change: list[Callable[[str | None], None]] = []
        """Called with an organisation that was changed, or None where any may be."""
        self.tell: Callable[[str], None] = _nobody
        """Tells the other processes that an organisation was changed."""

    async def changed(self, organisation: str) -> None:
        """Act on a change of members or keys that was committed here; tell of it."""
        self._forget(organisation)
        await self.sellers.changed(organisation)
        self.tell(organisation)

    # -- Organisations

    async def create(
        self,
        who: Identity,
        new: NewOrganisation,
        key: str | None,
        request_hash: bytes,
    ) -> Organisation:
        """Make an organisation, owned by who asks; once under a key."""
        try:
            made = await self.organisations.create(
                new_id("org", who.user, key),
                new.name,
                new.description,
                timezone=new.timezone,
                created_by=who.user,
                request_hash=request_hash,
                listed=new.listed,
            )
        except TooMany as error:
            detail = "You own as many as you may."
            raise too_many(error, detail) from error
        except MemberNotFound as error:
            raise Refusal("unauthenticated") from error
        if made.request_hash != request_hash:
            raise Refusal("key_reused")
        return made

    async def edit(
        self, membership: Membership, change: OrganisationEdit, seen: Revisions
    ) -> None:
        """Change what an organisation says of itself, for those who lead it."""
        membership.require("leader")
        try:
            await self.organisations.edit(
                membership.id,
                change.name,
                change.description,
                change.listed,
                change.timezone,
                seen,
            )
        except OrganisationNotFound as error:
            raise Refusal(ORGANISATION_NOT_FOUND) from error

    async def delete(self, membership: Membership, seen: Revisions) -> None:
        """End an organisation that has no event and no ticket left to care for."""
        membership.require("owner")
        try:
            await self.organisations.delete(membership.id, seen)
        except OrganisationNotFound as error:
            raise Refusal(ORGANISATION_NOT_FOUND) from error
        except InUse as error:
            raise Refusal(ORGANISATION_IN_USE) from error
        await self.changed(membership.id)

    async def transfer(self, membership: Membership, to: str) -> None:
        """Make another member the owner in place of who asks, who leads from then on.

        An administrator who is no owner gives nothing away of their own.
        """
        who = membership.require("owner")
        owner = who.user if membership.organisation.role == "owner" else None
        try:
            await self.organisations.transfer(membership.id, owner, to)
        except MemberNotFound as error:
            raise Refusal(MEMBER_NOT_FOUND) from error
        except NotAllowed as error:
            raise Refusal("forbidden", OWNERS_ONLY) from error
        await self.changed(membership.id)

    async def is_given_to(self, membership: Membership, user: str) -> bool:
        """Return whether a leader names who owns the organisation already.

        Who gave it away leads it from then on, and may ask for that again.
        """
        if membership.role != "leader":
            return False
        found = await self.organisations.find_member(membership.id, user)
        return found is not None and found.role == "owner"

    # -- Members

    async def set_role(
        self,
        membership: Membership,
        user: str,
        role: MemberRole,
        seen: Revisions,
        *,
        keep_keys: bool = False,
    ) -> Member:
        """Give a member another role, neither of them above that of who asks.

        Who may have no keys any more loses those that nobody else was shown, unless
        they are kept.
        """
        membership.require("leader")
        allowed = touched_by(membership.member_role)
        try:
            await self.organisations.set_role(
                membership.id, user, role, allowed, seen, keep_keys=keep_keys
            )
        except MEMBER_ERRORS as error:
            raise _refused(error) from error
        await self.changed(membership.id)
        found = await self.organisations.find_member(membership.id, user)
        if found is None:
            raise Refusal(MEMBER_NOT_FOUND)
        return found

    async def remove(
        self,
        membership: Membership,
        user: str,
        seen: Revisions,
        *,
        keep_keys: bool = False,
    ) -> None:
        """End a membership: one's own, or that of somebody not above oneself.

        The keys that only the member was shown end with it, unless who removes another
        keeps them.
        """
        leaves = membership.require("member").user == user
        role = membership.member_role
        if not leaves:
            membership.require("leader")
        elif keep_keys:
            raise Refusal("forbidden", KEEPS_NONE)
        allowed = touched_by("owner" if leaves else role)
        try:
            await self.organisations.remove(
                membership.id, user, allowed, seen, keep_keys=keep_keys
            )
        except MEMBER_ERRORS as error:
            raise _refused(error) from error
        await self.changed(membership.id)

    # -- What others hear of it

    def connect(self, bus: "Bus") -> None:
        """Tell the other processes what is changed here, and hear it from them.

        Only a shortcut: whoever misses it reads it in the database soon after.
        """

        def tell(organisation: str) -> None:
            bus.publish(TOPIC, _encode(organisation))

        def hear(data: bytes) -> None:
            try:
                organisation = _decode(data)
            except msgspec.DecodeError:
                # Of another version: the database says it in words that we know.
                self._lose()
                return
            self._forget(organisation)
            self.sellers.heard(organisation)

        self.tell = tell
        bus.subscribe(TOPIC, hear, self._lose)

    def _forget(self, organisation: str | None) -> None:
        for forget in self.on_change:
            forget(organisation)

    def _lose(self) -> None:
        self._forget(None)
        self.sellers.look_soon()


MEMBER_ERRORS: Final = (MemberNotFound, NotAllowed, LastOwner, OrganisationNotFound)


def _refused(error: Exception) -> Refusal:
    """Return the refusal that a change of members ended with, one of these."""
    if isinstance(error, MemberNotFound):
        return Refusal(MEMBER_NOT_FOUND)
    if isinstance(error, LastOwner):
        return Refusal(LAST_OWNER, ALONE)
    if isinstance(error, OrganisationNotFound):
        return Refusal(ORGANISATION_NOT_FOUND)
    return Refusal("forbidden", OWNERS_ONLY)


def _nobody(organisation: str) -> None:
    """Alone, there is nobody to tell."""


ORGANISATION_SERVICE: Final = web.AppKey("service", OrganisationService)
