from typing import Any, Final, get_args

import pytest

from inventory.rejections import MANAGERS_ONLY
from persistence.people.organisations import MemberRole
from server.base.access import (
    Access,
    Denial,
    Needed,
    admit,
    drafts_of,
    is_hidden,
    manages,
    may_act_for,
    may_command,
    may_make,
    may_make_some,
    may_manage,
    may_plan_at,
    may_see,
    may_touch_key,
    missing_event,
    sees,
    suffices,
    touched_by,
)
from server.base.identity import Identity, Machine, Role


def person(role: Role, user: str = "usr_x") -> Identity:
    return Identity(user, role, 2**31)


def machine(organisation: str = "org", *scopes: Any) -> Machine:
    return Machine(
        "key", "key", 2**31, organisation=organisation, scopes=frozenset(scopes)
    )


MEMBERS: Final[list[tuple[MemberRole | None, bool, bool]]] = [
    (None, False, False),
    ("staff", False, True),
    ("leader", True, True),
    ("owner", True, True),
]
"""What somebody is in an organisation, who manages its events, who sees its drafts."""

ROLES: Final[tuple[Role, ...]] = get_args(Role)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (None, set()),
        ("staff", {"member"}),
        ("leader", {"member", "leader"}),
        ("owner", {"member", "leader", "owner"}),
    ],
)
def test_each_role_may_what_the_one_below_may_and_more(role, allowed):
    assert {needed for needed in get_args(Needed) if suffices(role, needed)} == allowed


def test_nobody_gives_or_takes_a_role_above_the_own():
    assert touched_by("owner") == ("owner", "leader", "staff")
    assert touched_by("leader") == ("leader", "staff")
    assert touched_by("staff") == ()


def test_keys_of_owners_are_for_owners():
    rights = {
        (role, owners): may_touch_key(role, owners)
        for role in ("staff", "leader", "owner")
        for owners in (False, True)
    }
    assert {pair for pair, may in rights.items() if may} == {
        ("leader", False),
        ("owner", False),
        ("owner", True),
    }


ANYBODY: Final = {None, *ROLES}
ACCOUNTS: Final = {"customer", "organizer", "admin"}


@pytest.mark.parametrize(
    ("access", "allowed"),
    [
        ("operational", ANYBODY),
        ("anonymous", ANYBODY),
        ("anyone", ANYBODY),
        ("buyer", {"guest", *ACCOUNTS}),
        # The handler judges by the event, or by the organisation.
        ("customer", ACCOUNTS),
        ("manager", ACCOUNTS),
        ("member", ACCOUNTS),
        ("leader", ACCOUNTS),
        ("owner", ACCOUNTS),
        ("organizer", {"organizer", "admin"}),
        ("admin", {"admin"}),
    ],
)
def test_a_route_lets_in_the_roles_of_its_access(access, allowed):
    people = {role: None if role is None else person(role) for role in ANYBODY}
    denials = {role: admit(access, None, who) for role, who in people.items()}
    assert {role for role, denial in denials.items() if denial is None} == allowed
    if None not in allowed:
        assert denials[None] == Denial("unauthenticated")


def test_there_is_a_line_for_every_access():
    marks = test_a_route_lets_in_the_roles_of_its_access.pytestmark
    assert [line[0] for line in marks[0].args[1]] == list(get_args(Access))


@pytest.mark.parametrize("access", get_args(Access))
def test_a_machine_is_let_in_by_its_scopes_alone(access):
    assert admit(access, "events:read", machine("org", "events:read")) is None
    assert admit(access, "events:read", machine("org", "bookings:read")) is not None
    assert admit(access, None, machine("org", "events:read")) is not None


def test_what_is_of_no_organisation_is_its_makers_and_administrators():
    for user in ("usr_maker", "usr_other"):
        for role in ROLES:
            who = person(role, user)
            may = role == "admin" or (role == "organizer" and user == "usr_maker")
            assert manages(who, None, None, "usr_maker") == may, who
            assert sees(who, None, None, "usr_maker") == may, who
    for nobody in (None, machine()):
        assert not manages(nobody, None, None, "usr_maker")
        assert not sees(nobody, None, None, "usr_maker")
    # A key is named like its user nowhere.
    assert not manages(machine(), None, None, "key")


def test_what_is_of_an_organisation_is_not_its_makers():
    for role in ("customer", "organizer"):
        who = person(role, "usr_maker")
        for member, manager, seer in MEMBERS:
            assert manages(who, "org", member, "usr_maker") == manager
            assert sees(who, "org", member, "usr_maker") == seer
    assert manages(person("admin"), "org", None, "usr_maker")
    assert manages(machine("org"), "org", None, "usr_maker")
    assert not manages(machine("other"), "org", None, "usr_maker")


def test_only_drafts_are_hidden_and_only_from_who_does_not_see_them():
    for state in ("scheduled", "on_sale", "paused", "closed", "completed", "cancelled"):
        assert not is_hidden(None, None, None, "usr_maker", state)
        assert not is_hidden(None, "org", None, "usr_maker", state)
    assert is_hidden(None, None, None, "usr_maker", "draft")
    assert is_hidden(person("organizer"), None, None, "usr_maker", "draft")
    assert is_hidden(machine(), None, None, "usr_maker", "draft")
    assert not is_hidden(
        person("organizer", "usr_maker"), None, None, "usr_maker", "draft"
    )
    assert not is_hidden(person("admin"), None, None, "usr_maker", "draft")
    assert not is_hidden(person("customer"), "org", "staff", "usr_maker", "draft")
    assert drafts_of(person("organizer", "usr_maker")) == "usr_maker"
    assert drafts_of(person("admin")) is None


SAID: Final = [
    (admit("admin", None, person("organizer")), ("role admin", "organizer")),
    (admit("organizer", None, person("customer")), ("role organizer", "customer")),
    (admit("organizer", None, person("guest")), ("role organizer", "guest")),
    (admit("customer", None, person("guest")), ("account",)),
    (admit("anyone", None, machine()), ("API key",)),
    (admit("anyone", "events:read", machine()), ("events:read",)),
    (may_act_for(person("customer"), "org", None, "leader"), ("owner or leader",)),
    (may_act_for(person("customer"), "org", "staff", "leader"), ("leader", "staff")),
    (may_act_for(person("customer"), "org", "leader", "owner"), ("owner", "leader")),
    (may_act_for(machine("other"), "org", None, "member"), ("another organisation",)),
    (may_manage(person("organizer"), None, None, "usr_maker"), ("made it",)),
    (may_manage(person("organizer"), "org", None, "usr_x"), ("owner or leader",)),
    (may_see(person("organizer"), None, None, "usr_maker"), ("made it",)),
    (may_see(person("organizer"), "org", None, "usr_x"), ("member",)),
    (may_make(person("customer"), None, None), ("role organizer", "organisation")),
    (may_make(person("organizer"), "org", "staff"), ("leader", "staff")),
    (may_make_some(person("customer"), False), ("role organizer", "organisation")),
    (may_command(person("guest"), blocks=True), ("manage",)),
    (may_command(machine("org", "events:write"), blocks=False), ("API key",)),
    (may_command(machine("org"), blocks=True), ("events:write",)),
]


@pytest.mark.parametrize(("denial", "words"), SAID)
def test_who_may_not_is_told_what_is_missing(denial, words):
    assert denial is not None
    assert denial.code == "forbidden"
    assert [word for word in words if word not in denial.detail] == []


def test_a_block_tells_buyers_nothing_of_which_events_there_are():
    refused = missing_event(person("customer"), blocks=True)
    assert (refused.code, refused.detail) == ("forbidden", MANAGERS_ONLY)
    for who, blocks in ((person("organizer"), True), (person("customer"), False)):
        assert missing_event(who, blocks=blocks).code == "event_not_found"


class Room:
    """An exclusive venue."""

    def __init__(self, organisation=None, created_by="usr_owner", planners=()):
        self.organisation = organisation
        self.created_by = created_by
        self.planners = planners


@pytest.mark.parametrize(
    ("who", "room", "role", "organisation", "may"),
    [
        (person("customer"), Room("org"), None, "org", True),
        (person("customer"), Room("org", planners=("org2",)), None, "org2", True),
        (person("customer"), Room("org", planners=("org2",)), None, "org3", False),
        (person("organizer"), Room("org"), None, None, False),
        # Who manages the venue plans there for anybody.
        (person("customer"), Room("org"), "leader", "org3", True),
        (person("customer"), Room("org"), "staff", "org3", False),
        (person("admin"), Room("org"), None, "org3", True),
        (person("customer", "usr_owner"), Room(), None, "org3", True),
        (person("organizer"), Room(), None, None, False),
        (machine("org2"), Room("org"), None, "org2", False),
        (machine("org"), Room("org"), None, "org", True),
    ],
)
def test_an_exclusive_venue_is_for_whom_its_owner_allows(
    who, room, role, organisation, may
):
    denial = may_plan_at(who, room, role, organisation)
    assert (denial is None) is may
    assert denial is None or "says who plans there" in str(denial.detail)
