"""Who may do what: the one place that decides it, for REST, sockets and adapters.

Pure: it is told who asks and what is known of the thing, and answers why not, or
nothing. What must be looked up first (the caller's role in an organisation, the seller
of an event) is looked up by who asks; REST asks the database each time, sockets what
this process knows.
"""

from typing import Final, Literal, Protocol

from msgspec import Struct

from persistence.people.api_keys import Scope
from persistence.people.organisations import MemberRole, Reach
from server.base.identity import Identity, Machine

Access = Literal[
    "operational",
    "anonymous",
    "anyone",
    "buyer",
    "customer",
    "manager",
    "member",
    "leader",
    "owner",
    "organizer",
    "admin",
]
"""Who may call a route. `operational` is neither asked who it is nor limited;
`anonymous` is not asked; `anyone` may say; the others must. A `customer` has an
account, a `buyer` may be a guest. A `manager` has an account too, and the handler
judges by the event: its organisation's owners and leaders manage it, and organisers
where it has none. `member`, `leader` and `owner` are what one is at least in the
organisation of the path. Administrators are all of these."""

Needed = Literal["member", "leader", "owner"]
"""What a call asks for: to belong to the organisation, to lead it, to own it."""

UNASKED: Final = frozenset({"operational", "anonymous"})
_ACCOUNTS: Final = frozenset({"customer", "organizer", "admin"})
ROLES: Final[dict[str, frozenset[str]]] = {
    "buyer": frozenset({"guest", "customer", "organizer", "admin"}),
    "customer": _ACCOUNTS,
    "manager": _ACCOUNTS,
    "member": _ACCOUNTS,
    "leader": _ACCOUNTS,
    "owner": _ACCOUNTS,
    "organizer": frozenset({"organizer", "admin"}),
    "admin": frozenset({"admin"}),
}
"""By access, the roles that are let in to the handler; the rest may be anybody."""

MANAGING: Final = frozenset({"owner", "leader"})
"""Who manages the events of an organisation."""

ADMIN_AS: Final[MemberRole] = "owner"
"""What an administrator is to every organisation."""

_RANKS: Final[dict[str, int]] = {"staff": 1, "member": 1, "leader": 2, "owner": 3}
_TOUCHED: Final[dict[MemberRole, tuple[MemberRole, ...]]] = {
    "owner": ("owner", "leader", "staff"),
    "leader": ("leader", "staff"),
    "staff": (),
}


class Seller(Protocol):
    """The organisation that an event belongs to, as far as this process knows it."""

    organisation: str

    def role_of(self, user: str) -> MemberRole | None:
        """Return what somebody is in the organisation."""


class Denial(Struct, frozen=True):
    """Why somebody may not do something: a code of the contract, and a sentence."""

    code: Literal["unauthenticated", "forbidden"]
    detail: str | None = None


def admit(
    access: Access, scope: Scope | None, identity: Identity | None
) -> Denial | None:
    """Return why somebody is not let in to a route, as far as the route alone tells."""
    if isinstance(identity, Machine):
        return lacks(identity, scope)
    roles = ROLES.get(access)
    if roles is None:
        return None
    if identity is None:
        return Denial("unauthenticated")
    return None if identity.role in roles else Denial("forbidden")


def lacks(machine: Machine, scope: Scope | None) -> Denial | None:
    """Return why a machine may not do what needs a scope; None is for people alone."""
    if scope is None:
        return Denial("forbidden", "API keys may not do this.")
    if scope in machine.scopes:
        return None
    return Denial("forbidden", f"This API key lacks the scope {scope}.")


def may_act_for(
    who: Identity, organisation: str, role: MemberRole | None, needed: Needed
) -> bool:
    """Return whether somebody may do for an organisation what asks for `needed`.

    `role` is what a person is in it; a machine's scopes were looked at already.
    """
    if isinstance(who, Machine):
        return who.organisation == organisation
    return suffices(role, needed)


def belongs(who: Identity | None, organisation: str, role: MemberRole | None) -> bool:
    """Return whether somebody is of an organisation, in whichever role.

    `role` is what its members say of a person; of others it is not looked at.
    """
    if who is None:
        return False
    if isinstance(who, Machine):
        return who.organisation == organisation
    return who.role == "admin" or role is not None


def manages(
    who: Identity | None, organisation: str | None, role: MemberRole | None
) -> bool:
    """Return whether somebody manages the events of an organisation, or of none."""
    if who is None:
        return False
    if organisation is None:
        return who.organizer
    if isinstance(who, Machine):
        return who.organisation == organisation
    return who.role == "admin" or role in MANAGING


def is_hidden(
    who: Identity | None,
    organisation: str | None,
    role: MemberRole | None,
    sale_state: str,
) -> bool:
    """Return whether this is a draft of an organisation that is not the caller's."""
    if organisation is None or sale_state != "draft":
        return False
    return not belongs(who, organisation, role)


def may_command(who: Identity, *, blocks: bool) -> Denial | None:
    """Return why somebody may not send a command to any event.

    Machines block and unblock and never buy; guests never block.
    """
    if isinstance(who, Machine):
        if not blocks:
            return Denial("forbidden", "An API key may block and unblock only.")
        return lacks(who, "events:write")
    return Denial("forbidden") if blocks and who.role == "guest" else None


def missing_code(
    who: Identity | None, *, blocks: bool
) -> Literal["forbidden", "event_not_found"]:
    """Return how a command for an event that the caller cannot see is refused.

    Only who may manage any event learns by a block which events there are.
    """
    organizer = who is not None and who.organizer
    return "forbidden" if blocks and not organizer else "event_not_found"


def reach_of(who: Identity | None, *, searches: bool) -> Reach:
    """Return which organisations somebody is told of beside those of their own.

    Who has no account has none: they are told what there is without searching, too.
    """
    if who is not None and who.role == "admin":
        return "all"
    has_account = who is not None and who.role in _ACCOUNTS
    return "listed" if searches or not has_account else "own"


def suffices(role: MemberRole | None, needed: Needed) -> bool:
    """Return whether somebody of this role may do what asks for `needed`."""
    return role is not None and _RANKS[role] >= _RANKS[needed]


def touched_by(role: MemberRole) -> tuple[MemberRole, ...]:
    """Return the roles that somebody of this role may give, change and take away."""
    return _TOUCHED[role]


def may_touch_key(role: MemberRole, owners_only: bool) -> bool:
    """Return whether somebody may rotate or revoke a key, `owners_only` or not."""
    return suffices(role, "owner" if owners_only else "leader")
