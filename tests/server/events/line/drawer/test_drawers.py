"""A process runs the draws of its own events, and has the others owned in time."""

import asyncio

import pytest

from inventory.changes import LineDrawn
from server.events.line.drawer.drawers import ADOPT_MS, AHEAD_MS, Drawers
from server.transport.bus.memory_bus import Exchange, MemoryBus
from tests.server.events.line.drawer.hall import CLOSES_MS

pytestmark = pytest.mark.postgres


def drawers_of(hall, bus=None):
    house = hall.room.house
    bus = MemoryBus(Exchange()) if bus is None else bus
    return Drawers(hall.drawer, hall.lists, house.registry, bus, house.clock)


async def test_a_draw_is_due_shortly_before_its_list_closes(hall):
    now_ms = hall.room.house.clock.now_ms()
    await hall.put()
    await hall.put("bare", beacon=None)
    assert await hall.lists.due(now_ms + CLOSES_MS - 60_000) == []
    assert set(await hall.lists.due(now_ms + CLOSES_MS + 60_000)) == {"evt", "bare"}
    await hall.draw()
    # What is done is not due.
    assert await hall.lists.due(now_ms + CLOSES_MS + 60_000) == ["bare"]
    assert AHEAD_MS < ADOPT_MS


async def test_an_event_of_ours_is_drawn_by_one_task(hall):
    await hall.put()
    await hall.gather("ann")
    drawers = drawers_of(hall)
    await hall.local()
    drawers.wake("evt")
    drawers.wake("evt")
    (task,) = drawers._tasks.values()
    await task
    assert drawers.drawn == 1
    assert [one for one in await hall.changes() if isinstance(one, LineDrawn)]
    # Asked again there is nothing to do.
    drawers.wake("evt")
    await asyncio.gather(*drawers._tasks.values())
    assert (drawers.drawn, drawers._tasks) == (1, {})
    await drawers.close()


async def test_who_asks_in_another_process_reaches_the_owner(hall):
    exchange = Exchange()
    ours, theirs = MemoryBus(exchange), MemoryBus(exchange)
    owner = drawers_of(hall, ours)
    asking = drawers_of(hall, theirs)
    asking._registry = type("Elsewhere", (), {"active": {}})()
    for bus in (ours, theirs):
        await bus.start()
    await hall.put()
    await hall.local()
    asking.ask("evt")
    assert asking._tasks == {}
    while not owner.drawn:  # noqa: ASYNC110 - the bus tells nobody when it told
        await asyncio.sleep(0.01)
    for drawers in (owner, asking):
        await drawers.close()
    for bus in (ours, theirs):
        await bus.close()


async def test_an_event_that_nobody_owns_is_owned_before_its_list_closes(hall):
    await hall.put()
    registry = hall.room.house.registry
    await registry.unload(await hall.local())
    drawers = drawers_of(hall)
    await drawers.adopt()
    assert "evt" not in registry.active
    await hall.skip_to(hall.room.house.clock.now_ms() + CLOSES_MS - ADOPT_MS + 1_000)
    await drawers.adopt()
    assert registry.active["evt"].used
    await drawers.close()
