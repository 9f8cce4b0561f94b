from typing import Any

import msgspec
import pytest

from persistence.errors import Stale
from server.base.refusals.refusals import Denied, Refusal
from server.people.organisations.service import (
    TOPIC,
    NewOrganisation,
    OrganisationEdit,
    OrganisationService,
)
from tests.server.identities import LENA, MIA, OLGA, STAN, person
from tests.server.people.house import People


class Bus:
    """Keeps what is said, and lets a test say something."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bytes]] = []
        self.hear: Any = None
        self.lose: Any = None

    def publish(self, topic: str, data: bytes) -> None:
        self.said.append((topic, data))

    def subscribe(self, topic, hear, lose) -> None:
        assert topic == TOPIC
        self.hear, self.lose = hear, lose


class Notes:
    """Stands for what is kept in memory, and notes what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str | None]] = []

    def forget(self, organisation=None) -> None:
        self.told.append(("forget", organisation))

    def heard(self, organisation) -> None:
        self.told.append(("heard", organisation))

    def look_soon(self) -> None:
        self.told.append(("look", None))

    async def changed(self, organisation) -> None:
        self.told.append(("changed", organisation))


@pytest.fixture
def service():
    # No store is asked for anything here.
    none: Any = None
    made: Any = OrganisationService(none)
    made.sellers = Notes()
    made.on_change.append(made.sellers.forget)
    return made


async def test_a_change_counts_here_and_is_told_to_the_others(service):
    await service.changed("org")
    bus = Bus()
    service.connect(bus)
    await service.changed("org")
    assert service.sellers.told == 2 * [("forget", "org"), ("changed", "org")]
    ((topic, data),) = bus.said
    assert (topic, msgspec.msgpack.decode(data)) == (TOPIC, "org")


async def test_what_others_say_is_looked_up(service):
    bus = Bus()
    service.connect(bus)
    bus.hear(msgspec.msgpack.encode("org"))
    assert service.sellers.told == [("forget", "org"), ("heard", "org")]


@pytest.mark.parametrize("data", [b"", b"\xc1", msgspec.msgpack.encode(["org", 2])])
async def test_what_is_said_in_other_words_or_lost_is_looked_up_anyway(service, data):
    bus = Bus()
    service.connect(bus)
    bus.hear(data)
    bus.lose()
    assert service.sellers.told == 2 * [("forget", None), ("look", None)]


@pytest.fixture
def house(people):
    return House(people)


class House:
    """The service over an organisation, and whom it told of changes."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.service = OrganisationService(people.pool)
        self.told: list[str | None] = []
        self.service.on_change.append(self.told.append)

    async def roles(self) -> dict[str, str]:
        rows, _ = await self.people.organisations.list_members("org", limit=50)
        return {row.user_id.removeprefix("usr_"): row.role for row in rows}


CIRCUS = NewOrganisation("Circus", "Clowns", None, True)


@pytest.mark.postgres
async def test_who_makes_an_organisation_owns_it_once_under_a_key(house):
    made = await house.service.create(MIA, CIRCUS, "key", b"hash")
    assert (made.name, made.role) == ("Circus", "owner")
    again = await house.service.create(MIA, CIRCUS, "key", b"hash")
    assert again.organisation_id == made.organisation_id
    with pytest.raises(Refusal, match="key_reused"):
        await house.service.create(MIA, CIRCUS, "key", b"other")
    with pytest.raises(Refusal, match="unauthenticated"):
        await house.service.create(person("gone"), CIRCUS, None, b"hash")


@pytest.mark.postgres
async def test_who_leads_edits_an_organisation_as_they_saw_it(house):
    leader = await house.people.member(LENA)
    edit = OrganisationEdit(name="Opera")
    await house.service.edit(leader, edit, (leader.organisation.revision,))
    assert (await house.people.member(MIA)).organisation.name == "Opera"
    with pytest.raises(Stale):
        await house.service.edit(leader, edit, (leader.organisation.revision,))
    with pytest.raises(Denied, match="forbidden"):
        await house.service.edit(await house.people.member(STAN), edit, None)


@pytest.mark.postgres
async def test_an_owner_ends_an_organisation(house):
    with pytest.raises(Denied, match="forbidden"):
        await house.service.delete(await house.people.member(LENA), None)
    owner = await house.people.member(OLGA)
    await house.service.delete(owner, None)
    assert house.told == ["org"]
    with pytest.raises(Refusal, match="organisation_not_found"):
        await house.people.member(OLGA)
    with pytest.raises(Refusal, match="organisation_not_found"):
        await house.service.delete(owner, None)


@pytest.mark.postgres
async def test_an_owner_gives_an_organisation_to_a_member(house):
    owner = await house.people.member(OLGA)
    with pytest.raises(Refusal, match="member_not_found"):
        await house.service.transfer(owner, MIA.user)
    await house.service.transfer(owner, LENA.user)
    assert await house.roles() == {"olga": "leader", "lena": "owner", "stan": "staff"}
    former = await house.people.member(OLGA)
    assert await house.service.is_given_to(former, LENA.user)
    assert not await house.service.is_given_to(former, STAN.user)
    assert not await house.service.is_given_to(
        await house.people.member(STAN), LENA.user
    )
    with pytest.raises(Denied, match="forbidden"):
        await house.service.transfer(former, STAN.user)


@pytest.mark.postgres
async def test_nobody_touches_whom_stands_above_them(house):
    leader = await house.people.member(LENA)
    found = await house.service.set_role(leader, STAN.user, "leader", None)
    assert (found.user_id, found.role) == (STAN.user, "leader")
    for change in (
        house.service.set_role(leader, STAN.user, "owner", None),
        house.service.set_role(leader, OLGA.user, "staff", None),
        house.service.remove(leader, OLGA.user, None),
    ):
        with pytest.raises(Refusal, match="forbidden"):
            await change
    with pytest.raises(Refusal, match="member_not_found"):
        await house.service.set_role(leader, MIA.user, "staff", None)
    owner = await house.people.member(OLGA)
    with pytest.raises(Refusal, match="last_owner"):
        await house.service.remove(owner, OLGA.user, None)
    assert house.told == ["org"]


@pytest.mark.postgres
async def test_anybody_leaves_and_who_leads_removes_others(house):
    staff = await house.people.member(STAN)
    with pytest.raises(Denied, match="forbidden"):
        await house.service.remove(staff, LENA.user, None)
    await house.service.remove(staff, STAN.user, None)
    await house.service.remove(await house.people.member(OLGA), LENA.user, None)
    assert await house.roles() == {"olga": "owner"}
    with pytest.raises(Denied, match="forbidden"):
        await house.service.remove(await house.people.member(MIA), MIA.user, None)
