import asyncio
import gc

import pytest

from persistence.events.catalog import Catalog
from persistence.journal.journal import PostgresJournal
from persistence.postgres.clock import DatabaseClock
from persistence.postgres.pool import Pool
from server.base import limits
from server.base.ids import RandomIds
from server.base.metrics import Metrics
from server.live.actors.registry import EventNotFound, EventRegistry, EventUnavailable
from server.live.fanout.hub import Hub

pytestmark = pytest.mark.postgres


@pytest.fixture
async def registry(database_url):
    pool = await Pool.open(database_url)
    clock = DatabaseClock()
    journal = await PostgresJournal.open(database_url, pool, "node test", clock)
    hub = Hub(asyncio.get_running_loop())
    made = EventRegistry(Catalog(pool), journal, hub, clock, RandomIds(), Metrics())
    yield made
    await made.stop(1)
    await journal.close()
    await pool.close()


async def test_all_who_wait_for_an_event_hear_that_there_is_none(registry):
    asked = (registry.find("no-event") for _ in range(3))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [EventNotFound] * 3


async def test_nothing_is_left_unheard_when_all_who_asked_have_gone(registry):
    unheard = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: unheard.append(context["message"]))
    asked = asyncio.create_task(registry.find("no-event"))
    await asyncio.sleep(0)
    (loading,) = registry._loading.values()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await asyncio.wait([loading], timeout=60)
    del loading
    gc.collect()
    assert unheard == []


async def test_whoever_waits_while_the_server_stops_hears_unavailable(registry):
    asked = asyncio.create_task(registry.find("no-event"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await registry.stop(1)
    with pytest.raises(EventUnavailable):
        await asked


async def test_whoever_waits_long_for_an_event_hears_unavailable(registry, monkeypatch):
    monkeypatch.setattr(limits, "LOAD_S_MAX", 0.01)
    registry._places = asyncio.Semaphore(0)
    with pytest.raises(EventUnavailable):
        await registry.find("no-event")
