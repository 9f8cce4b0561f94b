"""What somebody is to an organisation, asked without a request."""

import pytest

from server.base.refusals.refusals import Denied, Refusal
from tests.server.identities import ADMIN, GUEST, PEOPLE, machine, person

pytestmark = pytest.mark.postgres


@pytest.fixture
def memberships(people):
    return people.memberships


async def test_an_organisation_is_found_with_what_one_is_there(memberships):
    roles = {name: await memberships.find(person(name), "org") for name in PEOPLE}
    assert {name: one.role for name, one in roles.items()} == {
        "olga": "owner",
        "lena": "leader",
        "stan": "staff",
        "mia": None,
        "maker": None,
    }
    assert [name for name, one in roles.items() if one.leads] == ["olga", "lena"]
    assert (await memberships.find(None, "org")).role is None
    assert (await memberships.find(ADMIN, "org")).role == "owner"
    with pytest.raises(Refusal) as caught:
        await memberships.find(ADMIN, "gone")
    assert caught.value.code == "organisation_not_found"


@pytest.mark.parametrize(
    ("needed", "let_in"),
    [
        ("member", ["olga", "lena", "stan"]),
        ("leader", ["olga", "lena"]),
        ("owner", ["olga"]),
    ],
)
async def test_who_is_less_than_is_needed_is_denied(memberships, needed, let_in):
    for name in let_in:
        assert (await memberships.require(person(name), "org", needed)).id == "org"
    for name in set(PEOPLE) - set(let_in):
        with pytest.raises(Denied, match="forbidden"):
            await memberships.require(person(name), "org", needed)


async def test_a_machine_acts_for_its_organisation_and_is_nobody_there(memberships):
    membership = await memberships.require(machine("org"), "org", "leader")
    with pytest.raises(Denied, match="forbidden"):
        _ = membership.member_role
    with pytest.raises(Denied, match="forbidden"):
        await memberships.require(machine("other"), "org", "member")


async def test_who_leads_manages_and_who_belongs_sees(memberships):
    event = ("org", "usr_mia")
    managing = [
        name for name in PEOPLE if await memberships.manages(person(name), *event)
    ]
    seeing = [name for name in PEOPLE if await memberships.sees(person(name), *event)]
    assert (managing, seeing) == (["olga", "lena"], ["olga", "lena", "stan"])
    hidden = [
        name
        for name in PEOPLE
        if await memberships.is_hidden(person(name), *event, "draft")
    ]
    assert hidden == ["mia", "maker"]
    assert not await memberships.is_hidden(None, *event, "on_sale")
    with pytest.raises(Denied):
        await memberships.require_manager(person("stan"), *event)
    await memberships.require_insight(person("stan"), *event)
    with pytest.raises(Denied):
        await memberships.require_insight(person("mia"), *event)
    with pytest.raises(Denied, match="unauthenticated"):
        await memberships.require_manager(None, *event)


async def test_what_is_of_no_organisation_is_its_makers(memberships):
    maker = person("mia", "organizer")
    assert await memberships.manages(maker, None, "usr_mia")
    assert not await memberships.manages(maker, None, "usr_olga")


async def test_something_new_is_for_whom_one_leads(memberships):
    assert await memberships.seller_of(person("lena"), "org") == "org"
    assert await memberships.seller_of(person("mia", "organizer"), None) is None
    assert await memberships.seller_of(machine("org"), None) == "org"
    for who, wanted in ((person("stan"), "org"), (GUEST, None), (person("mia"), None)):
        with pytest.raises(Denied, match="forbidden"):
            await memberships.seller_of(who, wanted)


async def test_whoever_is_removed_has_no_rights_with_the_next_question(people):
    memberships = people.memberships
    assert await memberships.belongs(person("lena"), "org")
    await people.organisations.remove("org", "usr_lena", ("owner", "leader", "staff"))
    assert not await memberships.belongs(person("lena"), "org")
    with pytest.raises(Denied):
        await memberships.require(person("lena"), "org", "member")


async def test_who_said_nothing_of_themselves_may_nothing(memberships):
    membership = await memberships.find(None, "org")
    with pytest.raises(Denied, match="unauthenticated"):
        membership.require("member")
