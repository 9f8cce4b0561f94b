"""News of a draw comes to all who wait, in whichever process they are."""

import asyncio
from typing import Any

import pytest
from msgspec.json import decode
from msgspec.structs import replace

from server.events.line.drawer.telling import (
    KNOWN_MAX,
    TOPIC,
    DrawnNews,
    DrawTelling,
    FixedNews,
    LineDrawn,
    LineFixed,
    Told,
)
from server.events.line.waiters.waiters import Waiters
from server.live.fanout.hub import Hub
from server.transport.bus.memory_bus import Exchange, MemoryBus
from tests.server.events.line.drawer.hall import Here
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

    def waits(self, name, rank=None, draw=1):
        socket: Any = Socket()
        self.hub.by_user.setdefault(who(name).user, set()).add(socket)
        self.waiters.wait("evt", socket, who(name).user, rank, draw)
        return socket


@pytest.fixture
async def two(hall):
    """Two processes on one bus; the draw is told by the first."""
    exchange = Exchange()
    processes = Process(hall, exchange), Process(hall, exchange)
    for process in processes:
        await process.bus.start()
    hall.drawer._tell = processes[0].telling.tell
    yield processes
    for process in processes:
        await process.telling.close()
        await process.bus.close()


async def heard(socket, count):
    """Return what a socket was told: the bus says nothing of when it brought it."""
    while len(socket.frames) < count:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return socket.frames


async def test_all_who_wait_are_told_wherever_they_are(hall, two):
    here, there = two
    await hall.put()
    await hall.gather(*NAMES)
    ann, bert, zoe = here.waits("ann"), there.waits("bert"), there.waits("zoe")
    gone = here.waits("bert")
    here.waiters.unwait("evt", gone)
    away: Any = Socket()
    there.hub.by_user[who("carl").user] = {away}
    idle: Any = Socket()
    here.hub.by_user[who("ann").user].add(idle)
    await hall.draw()
    row = await hall.room.lines.find("evt")
    for socket in (ann, bert, zoe):
        fixed, drawn = await heard(socket, 2)
        assert type(fixed) is LineFixed
        assert type(drawn) is LineDrawn
        assert (fixed.entries, drawn.draw) == (2, 1)
        assert (fixed.root, drawn.seed) == (row.root.hex(), row.seed.hex())
        # Nobody is fed yet; the frame `line` tells it when they are.
        assert drawn.rank is None
    assert away.frames == idle.frames == gone.frames == []
    # A process of another version says something else.
    here.bus.publish(TOPIC, b"\x00")


async def test_a_rank_that_is_known_is_told_with_the_order(hall, two):
    here, _ = two
    await hall.put()
    await hall.gather("ann")
    await hall.draw()
    row = await hall.room.lines.find("evt")
    _, drawn = await here.telling.frames_of(row, 1)
    ann, bert = here.waits("ann", 1), here.waits("bert")
    here.telling.tell(DrawnNews("evt", 1, drawn.seed, drawn.beacon, drawn.line_hash))
    assert await heard(ann, 1) == [drawn]
    assert await heard(bert, 1) == [replace(drawn, rank=None)]


async def test_who_comes_later_is_told_in_every_process(hall, two):
    """Also in one that was not there when it was told, and before it is drawn."""
    here, there = two
    await hall.put()
    await hall.gather(*NAMES)
    gathering = await hall.room.lines.find("evt")
    assert await here.telling.frames_of(gathering, None) == []

    class Stop(Exception):
        pass

    class Undrawn(Here):
        async def order(self, key: bytes, stubs: bytes) -> Any:
            raise Stop

    ann = there.waits("ann")
    drawer = hall.make_drawer(drawing=Undrawn())
    drawer._tell = here.telling.tell
    with pytest.raises(Stop):
        await drawer.run("evt", await hall.local())
    (told,) = await heard(ann, 1)
    late = DrawTelling(there.bus, there.waiters, hall.lists)
    row = await hall.room.lines.find("evt")
    for telling in (there.telling, late):
        assert await telling.frames_of(row, None) == [told]
    # Who read the line before, and waits since: it is not told to them any more.
    assert await there.telling.frames_of(gathering, None) == [told]
    await hall.draw()
    (_, drawn), row = await heard(ann, 2), await hall.room.lines.find("evt")
    stranger = DrawTelling(there.bus, there.waiters, hall.lists)
    for telling in (there.telling, late, stranger):
        # The rank of another draw is none of this one.
        assert await telling.frames_of(row, 2) == [told, replace(drawn, rank=2)]
    shown = await hall.room.control.show(None, "evt")
    statement = decode(shown.listed.statement)
    assert LineFixed(**statement, signature=shown.listed.signature.hex()) == told
    for telling in (late, stranger):
        await telling.close()


async def test_of_a_draw_that_was_given_up_nothing_is_told_any_more(hall, two):
    here, there = two
    await hall.put()
    await hall.gather("ann")
    await hall.draw()
    first = await hall.room.lines.find("evt")
    knows, bert = here.waits("ann", 1), there.waits("bert")
    assert here.waiters.crowds["evt"].front(9) == [1]
    await hall.set(opens_at_ms=hall.room.house.clock.now_ms() + 86_400_000)
    found = await hall.room.house.events.load("evt")
    second = await hall.room.opening.restart(found)
    for process in two:
        assert await process.telling.frames_of(second, None) == []
    await hall.draw()
    (fixed, drawn), crowd = await heard(knows, 2), here.waiters.crowds["evt"]
    assert await heard(bert, 2) == [fixed, drawn]
    assert (fixed.draw, drawn.draw, drawn.rank) == (2, 2, None)
    assert (crowd.draw, crowd.front(9), crowd.unknown(9)) == (2, [], [who("ann").user])
    # What is told of the first one now is late.
    await there.telling._spread(FixedNews("evt", replace(fixed, draw=1)))
    there.telling._note(FixedNews("evt", replace(fixed, draw=1)))
    assert len(bert.frames) == 2
    # A row that was read before, with a rank of then.
    fixed, drawn = await there.telling.frames_of(first, 1)
    assert (fixed.draw, drawn.draw, drawn.rank) == (2, 2, None)


async def test_it_remembers_the_last_thousand_and_reads_the_others(hall, two):
    here, _ = two
    await hall.put()
    await hall.gather("ann")
    await hall.draw()
    row = await hall.room.lines.find("evt")
    fixed, _ = told = await here.telling.frames_of(row, 1)
    for number in range(KNOWN_MAX):
        here.telling._know(Told(replace(fixed, event=f"other{number}")))
    assert len(here.telling._known) == KNOWN_MAX
    assert "evt" not in here.telling._known
    assert await here.telling.frames_of(row, 1) == told
    assert "other0" not in here.telling._known
