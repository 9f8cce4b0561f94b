import asyncio

import pytest

from persistence.errors import Unavailable
from server.base.access import manages
from server.base.identity import Identity
from server.base.jobs import Job
from server.people.organisations import membership_cache as module
from server.people.organisations.membership_cache import Sellers


class Store:
    """Who is what, as a database says it; it may be away, or slow."""

    def __init__(self) -> None:
        self.members = {"org": {"anna": "owner", "bert": "staff"}}
        self.away = False
        self.gate: asyncio.Event | None = None

    async def roles(self, organisations):
        found = {name: dict(self.members.get(name, {})) for name in organisations}
        if self.gate is not None:
            await self.gate.wait()
        if self.away:
            raise Unavailable("away")
        return found


def runs(seller, user):
    """Whether the members, as they are known, let somebody manage the events."""
    who = Identity(user, "customer", 2**31)
    return manages(who, seller.organisation, seller.role_of(user), "usr_maker")


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def closed():
    """Whose sockets were closed."""
    return []


@pytest.fixture
def sellers(store, closed):
    sellers = Sellers(store)
    sellers.close_sockets = closed.append
    return sellers


async def test_owners_and_leaders_manage_and_staff_belongs(sellers):
    seller = await sellers.find("org")
    assert runs(seller, "anna")
    assert not runs(seller, "bert")
    assert not runs(seller, "cleo")
    assert (seller.role_of("bert"), seller.role_of("cleo")) == ("staff", None)
    assert await sellers.find("org") is seller


async def test_a_change_made_here_counts_at_once(sellers, store):
    seller = await sellers.find("org")
    del store.members["org"]["anna"]
    assert runs(seller, "anna")
    await sellers.changed("org")
    assert not runs(seller, "anna")
    await sellers.changed("unknown")


async def test_a_read_that_began_before_a_change_does_not_undo_it(sellers, store):
    seller = await sellers.find("org")
    store.gate = asyncio.Event()
    looking = asyncio.create_task(sellers.look())
    await asyncio.sleep(0)
    del store.members["org"]["anna"]
    changed = asyncio.create_task(sellers.changed("org"))
    await asyncio.sleep(0)
    store.gate.set()
    await asyncio.gather(looking, changed)
    assert not runs(seller, "anna")


async def test_nobody_is_believed_whose_change_could_not_be_read(sellers, store):
    seller = await sellers.find("org")
    store.away = True
    await sellers.changed("org")
    assert not runs(seller, "anna")
    with pytest.raises(Unavailable):
        await sellers.find("other")


async def test_what_was_not_read_for_a_minute_is_not_believed(sellers, monkeypatch):
    seller = await sellers.find("org")
    late_s = seller.read_at + module.STALE_S
    monkeypatch.setattr(module, "monotonic", lambda: late_s)
    assert runs(seller, "anna")
    monkeypatch.setattr(module, "monotonic", lambda: late_s + 1)
    assert not runs(seller, "anna")


async def test_what_another_process_tells_is_read_soon(sellers, store):
    seller = await sellers.find("org")
    running = asyncio.create_task(sellers.run(Job()))
    store.members["org"]["cleo"] = "leader"
    sellers.heard("org")
    async with asyncio.timeout(60):
        while not runs(seller, "cleo"):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.001)
    running.cancel()


async def test_the_sockets_of_who_belongs_to_it_no_more_are_closed(
    sellers, store, closed
):
    await sellers.find("org")
    store.members["org"] |= {"anna": "leader", "cleo": "staff"}
    await sellers.changed("org")
    assert closed == []
    del store.members["org"]["bert"]
    await sellers.changed("org")
    await sellers.look()
    assert closed == ["bert"]


async def test_who_left_while_nothing_could_be_read_is_found_out_later(
    sellers, store, closed
):
    await sellers.find("org")
    del store.members["org"]["bert"]
    store.away = True
    await sellers.changed("org")
    assert closed == []
    store.away = False
    await sellers.look()
    assert closed == ["bert"]
