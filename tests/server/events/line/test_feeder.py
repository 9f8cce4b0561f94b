"""The feeder: steps in an order that chance gave, each row once, whoever dies."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import pytest

from inventory import limits
from inventory.line import draw
from inventory.line.wishes import Wish
from persistence.events.line.feeding import Feeding
from server.events.line import feeder
from server.events.line.feeder import Feeders, command_for
from server.live.actors.registry import LocalEvent
from server.transport.bus.memory_bus import Exchange, MemoryBus
from tests.server.events.line.room import who

pytestmark = pytest.mark.postgres
NAMES = [f"u{n}" for n in range(9)]


async def gather(room, names=NAMES, **more):
    """Let people join in one step."""
    return [
        await room.desk.join(who(name), "evt", room.asked(**more)) for name in names
    ]


async def order_of(room):
    rows = await room.house.pool.fetch(
        "SELECT user_id, stub, rank, step FROM line_entry WHERE rank > 0 ORDER BY rank"
    )
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    return rows


@pytest.fixture
async def full(room):
    await room.house.put("evt", capacity=1)
    room.booking = await room.buy("early", 1)
    return room


async def test_within_a_step_chance_decides_and_steps_come_in_order(full):
    await gather(full, NAMES[:5])
    assert await full.feed()
    await gather(full, NAMES[5:])
    assert await full.feed()
    assert not await full.feed()
    rows = await order_of(full)
    line = await full.lines.find("evt")
    assert [row["step"] for row in rows] == [1] * 5 + [2] * 4
    for start, end in ((0, 5), (5, 9)):
        stubs = [row["stub"] for row in rows[start:end]]
        assert stubs == draw.late_order_of(line.order_key, stubs)
    assert {row["user_id"] for row in rows[:5]} == {who(n).user for n in NAMES[:5]}


async def test_a_large_step_is_several_commands_with_one_order(full, monkeypatch):
    monkeypatch.setattr(limits, "LINE_FEED_MAX", 2)
    await gather(full)
    await full.feed()
    rows = await order_of(full)
    line = await full.lines.find("evt")
    assert len(rows) == len(NAMES)
    assert {row["step"] for row in rows} == {1}
    stubs = [row["stub"] for row in rows]
    assert stubs == draw.late_order_of(line.order_key, stubs)
    assert full.feeders.fed == len(NAMES)


async def test_who_died_after_taking_is_gone_on_for(full):
    await gather(full, NAMES[:3])
    line = await full.lines.find("evt")
    taken = await Feeding(full.house.pool).take("evt", line.draw, 0)
    assert len(taken) == 3
    await gather(full, NAMES[3:5])
    await full.feed()
    rows = await order_of(full)
    assert len(rows) == 5
    assert {row["step"] for row in rows} == {1}


async def test_a_step_that_was_fed_by_another_is_refused_and_read_again(full):
    await gather(full, NAMES[:2])
    line = await full.lines.find("evt")
    feeding = Feeding(full.house.pool)
    rows = await feeding.take("evt", line.draw, 0)
    await full.feed()
    local = await full.house.registry.find("evt")
    # Whoever was deposed and does not know it.
    assert not await full.feeders._bring(local, line, line.order_key, rows)
    assert len(await order_of(full)) == 2
    await gather(full, NAMES[2:3])
    await full.feed()
    assert len(await order_of(full)) == 3


async def test_what_joins_tell_over_the_bus_is_fed_by_the_owner(full):
    """Two processes: one takes people in, the other owns the event."""
    exchange = Exchange()
    buses = [MemoryBus(exchange), MemoryBus(exchange)]

    class Elsewhere:
        active: Mapping[str, Any] = MappingProxyType({})

    owner = Feeders(Feeding(full.house.pool), full.lines, full.house.registry, buses[0])
    desk = Feeders(
        Feeding(full.house.pool), full.lines, cast(Any, Elsewhere()), buses[1]
    )
    for bus in buses:
        await bus.start()
    await full.house.registry.find("evt")
    await gather(full)
    desk.joined("evt")
    desk.joined("evt")
    while not owner._tasks:  # noqa: ASYNC110 - the bus tells nobody when it told
        await asyncio.sleep(0.01)
    await asyncio.gather(*owner._tasks.values())
    assert len(await order_of(full)) == len(NAMES)
    # Nobody who does not own it feeds it.
    assert desk._tasks == {}
    assert desk.fed == 0
    for one in (owner, desk):
        await one.close()
    for bus in buses:
        await bus.close()


async def test_what_nobody_told_is_found(full, monkeypatch):
    await gather(full)
    assert await full.feeders._feeding.unfed() == ["evt"]
    monkeypatch.setattr(feeder, "LEFT_BEHIND_S", 0.0)
    await full.feeders.adopt()
    await asyncio.gather(*full.feeders._tasks.values())
    assert len(await order_of(full)) == len(NAMES)
    assert await full.feeders._feeding.unfed() == []
    # An event with nothing to feed has no task.
    assert full.feeders._tasks == {}


async def test_who_joined_what_is_not_open_is_not_looked_for(full):
    await gather(full, NAMES[:1])
    row = await full.lines.find("evt")
    await full.lines.move(row, "over")
    assert await full.feeders._feeding.unfed() == []
    assert not await full.feed()


async def test_equal_wishes_are_one_class(full):
    await gather(full, NAMES[:2])
    await gather(full, NAMES[2:4], quantity=2)
    line = await full.lines.find("evt")
    rows = await Feeding(full.house.pool).take("evt", line.draw, 0)
    rows.sort(key=lambda row: row.user_id)
    command = command_for(line, rows, 7)
    assert command.wishes == [Wish(1), Wish(2)]
    assert command.classes == bytes([0, 1, 0, 1, 0, 2, 0, 2])
    assert (command.first_rank, command.step, len(command.stubs)) == (7, 1, 64)


async def test_who_is_fed_first_is_served_first(room):
    await room.house.put("evt", capacity=5)
    await gather(room)
    await room.feed()
    assert await room.counts() == (0, 5, 0, 0)
    given = await room.turns(*NAMES)
    assert given.count("turn") == 5
    rows = await order_of(room)
    first = {row["user_id"] for row in rows[:5]}
    assert {who(n).user for n, one in zip(NAMES, given, strict=True) if one} == first


async def test_an_event_of_another_process_is_left_to_it(room):
    await room.house.put("evt", capacity=1)
    room.feeders.wake("evt")
    assert room.feeders._tasks == {}
    local = await room.house.registry.find("evt")
    assert isinstance(local, LocalEvent)
    room.feeders.wake("evt")
    assert set(room.feeders._tasks) == {"evt"}
