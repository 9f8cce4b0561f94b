"""What is counted of lines, as it is read."""

import pytest
from prometheus_client import CollectorRegistry

from server.base.pressure.pressure import Pressure
from server.base.refusals.refusals import Refusal
from server.events.line.pace.conductor import Conductors
from server.events.line.pace.metrics import LineMetrics
from server.events.line.service import Asked
from server.events.line.waiters.waiters import Waiters
from server.transport.bus.memory_bus import MemoryBus
from tests.server.events.line.room import FIFO, settings, who

pytestmark = pytest.mark.postgres


async def test_lines_of_this_process_are_counted(room):
    house = room.house
    conductors = Conductors(house.registry, Pressure())
    waiters = Waiters(house.hub, house.registry, MemoryBus(), room.entries, house.clock)
    times = room.feeders.lag, room.follower.waits
    figures = LineMetrics(
        house.registry, conductors, waiters, room.desk, times, house.clock
    )
    registry = CollectorRegistry()
    registry.register(figures)

    def read(name, **labels):
        return registry.get_sample_value(f"onsale_line_{name}", labels)

    def turned(event, publication):
        conductors.heard(event, publication)
        figures.heard(event, publication)
        # Of others these are counted where they are owned.
        figures.heard("elsewhere", publication)

    house.hub.turned = turned
    await house.put("evt", settings(line=FIFO), capacity=100)
    for name in ("u0", "u1", "u2"):
        await room.desk.join(who(name), "evt", Asked())
        await room.feed()
    with pytest.raises(Refusal):
        await room.desk.join(who("u0"), "evt", room.asked(2))
    await room.desk.join(who("u0"), "evt", Asked())
    outcomes = ("new", "again", "already_waiting")
    counts = [read("joins_total", outcome=one) for one in outcomes]
    assert counts == [3, 1, 1]
    assert read("feed_lag_seconds_count") == 3
    assert 0 < read("feed_lag_seconds_sum") < 3_600
    waiters.leading.saw("evt", 1, [1, 3, 99])
    assert read("here") == 0
    waiters.leading.look()
    assert read("here") == 2
    waiters.leading.look()
    assert read("here") == 0
    assert (read("waiting"), read("turns_open")) == (3, 0)
    assert read("entries", phase="open") == 3
    assert read("entries", phase="waitlist") is None
    # The guard of a hundred free places, at two a turn or so.
    assert 40 < read("guard") < 60
    assert read("turns_total", because="line") is None
    await room.give_turn()
    await room.desk.pause(who("u1"), "evt", "pause")
    assert (read("waiting"), read("paused"), read("turns_open")) == (1, 1, 1)
    assert read("turns_total", because="line") == 1
    assert read("wait_seconds_count") == 0
    await room.follow()
    assert read("wait_seconds_count") == 1
    await room.buy("u0", 2)
    assert read("turns_ended_total", why="booked") == 1
    assert (read("away"), read("sockets"), read("pace")) == (0, 0, 0)
    assert read("frames_total", distance="30 s") == 0
