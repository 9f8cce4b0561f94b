"""What each role of an organisation may do: rules without state."""

from typing import Final, Literal

from persistence.people.organisations import MemberRole

Needed = Literal["member", "leader", "owner"]
"""What a call asks for: to belong to the organisation, to lead it, to own it."""

_RANKS: Final[dict[str, int]] = {"staff": 1, "member": 1, "leader": 2, "owner": 3}
_TOUCHED: Final[dict[MemberRole, tuple[MemberRole, ...]]] = {
    "owner": ("owner", "leader", "staff"),
    "leader": ("leader", "staff"),
    "staff": (),
}

MANAGING: Final = frozenset({"owner", "leader"})
"""Who manages the events of an organisation."""


def suffices(role: MemberRole | None, needed: Needed) -> bool:
    """Tell whether somebody of this role may do what asks for `needed`."""
    return role is not None and _RANKS[role] >= _RANKS[needed]


def touched_by(role: MemberRole) -> tuple[MemberRole, ...]:
    """Return the roles that somebody of this role may give, change and take away."""
    return _TOUCHED[role]


def may_touch_key(role: MemberRole, owners_only: bool) -> bool:
    """Tell whether somebody may rotate or revoke a key, `owners_only` or not."""
    return suffices(role, "owner" if owners_only else "leader")
