"""What the caller is to an organisation, asked of the database each time.

So whoever is removed has no more rights with the very next request.
"""

from typing import Final

from msgspec import Struct

from persistence.people.organisations import MemberRole, Organisation
from server.people.api_keys.api_keys import Machine
from server.people.organisations.roles import MANAGING, Needed, suffices
from server.transport.http.problems import ProblemError
from server.transport.rest.call import Call

ADMIN_AS: Final[MemberRole] = "owner"
"""What an administrator is to every organisation."""


class Standing(Struct, frozen=True):
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
            raise ProblemError("forbidden")
        return self.role


async def find_standing(call: Call) -> Standing:
    """Return the organisation of the path, whoever asks; `role` may be None."""
    name = call.path("organisation")
    found = await call.context.office.organisations.find(name, call.who.user)
    if found is None:
        raise ProblemError("organisation_not_found")
    return Standing(found, ADMIN_AS if call.who.role == "admin" else found.role)


async def stand(call: Call, needed: Needed) -> Standing:
    """Return the organisation of the path, where the caller may do this for it."""
    standing, who = await find_standing(call), call.who
    if isinstance(who, Machine):
        if who.organisation != standing.id:
            raise ProblemError("forbidden")
    elif not suffices(standing.role, needed):
        raise ProblemError("forbidden")
    return standing


async def belongs(call: Call, organisation: str) -> bool:
    """Tell whether the caller is of an organisation, in whichever role."""
    who = call.identity
    if who is None:
        return False
    if isinstance(who, Machine):
        return who.organisation == organisation
    return await _role_in(call, organisation) is not None


async def manages(call: Call, organisation: str | None) -> bool:
    """Tell whether the caller manages the events of an organisation, or of none."""
    who = call.identity
    if who is None:
        return False
    if organisation is None:
        return who.organizer
    if isinstance(who, Machine):
        return who.organisation == organisation
    return await _role_in(call, organisation) in MANAGING


async def seller_of(call: Call, wanted: str | None) -> str | None:
    """Return the organisation that something new is for, where the caller may make it.

    That of a machine is its own. Raises `ProblemError`.
    """
    if isinstance(call.who, Machine):
        wanted = wanted or call.who.organisation
    if not await manages(call, wanted):
        detail = (
            "Name an organisation that you own or lead." if wanted is None else None
        )
        raise ProblemError("forbidden", detail)
    return wanted


async def _role_in(call: Call, organisation: str) -> MemberRole | None:
    who = call.who
    if who.role == "admin":
        return ADMIN_AS
    if who.role == "guest":
        return None
    found = await call.context.office.organisations.find(organisation, who.user)
    return None if found is None else found.role
