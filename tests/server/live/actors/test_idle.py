"""Events that nobody uses are unloaded, and no others."""

import asyncio
import gc
import time
import weakref
from typing import Any, cast

import pytest
from msgspec.structs import replace

from inventory.commands import Hold, Holding, Release
from inventory.replies import Refused
from persistence.events.catalog import Catalog
from persistence.journal.journal import PostgresJournal
from persistence.postgres.clock import DatabaseClock
from persistence.postgres.pool import Pool
from server.base import limits
from server.base.ids import RandomIds
from server.base.metrics import Metrics
from server.live.actors.idle import IdleEvents
from server.live.actors.registry import EventRegistry, LocalEvent, ask
from server.live.fanout.hub import Hub
from tests.persistence.journals import SETTINGS, VENUE, open_store

pytestmark = pytest.mark.postgres

HOUR_MS = 3_600_000


class Clock(DatabaseClock):
    """A clock whose monotonic time is put forward by hand."""

    def __init__(self):
        self.ahead_s = 0.0
        super().__init__(lambda: time.monotonic() + self.ahead_s)


class House:
    """A registry, what looks for idle events, and an event on sale."""

    def __init__(self, registry, hub, clock, store):
        self.registry = registry
        self.hub = hub
        self.clock = clock
        self.store = store
        self.idle = IdleEvents(registry, clock)

    async def make(self, event="evt", **settings):
        ends_ms = self.clock.now_ms() + 24 * HOUR_MS
        wanted = replace(
            SETTINGS, starts_at_ms=ends_ms, sale_state="on_sale", **settings
        )
        await self.store.catalog.create_event(
            event, wanted, venue="ven", created_by="u", request_hash=b""
        )
        return await self.registry.find(event)

    async def look(self, after_s=limits.EVENT_IDLE_S):
        """Look at all events, so long after the last look."""
        await self.idle.sweep()
        self.clock.ahead_s += after_s
        await self.idle.sweep()

    async def say(self, served, command):
        reply = await ask(served, command, "usr", False, None)
        assert not isinstance(reply, Refused), reply
        return reply


@pytest.fixture
async def house(database_url):
    async with open_store(database_url) as store:
        pool = await Pool.open(database_url)
        clock = Clock()
        journal = await PostgresJournal.open(database_url, pool, "node test", clock)
        hub = Hub(asyncio.get_running_loop())
        made = EventRegistry(Catalog(pool), journal, hub, clock, RandomIds(), Metrics())
        await store.catalog.create_venue(
            "ven", "Hall", VENUE, created_by="u", request_hash=b""
        )
        yield House(made, hub, clock, store)
        await made.stop(1)
        await journal.close()
        await pool.close()


async def test_an_event_that_nobody_uses_goes_with_its_map_and_comes_again(house):
    served = await house.make()
    label = VENUE.seats[0].label
    held = await house.say(served, Hold(id=0, event="evt", seats=[label]))
    await house.say(served, Release(id=0, event="evt", hold=held.hold))
    version, gone = served.board.version, weakref.ref(served.board)
    del served
    await house.look()
    await house.hub.feed.look()
    assert (house.registry.active, house.hub.events) == ({}, {})
    assert house.idle.unloaded == 1
    for _ in range(3):
        gc.collect()
        await asyncio.sleep(0)
    assert gone() is None
    again = await house.registry.find("evt")
    assert again.board.version >= version
    assert house.registry.venues.find("ven 0") is again.board.venue


async def test_a_live_hold_keeps_its_event(house):
    served = await house.make()
    label = VENUE.seats[0].label
    held = await house.say(served, Hold(id=0, event="evt", seats=[label]))
    await house.look()
    assert house.registry.active == {"evt": served}
    await house.say(served, Release(id=0, event="evt", hold=held.hold))
    await house.look()
    assert house.registry.active == {}


async def test_a_watcher_keeps_its_event(house):
    served = await house.make()
    writer = cast("Any", object())
    served.hub.watchers[writer] = cast("Any", object())
    await house.look()
    assert house.registry.active == {"evt": served}
    del served.hub.watchers[writer]
    await house.look()
    assert house.registry.active == {}


@pytest.mark.parametrize("use", ["find", "command"])
async def test_what_was_used_since_the_last_look_stays(house, use):
    served = await house.make()
    await house.idle.sweep()
    house.clock.ahead_s += limits.EVENT_IDLE_S
    if use == "find":
        assert await house.registry.find("evt") is served
    else:
        await house.say(served, Holding(id=0, event="evt"))
    await house.idle.sweep()
    assert house.registry.active == {"evt": served}


async def test_what_does_something_by_itself_soon_stays(house):
    soon_ms = house.clock.now_ms() + limits.OPENING_AHEAD_MS
    served = await house.make(off_sale_at_ms=soon_ms)
    await house.look()
    assert house.registry.active == {"evt": served}


async def test_where_maps_take_much_they_go_soon(house, monkeypatch):
    await house.make()
    await house.look(limits.EVENT_IDLE_CROWDED_S)
    assert len(house.registry.active) == 1
    monkeypatch.setattr(limits, "VENUES_LOADED_BYTES", 0)
    await house.look(limits.EVENT_IDLE_CROWDED_S)
    assert house.registry.active == {}


async def test_whoever_comes_while_it_goes_finds_it_loaded_again(house):
    served = await house.make()
    leaving = asyncio.create_task(house.registry.unload(served))
    await asyncio.sleep(0)
    found, _ = await asyncio.gather(house.registry.find("evt"), leaving)
    assert isinstance(found, LocalEvent)
    assert found is not served
    await house.say(found, Holding(id=0, event="evt"))


async def test_what_another_process_follows_stays(house, monkeypatch):
    served = await house.make()
    monkeypatch.setattr(house.registry, "is_followed", lambda _: True)
    await house.look()
    assert house.registry.active == {"evt": served}
