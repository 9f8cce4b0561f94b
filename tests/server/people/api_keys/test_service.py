"""API keys made, rotated and revoked without a request."""

import pytest

from persistence.errors import Stale
from persistence.people.api_keys import ApiKeys
from server.base.identity import Identity
from server.base.refusals.refusals import Denied, Refusal
from server.people.api_keys.api_keys import Machines
from server.people.api_keys.service import ApiKeyService, ShownKey
from tests.server.identities import LENA, MIA, OLGA, STAN, machine
from tests.server.people.house import People

pytestmark = pytest.mark.postgres


class Desk:
    """The keys of an organisation, and who was told that they changed."""

    def __init__(self, people: People) -> None:
        self.people = people
        store = ApiKeys(people.pool)
        self.machines = Machines(store)
        self.told: list[str] = []
        self.keys = ApiKeyService(store, self._changed)

    async def _changed(self, organisation: str) -> None:
        self.told.append(organisation)
        self.machines.forget(organisation)

    async def make(
        self, who: Identity = LENA, key: str | None = None, name: str = "Till"
    ) -> ShownKey:
        membership = await self.people.member(who)
        return await self.keys.create(
            membership, name, ["events:read"], None, key, name.encode()
        )

    async def proves(self, made: ShownKey) -> bool:
        assert made.text is not None
        return await self.machines.identify(made.text) is not None


@pytest.fixture
def desk(people):
    return Desk(people)


async def test_a_key_is_shown_once_and_proves_a_machine(desk):
    made = await desk.make(key="key")
    assert await desk.proves(made)
    assert (made.row.organisation_id, made.row.owners_only) == ("org", False)
    again = await desk.make(key="key")
    assert (again.row.key_id, again.text) == (made.row.key_id, None)
    assert made.text not in repr(made)
    with pytest.raises(Refusal, match="key_reused"):
        await desk.make(key="key", name="Another")


async def test_keys_are_for_those_who_lead(desk):
    made = await desk.make()
    for who in (STAN, MIA, machine("other")):
        membership = await desk.people.member(who)
        with pytest.raises(Denied, match="forbidden"):
            await desk.make(who)
        with pytest.raises(Denied, match="forbidden"):
            await desk.keys.find(membership, made.row.key_id)
        with pytest.raises(Denied, match="forbidden"):
            await desk.keys.rotate(membership, made.row.key_id, 0, None)
        with pytest.raises(Denied, match="forbidden"):
            await desk.keys.revoke(membership, made.row.key_id, None)
    assert await desk.proves(made)


async def test_a_machine_makes_no_keys(desk):
    with pytest.raises(Denied, match="forbidden"):
        await desk.make(machine("org"))


async def test_what_an_owner_made_no_leader_ends(desk):
    made = await desk.make(OLGA)
    assert made.row.owners_only
    leader, owner = await desk.people.member(LENA), await desk.people.member(OLGA)
    with pytest.raises(Refusal, match="forbidden"):
        await desk.keys.rotate(leader, made.row.key_id, 0, None)
    with pytest.raises(Refusal, match="forbidden"):
        await desk.keys.revoke(leader, made.row.key_id, None)
    assert desk.told == []
    await desk.keys.revoke(owner, made.row.key_id, None)
    assert (desk.told, await desk.proves(made)) == (["org"], False)


async def test_a_rotated_key_has_another_secret_from_now_on(desk):
    made, leader = await desk.make(), await desk.people.member(LENA)
    rotated = await desk.keys.rotate(leader, made.row.key_id, 0, "once")
    assert (await desk.proves(rotated), await desk.proves(made)) == (True, False)
    again = await desk.keys.rotate(leader, made.row.key_id, 0, "once")
    assert again.text is None
    assert await desk.proves(rotated)


async def test_a_revoked_key_is_there_no_more(desk):
    made, leader = await desk.make(), await desk.people.member(LENA)
    assert await desk.keys.find(leader, made.row.key_id) == made.row
    with pytest.raises(Stale):
        await desk.keys.revoke(leader, made.row.key_id, (made.row.revision + 1,))
    await desk.keys.revoke(leader, made.row.key_id, (made.row.revision,))
    with pytest.raises(Refusal, match="key_not_found"):
        await desk.keys.find(leader, made.row.key_id)
    with pytest.raises(Refusal, match="key_revoked"):
        await desk.keys.rotate(leader, made.row.key_id, 0, None)
    with pytest.raises(Refusal, match="key_not_found"):
        await desk.keys.revoke(leader, "none", None)
