"""Who may do what: the one place that decides it, for REST, sockets and adapters.

Pure: it is told who asks and what is known of the thing, and answers why not, or
nothing. What must be looked up first (the caller's role in an organisation, the seller
of an event) is looked up by who asks; REST asks the database each time, sockets what
this process knows.
"""

from collections.abc import Sequence
from typing import Final, Literal, Protocol

from msgspec import Struct

from inventory.rejections import MANAGERS_ONLY
from persistence.people.api_keys import Scope
from persistence.people.organisations import MemberRole, Reach
from server.base.identity import Identity, Machine, Opener

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
"""Who may call a route. `operational` is not asked who it is, and limited by address
alone; `anonymous` is not asked; `anyone` may say; the others must. A `customer` has an
account, a `buyer` may be a guest. A `manager` has an account too, and the handler
judges by the event: its organisation's owners and leaders manage it, and who made it
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
"""Who manages the events and venues of an organisation."""

ADMIN_AS: Final[MemberRole] = "owner"
"""What an administrator is to every organisation."""

_RANKS: Final[dict[str, int]] = {"staff": 1, "member": 1, "leader": 2, "owner": 3}
_RANK_NAMES: Final[dict[Needed, str]] = {
    "member": "a member (owner, leader or staff)",
    "leader": "an owner or leader",
    "owner": "an owner",
}
OWNERS_ONLY: Final = "This needs an owner of the organisation: it is about its owners."
PEOPLE_ONLY: Final = "API keys may not do this; it needs the token of a person."
ONE_ORDER: Final = "This token is for one order and its tickets, and for nothing else."
_OTHERS_KEY: Final = "This API key is of another organisation."
_MAKER_ONLY: Final = "This needs the organizer who made it, or an administrator."
_ORGANISER_OR_LEADER: Final = (
    "This needs the role organizer, or an organisation that you own or lead: name it."
)
_PLANNERS_ONLY: Final = (
    "This venue takes one event at a time, and its owner says who plans there."
)
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

    code: Literal["unauthenticated", "forbidden", "event_not_found"]
    detail: str | None = None


def admit(
    access: Access,
    scope: Scope | None,
    identity: Identity | None,
    *,
    opened: bool = False,
) -> Denial | None:
    """Return why somebody is not let in to a route, as far as the route alone tells.

    `opened` is whether it lets in who opened an order with a secret.
    """
    if isinstance(identity, Machine):
        return lacks(identity, scope)
    if isinstance(identity, Opener):
        return None if opened else Denial("forbidden", ONE_ORDER)
    roles = ROLES.get(access)
    if roles is None:
        return None
    if identity is None:
        return Denial("unauthenticated")
    if identity.role in roles:
        return None
    if "customer" in roles:
        return Denial("forbidden", "This needs an account; a guest has none.")
    needed = "organizer" if "organizer" in roles else "admin"
    return Denial(
        "forbidden", f"This needs the role {needed}; yours is {identity.role}."
    )


def lacks(machine: Machine, scope: Scope | None) -> Denial | None:
    """Return why a machine may not do what needs a scope; None is for people alone."""
    if scope is None:
        return Denial("forbidden", PEOPLE_ONLY)
    if scope in machine.scopes:
        return None
    return Denial("forbidden", f"This API key lacks the scope {scope}.")


def has_order(who: Identity, buyer: str, order: str | None) -> bool:
    """Return whether an order is somebody's: they made it, or opened this very one.

    `order` is None where there is none, as of a ticket that was booked without one.
    """
    if isinstance(who, Opener):
        return order is not None and who.order == order
    return who.user == buyer


def may_act_for(
    who: Identity, organisation: str, role: MemberRole | None, needed: Needed
) -> Denial | None:
    """Return why somebody may not do for an organisation what asks for `needed`.

    `role` is what a person is in it; a machine's scopes were looked at already.
    """
    if isinstance(who, Machine):
        if who.organisation == organisation:
            return None
        return Denial("forbidden", _OTHERS_KEY)
    if suffices(role, needed):
        return None
    wanted = _RANK_NAMES[needed]
    if role is None:
        return Denial("forbidden", f"This needs {wanted} of the organisation.")
    return Denial(
        "forbidden", f"This needs {wanted} of the organisation; you are {role} there."
    )


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
    who: Identity | None, organisation: str | None, role: MemberRole | None, maker: str
) -> bool:
    """Return whether somebody manages an event, or a venue.

    That of an organisation is for its owners and leaders, that of none for the
    organiser who made it, its `maker`; administrators manage all.
    """
    if who is None:
        return False
    if organisation is None:
        return who.role == "admin" or (who.role == "organizer" and who.user == maker)
    if isinstance(who, Machine):
        return who.organisation == organisation
    return who.role == "admin" or role in MANAGING


def may_manage(
    who: Identity | None, organisation: str | None, role: MemberRole | None, maker: str
) -> Denial | None:
    """Return why somebody may not do what is for those who manage an event, a venue."""
    if manages(who, organisation, role, maker):
        return None
    return _denied(who, organisation, role, "leader")


def sees(
    who: Identity | None, organisation: str | None, role: MemberRole | None, maker: str
) -> bool:
    """Return whether somebody sees what is for those who run an event.

    That is the event while it is a draft, and who booked; those who manage it, and all
    of its organisation.
    """
    if organisation is None:
        return manages(who, None, None, maker)
    return belongs(who, organisation, role)


def may_see(
    who: Identity | None, organisation: str | None, role: MemberRole | None, maker: str
) -> Denial | None:
    """Return why somebody may not see what is for those who run an event."""
    if sees(who, organisation, role, maker):
        return None
    return _denied(who, organisation, role, "member")


def _denied(
    who: Identity | None,
    organisation: str | None,
    role: MemberRole | None,
    needed: Needed,
) -> Denial | None:
    """Return what somebody lacks who neither manages an event nor sees it."""
    if who is None:
        return Denial("unauthenticated")
    if organisation is None:
        return Denial("forbidden", _MAKER_ONLY)
    return may_act_for(who, organisation, role, needed)


def may_make(
    who: Identity, organisation: str | None, role: MemberRole | None
) -> Denial | None:
    """Return why somebody may not make an event or a venue for whom it is meant.

    For an organisation that is for those who lead it, for none for organisers.
    """
    denial = may_manage(who, organisation, role, who.user)
    if denial is not None and organisation is None:
        return Denial("forbidden", _ORGANISER_OR_LEADER)
    return denial


class ExclusiveVenue(Protocol):
    """A venue that takes one event at a time, and whom its owner lets plan there."""

    @property
    def organisation(self) -> str | None:
        """Whose it is; without one it is its maker's."""

    @property
    def created_by(self) -> str:
        """Who made it."""

    @property
    def planners(self) -> Sequence[str]:
        """Organisations that may plan there beside its own."""


def may_plan_at(
    who: Identity,
    venue: ExclusiveVenue,
    role: MemberRole | None,
    organisation: str | None,
) -> Denial | None:
    """Return why nothing may be planned at an exclusive venue for an organisation.

    `role` is what somebody is in the organisation of the venue: who manages that plans
    there for anybody.
    """
    if organisation is not None and (
        organisation == venue.organisation or organisation in venue.planners
    ):
        return None
    if manages(who, venue.organisation, role, venue.created_by):
        return None
    if venue.organisation is None and who.user == venue.created_by:
        return None
    return Denial("forbidden", _PLANNERS_ONLY)


def may_make_some(who: Identity, leads: bool) -> Denial | None:
    """Return why somebody may make no event and no venue, for whomever.

    `leads` is whether there is an organisation that the person owns or leads.
    """
    if who.organizer or leads:
        return None
    return Denial("forbidden", _ORGANISER_OR_LEADER)


def is_hidden(
    who: Identity | None,
    organisation: str | None,
    role: MemberRole | None,
    maker: str,
    sale_state: str,
) -> bool:
    """Return whether this is a draft of others, which is there for nobody else."""
    return sale_state == "draft" and not sees(who, organisation, role, maker)


def drafts_of(who: Identity) -> str | None:
    """Return whose drafts without organisation somebody sees; None is everybody's."""
    return None if who.role == "admin" else who.user


def may_command(who: Identity, *, blocks: bool) -> Denial | None:
    """Return why somebody may not send a command to any event.

    Machines block and unblock and never buy; guests never block.
    """
    if isinstance(who, Machine):
        if not blocks:
            return Denial("forbidden", "An API key may block and unblock only.")
        return lacks(who, "events:write")
    if blocks and who.role == "guest":
        return Denial("forbidden", MANAGERS_ONLY)
    return None


def missing_event(who: Identity | None, *, blocks: bool) -> Denial:
    """Return how a command for an event that the caller cannot see is refused.

    Only who may manage any event learns by a block which events there are: to others it
    is refused in the same words as for one that is there.
    """
    if blocks and (who is None or not who.organizer):
        return Denial("forbidden", MANAGERS_ONLY)
    return Denial("event_not_found")


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
