"""What somebody is to an organisation, asked of the database each time.

So whoever is removed has no more rights with the very next request. What follows from
it is decided by `server.base.access`; here it is looked up what that has to know.
"""

from typing import Final

from aiohttp import web
from msgspec import Struct

from persistence.people.organisations import MemberRole, Organisation, Organisations
from server.base import access
from server.base.access import ADMIN_AS, Denial, ExclusiveVenue, Needed, suffices
from server.base.identity import Identity, Machine
from server.base.refusals.refusals import Denied, Refusal, refuse_denied
from server.people.organisations.problems import ORGANISATION_NOT_FOUND


class Membership(Struct, frozen=True):
    """An organisation, and what somebody is to it.

    `role` is None for a stranger, and for a machine, whose scopes were looked at
    already. `who` is None for whoever did not say who they are.
    """

    organisation: Organisation
    role: MemberRole | None
    who: Identity | None

    def require(self, needed: Needed) -> Identity:
        """Return who asks, where they may do this for the organisation.

        Raises `Denied`.
        """
        if self.who is None:
            raise Denied(Denial("unauthenticated"))
        refuse_denied(access.may_act_for(self.who, self.id, self.role, needed))
        return self.who

    @property
    def id(self) -> str:
        """The organisation's id."""
        return self.organisation.organisation_id

    @property
    def leads(self) -> bool:
        """Whether they may see what only leaders may."""
        return suffices(self.role, "leader")

    @property
    def member_role(self) -> MemberRole:
        """The role of somebody who is no machine; raises `Denied` for one."""
        if self.role is None:
            raise Denied(Denial("forbidden", access.PEOPLE_ONLY))
        return self.role


class Memberships:
    """Tells what somebody is to an organisation, and to what belongs to it.

    `who` is None for somebody who did not say who they are; `maker` is who made an
    event or a venue. All raise `Unavailable`.
    """

    def __init__(self, organisations: Organisations) -> None:
        self._organisations = organisations

    async def find(self, who: Identity | None, organisation: str) -> Membership:
        """Return an organisation, whoever asks; `role` may be None.

        Raises `Refusal` where there is none.
        """
        user = "" if who is None else who.user
        found = await self._organisations.find(organisation, user)
        if found is None:
            raise Refusal(ORGANISATION_NOT_FOUND)
        admin = who is not None and who.role == "admin"
        return Membership(found, ADMIN_AS if admin else found.role, who)

    async def require(
        self, who: Identity, organisation: str, needed: Needed
    ) -> Membership:
        """Return an organisation that somebody may do this for; raises `Refusal`."""
        membership = await self.find(who, organisation)
        membership.require(needed)
        return membership

    async def leads_any(self, who: Identity) -> bool:
        """Return whether there is an organisation that a person owns or leads."""
        return await self._organisations.leads_any(who.user)

    async def belongs_to_any(self, who: Identity) -> bool:
        """Return whether somebody is of any organisation; a machine always is."""
        if isinstance(who, Machine):
            return True
        mine, _ = await self._organisations.list_of(who.user, limit=1)
        return bool(mine)

    async def belongs(self, who: Identity | None, organisation: str) -> bool:
        """Return whether somebody is of an organisation, in whichever role."""
        role = await self._role_in(who, organisation)
        return access.belongs(who, organisation, role)

    async def manages(
        self, who: Identity | None, organisation: str | None, maker: str
    ) -> bool:
        """Return whether somebody manages an event or a venue."""
        role = await self._role_in(who, organisation)
        return access.manages(who, organisation, role, maker)

    async def require_manager(
        self, who: Identity | None, organisation: str | None, maker: str
    ) -> None:
        """Raise `Denied` where somebody does not manage an event or a venue."""
        role = await self._role_in(who, organisation)
        refuse_denied(access.may_manage(who, organisation, role, maker))

    async def sees(
        self, who: Identity | None, organisation: str | None, maker: str
    ) -> bool:
        """Return whether somebody sees what is for those who run an event."""
        role = await self._role_in(who, organisation)
        return access.sees(who, organisation, role, maker)

    async def is_hidden(
        self,
        who: Identity | None,
        organisation: str | None,
        maker: str,
        sale_state: str,
    ) -> bool:
        """Return whether an event is a draft that somebody does not see."""
        if sale_state != "draft":
            return False
        role = await self._role_in(who, organisation)
        return access.is_hidden(who, organisation, role, maker, sale_state)

    async def require_insight(
        self, who: Identity | None, organisation: str | None, maker: str
    ) -> None:
        """Raise `Denied` where one does not see what is for those who run an event."""
        role = await self._role_in(who, organisation)
        refuse_denied(access.may_see(who, organisation, role, maker))

    async def seller_of(self, who: Identity, wanted: str | None) -> str | None:
        """Return the organisation that something new is for, where one may make it.

        That of a machine is its own. Raises `Denied`.
        """
        if isinstance(who, Machine):
            wanted = wanted or who.organisation
        role = await self._role_in(who, wanted)
        refuse_denied(access.may_make(who, wanted, role))
        return wanted

    async def require_planner(
        self, who: Identity, venue: ExclusiveVenue, organisation: str | None
    ) -> None:
        """Raise `Denied` for who may not plan at an exclusive venue for others."""
        role = await self._role_in(who, venue.organisation)
        refuse_denied(access.may_plan_at(who, venue, role, organisation))

    async def _role_in(
        self, who: Identity | None, organisation: str | None
    ) -> MemberRole | None:
        """Return what a person is to an organisation, as its members have it."""
        if organisation is None or who is None or who.role in NO_MEMBERS:
            return None
        found = await self._organisations.find(organisation, who.user)
        return None if found is None else found.role


NO_MEMBERS: Final = frozenset({"guest", "key", "order", "admin"})
"""Roles of which nobody is looked for among members."""

MEMBERSHIPS: Final = web.AppKey("memberships", Memberships)
