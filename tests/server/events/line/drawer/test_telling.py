"""News of a draw comes to all who wait, in whichever process they are."""

import asyncio
from typing import Any

import pytest

from server.events.line.drawer.telling import TOPIC, DrawTelling, LineDrawn, LineFixed
from server.events.line.waiters.waiters import Waiters
from server.live.fanout.hub import Hub
from server.transport.bus.memory_bus import Exchange, MemoryBus
from tests.server.events.line.room import who

pytestmark = pytest.mark.postgres
NAMES = ["ann", "bert"]


class Socket:
    """What a client would be sent."""

    name = "onsale.v1.json"

    def __init__(self) -> None:
        self.codec = self
        self.frames: list[Any] = []

    def pack(self, frame):
        return frame

    def write(self, frame):
        self.frames.append(frame)

    send = write


class Process:
    """A process where people wait."""

    def __init__(self, hall, exchange) -> None:
        house = hall.room.house
        self.hub, self.bus = Hub(asyncio.get_running_loop()), MemoryBus(exchange)
        entries, clock = hall.room.entries, house.clock
        self.waiters = Waiters(self.hub, house.registry, self.bus, entries, clock)
        self.telling = DrawTelling(self.bus, self.waiters, hall.lists)

    def waits(self, name):
        socket: Any = Socket()
        self.hub.by_user.setdefault(who(name).user, set()).add(socket)
        self.waiters.wait("evt", socket, who(name).user, None)
        return socket


async def test_all_who_wait_are_told_wherever_they_are(hall):
    exchange = Exchange()
    here, there = Process(hall, exchange), Process(hall, exchange)
    for process in (here, there):
        await process.bus.start()
    await hall.put()
    await hall.gather(*NAMES)
    ann, bert, zoe = here.waits("ann"), there.waits("bert"), there.waits("zoe")
    away: Any = Socket()
    there.hub.by_user[who("carl").user] = {away}
    idle: Any = Socket()
    here.hub.by_user[who("ann").user].add(idle)
    hall.drawer._tell = here.telling.tell
    await hall.draw()
    ranks = dict(await hall.ranks())
    for socket, name in ((ann, "ann"), (bert, "bert"), (zoe, "zoe")):
        while len(socket.frames) < 2:  # noqa: ASYNC110 - the bus tells nobody
            await asyncio.sleep(0.01)
        fixed, drawn = socket.frames
        assert type(fixed) is LineFixed
        assert type(drawn) is LineDrawn
        assert (fixed.entries, drawn.draw) == (2, 1)
        row = await hall.room.lines.find("evt")
        assert (fixed.root, drawn.seed) == (row.root.hex(), row.seed.hex())
        # The drawer tells before it feeds: a rank that is told is the right one.
        assert drawn.rank in {None, ranks.get(who(name).user)}
    assert away.frames == idle.frames == []
    # A process of another version says something else.
    here.bus.publish(TOPIC, b"\x00")
    for process in (here, there):
        await process.telling.close()
        await process.bus.close()
