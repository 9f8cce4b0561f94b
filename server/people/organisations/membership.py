"""What the caller is to an organisation, asked of the database each time.

So whoever is removed has no more rights with the very next request.
"""

from msgspec import Struct

from persistence.people.organisations import MemberRole, Organisation
from server.base import access
from server.base.access import ADMIN_AS, Needed, suffices
from server.base.identity import Machine
from server.people.organisations.problems import ORGANISATION_NOT_FOUND
from server.people.organisations.service import ORGANISATION_SERVICE
from server.transport.http.problems import FORBIDDEN, ProblemError, refuse_denied
from server.transport.rest.call import Call


class Membership(Struct, frozen=True):
    """The organisation of a request's path, and what the caller is to it.

    `role` is None for a machine, whose scopes were looked at already.
    """

    organisation: Organisation
    role: MemberRole | None

    @property
    def id(self) -> str:
        """The organisation's id."""
        return self.organisation.organisation_id

    @property
    def leads(self) -> bool:
        """Whether the caller may see what only leaders may."""
        return suffices(self.role, "leader")

    @property
    def member_role(self) -> MemberRole:
        """The role of a caller who is no machine."""
        if self.role is None:
            raise ProblemError(FORBIDDEN, access.PEOPLE_ONLY)
        return self.role


async def find_membership(call: Call) -> Membership:
    """Return the organisation of the path, whoever asks; `role` may be None."""
    name, who = call.path("organisation", ORGANISATION_NOT_FOUND), call.identity
    user = "" if who is None else who.user
    found = await call[ORGANISATION_SERVICE].organisations.find(name, user)
    if found is None:
        raise ProblemError(ORGANISATION_NOT_FOUND)
    admin = who is not None and who.role == "admin"
    return Membership(found, ADMIN_AS if admin else found.role)


async def require_membership(call: Call, needed: Needed) -> Membership:
    """Return the organisation of the path, where the caller may do this for it."""
    membership = await find_membership(call)
    refuse_denied(access.may_act_for(call.who, membership.id, membership.role, needed))
    return membership


async def belongs(call: Call, organisation: str) -> bool:
    """Return whether the caller is of an organisation, in whichever role."""
    role = await _role_in(call, organisation)
    return access.belongs(call.identity, organisation, role)


async def manages(call: Call, organisation: str | None, maker: str) -> bool:
    """Return whether the caller manages an event or a venue, `maker` having made it."""
    role = await _role_in(call, organisation)
    return access.manages(call.identity, organisation, role, maker)


async def require_manager(call: Call, organisation: str | None, maker: str) -> None:
    """Refuse a caller who does not manage an event or a venue."""
    role = await _role_in(call, organisation)
    refuse_denied(access.may_manage(call.identity, organisation, role, maker))


async def sees(call: Call, organisation: str | None, maker: str) -> bool:
    """Return whether the caller sees what is for those who run an event."""
    role = await _role_in(call, organisation)
    return access.sees(call.identity, organisation, role, maker)


async def is_hidden(
    call: Call, organisation: str | None, maker: str, sale_state: str
) -> bool:
    """Return whether an event is a draft that the caller does not see."""
    if sale_state != "draft":
        return False
    role = await _role_in(call, organisation)
    return access.is_hidden(call.identity, organisation, role, maker, sale_state)


async def require_insight(call: Call, organisation: str | None, maker: str) -> None:
    """Refuse a caller who does not see what is for those who run an event."""
    role = await _role_in(call, organisation)
    refuse_denied(access.may_see(call.identity, organisation, role, maker))


async def seller_of(call: Call, wanted: str | None) -> str | None:
    """Return the organisation that something new is for, where the caller may make it.

    That of a machine is its own. Raises `ProblemError`.
    """
    if isinstance(call.who, Machine):
        wanted = wanted or call.who.organisation
    role = await _role_in(call, wanted)
    refuse_denied(access.may_make(call.who, wanted, role))
    return wanted


async def _role_in(call: Call, organisation: str | None) -> MemberRole | None:
    """Return what a person is to an organisation, as its members have it."""
    who = call.identity
    if organisation is None or who is None or who.role in ("guest", "key", "admin"):
        return None
    found = await call[ORGANISATION_SERVICE].organisations.find(organisation, who.user)
    return None if found is None else found.role
