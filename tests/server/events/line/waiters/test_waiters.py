"""Telling those who wait, at the process that owns the event and at another."""

import asyncio
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from msgspec import UNSET
from msgspec.msgpack import decode
from msgspec.structs import replace

from inventory.commands import SetLine
from persistence.errors import Unavailable
from server.events.line.service import Asked
from server.events.line.waiters import leading, waiters
from server.events.line.waiters.waiters import LineNow, PlaceNow, Waiters, frame_of
from server.live.actors.registry import ask
from server.transport.bus.memory_bus import Exchange, MemoryBus
from tests.server.events.line.room import FIFO, settings, who
from tests.server.events.line.waiters.test_crowd import STATE

if TYPE_CHECKING:
    from server.live.fanout.hub import Hub

pytestmark = pytest.mark.postgres


class Socket:
    """What a client would be sent."""

    def __init__(self):
        self.codec, self.frames, self.takes = CODEC, [], True

    def roomy(self):
        return self.takes

    def write(self, frame):
        self.frames.append(frame)

    def send(self, frame):
        self.frames.append(frame)


class Codec:
    """Leaves frames as they are, and counts how often it is asked."""

    packed = 0

    def pack(self, frame):
        self.packed += 1
        return frame


CODEC = Codec()


class OurClock:
    """Time goes by as the test says."""

    def __init__(self):
        self.now = 1_000.0

    def now_ms(self) -> int:
        return 0

    def monotonic(self) -> float:
        return self.now


class Process:
    """One process: its waiters, on a bus that all share."""

    def __init__(self, exchange, room, registry: Any):
        self.bus, self.room = MemoryBus(exchange), room
        self.hub = cast("Hub", SimpleNamespace(by_user={}))
        self.clock = OurClock()
        self.waiters = Waiters(self.hub, registry, self.bus, room.entries, self.clock)

    def socket(self, name, rank, event="evt", draw=1):
        socket: Any = Socket()
        user = who(name).user
        self.hub.by_user.setdefault(user, set()).add(socket)
        self.waiters.wait(event, socket, user, rank, draw)
        return socket


@pytest.fixture
async def two(room):
    """A process that owns the event, and one that does not."""
    exchange = Exchange()
    elsewhere = SimpleNamespace(active=MappingProxyType({}))
    owner = Process(exchange, room, room.house.registry)
    other = Process(exchange, room, elsewhere)
    for one in (owner, other):
        await one.bus.start()
    await room.house.put("evt", settings(line=FIFO), capacity=100)
    await room.house.registry.find("evt")
    yield owner, other
    for one in (owner, other):
        await one.bus.close()


async def people(room, *names):
    for name in names:
        await room.desk.join(who(name), "evt", Asked())
        await room.feed()


async def bus_turns():
    """Let the bus bring what was said: it takes a few turns of the loop."""
    for _ in range(20):
        await asyncio.sleep(0)


async def second(owner, other, passed=1.0):
    """Let time pass for both processes, which do then what they do each second."""
    for one in (owner, other):
        one.clock.now += passed
    await owner.waiters.turn()
    await other.waiters.turn()
    await bus_turns()
    owner.waiters.leading.look()
    await bus_turns()


async def test_who_waits_hears_how_the_line_stands_here_and_elsewhere(room, two):
    owner, other = two
    await people(room, "u0", "u1")
    ann, bob = owner.socket("u0", 1), other.socket("u1", 2)
    await second(owner, other)
    await second(owner, other)
    for socket in (ann, bob):
        (frame,) = socket.frames
        assert isinstance(frame, LineNow)
        assert (frame.event, frame.phase) == ("evt", "open")
        assert frame.marks == [(1, 0), (2, 1), (3, 2)]
        assert frame.left == {"GA": 100} or sum(frame.left.values()) == 100
        assert frame.rank is UNSET
    await second(owner, other)
    assert len(ann.frames) == 1
    await second(owner, other)
    assert (len(ann.frames), len(bob.frames)) == (2, 2)
    assert owner.waiters.told[2] == 2


async def test_a_rank_that_is_fed_later_is_told_to_whose_it_is(room, two):
    owner, other = two
    await room.desk.join(who("u0"), "evt", Asked())
    ann = other.socket("u0", None)
    await second(owner, other)
    assert other.waiters.crowds["evt"].unranked
    await room.feed()
    await second(owner, other)
    await second(owner, other)
    assert [frame.rank for frame in ann.frames if frame.rank is not UNSET] == [1]
    assert other.waiters.crowds["evt"].front(9) == [1]
    await second(owner, other)
    assert other.waiters.crowds["evt"].unranked == {}


async def test_ranks_are_looked_up_when_more_are_fed_and_not_each_second(
    room, two, monkeypatch
):
    owner, other = two
    await people(room, "u1")
    asked = []
    find = room.entries.ranks

    async def ranks(event, draw, users):
        asked.append(users)
        if len(asked) == 1:
            raise Unavailable("not now")
        return await find(event, draw, users)

    other.waiters._entries = SimpleNamespace(ranks=ranks)
    other.socket("u0", None)
    for _ in range(6):
        await second(owner, other)
    # Once it failed; then it found nothing at once, a second later, and two after that.
    assert len(asked) == 4
    await people(room, "u0")
    for _ in range(3):
        await second(owner, other)
    assert len(asked) == 5
    assert other.waiters.crowds["evt"].front(9) == [2]


async def test_a_rank_that_is_committed_after_it_was_told_of_is_found(room, two):
    """The event has it a moment before the row does, and nobody comes after them."""
    owner, other = two
    await people(room, "u0")
    asked, find = [], room.entries.ranks

    async def ranks(event, draw, users):
        asked.append(users)
        return {} if len(asked) == 1 else await find(event, draw, users)

    other.waiters._entries = SimpleNamespace(ranks=ranks)
    other.socket("u0", None)
    for _ in range(4):
        await second(owner, other)
    assert len(asked) == 2
    assert other.waiters.crowds["evt"].front(9) == [1]


async def test_a_frame_is_packed_once_for_all_who_get_it(room, two):
    owner, other = two
    await people(room, "u0")
    sockets = [owner.socket(f"u{number}", 1) for number in range(50)]
    sockets[7].takes = False
    await second(owner, other)
    before = CODEC.packed
    await second(owner, other)
    assert CODEC.packed == before + 1
    assert [len(one.frames) for one in sockets] == [1] * 7 + [0] + [1] * 42


async def test_who_goes_is_away_and_comes_back_wherever_they_are(room, two):
    owner, other = two
    await people(room, "u0", "u1", "u2")
    owner.socket("u0", 1)
    bob = other.socket("u1", 2)
    other.waiters.polled("evt", 1, 3, 40.0)
    line = (await room.house.registry.find("evt")).actor.stock.line
    for passed in (1, 20, 11):
        await second(owner, other, passed)
    await settled(room)
    assert line.states == b"www"
    other.waiters.unwait("evt", bob)
    for _ in range(11):
        await second(owner, other, 4)
    await settled(room)
    # Who polled did so 75 seconds ago, and said they would within 40.
    assert line.states == b"waa"
    other.socket("u1", 2)
    await second(owner, other)
    await settled(room)
    assert line.states == b"wwa"


async def settled(room):
    """Wait until the event did what it was asked so far."""
    local = await room.house.registry.find("evt")
    command = SetLine(id=0, event="evt", act="resume")
    await ask(local, command, "", True, None)


async def test_while_the_bus_is_gone_nobody_is_away_and_the_owners_go_on(room, two):
    owner, other = two
    await people(room, "u0", "u1")
    ann = owner.socket("u0", 1)
    other.socket("u1", 2)
    await second(owner, other)
    await other.bus.close()
    await owner.bus.close()
    assert owner.bus.status != "ok"
    for _ in range(20):
        owner.clock.now += 3
        await owner.waiters.turn()
        owner.waiters.leading.look()
    await settled(room)
    line = (await room.house.registry.find("evt")).actor.stock.line
    assert line.states == b"ww"
    assert len(ann.frames) > 3


async def test_a_line_that_nobody_asks_of_is_not_told(room, two):
    owner, other = two
    await people(room, "u0")
    bob = other.socket("u0", 1)
    await second(owner, other)
    assert owner.bus.published == 1
    other.waiters.unwait("evt", bob)
    await second(owner, other, 7)
    assert owner.bus.published == 1
    assert other.waiters.crowds == {}
    # It is noted still who is here: nobody is.
    for _ in range(4):
        await second(owner, other, 10)
    await settled(room)
    local = await room.house.registry.find("evt")
    assert local.actor.stock.line.states == b"a"
    await room.desk.leave(who("u0"), "evt")
    await second(owner, other)
    assert owner.waiters.leading.led == {}


async def test_what_an_owner_said_before_is_old(room, two):
    owner, _ = two
    owner.socket("u0", 1)
    crowd = owner.waiters.crowds["evt"]
    owner.waiters.hear(replace(STATE, epoch=2))
    for old in (STATE, replace(STATE, epoch=2), replace(STATE, epoch=2, at_ms=999)):
        owner.waiters.hear(replace(old, version=1))
    assert crowd.state == replace(STATE, epoch=2)
    owner.waiters.hear(replace(STATE, epoch=3, at_ms=1))
    assert crowd.state.epoch == 3


async def test_a_new_phase_is_told_to_all_at_once(room, two):
    owner, _ = two
    far = owner.socket("u0", 8_000)
    owner.waiters.hear(STATE)
    await owner.waiters.turn()
    await owner.waiters.turn()
    assert len(far.frames) == 1
    owner.waiters.hear(replace(STATE, at_ms=2_000, phase="waitlist"))
    await owner.waiters.turn()
    assert [frame.phase for frame in far.frames] == ["open", "waitlist"]


async def test_a_place_that_is_over_hears_no_more(room, two):
    owner, _ = two
    ann = owner.socket("u0", 1)
    owner.waiters.hear(STATE)
    owner.waiters.over("evt", who("u0").user)
    await owner.waiters.turn()
    assert ann.frames == []
    assert owner.waiters.crowds == {}


async def test_a_place_is_known_at_once_where_the_event_is(room, two):
    owner, other = two
    await people(room, "u0", "u1", "u2")
    here, elsewhere = owner.socket("u2", 3), other.socket("u2", 3)
    assert owner.waiters.place_of("evt", here) == PlaceNow("waiting", 3, 2, None)
    assert other.waiters.place_of("evt", elsewhere) is None
    await room.give_turn()
    await room.desk.pause(who("u2"), "evt", "pause")
    assert owner.waiters.place_of("evt", here) == PlaceNow("paused", 3, 2, None)
    await room.buy("u0", 1)
    await room.give_turn()
    assert owner.waiters.place_of("evt", here) == PlaceNow("paused", 3, 1, None)
    # Of what is over, or not fed yet, the row tells.
    await room.desk.leave(who("u2"), "evt")
    assert owner.waiters.place_of("evt", here) is None
    assert owner.waiters.place_of("evt", owner.socket("u9", 99)) is None
    assert owner.waiters.place_of("evt", owner.socket("u8", None)) is None


async def test_after_another_draw_ranks_are_looked_up_anew(room, two, monkeypatch):
    owner, other = two
    await people(room, "u0", "u1")
    ann = other.socket("u0", 1)
    await second(owner, other)
    await second(owner, other)
    state = other.waiters.state_of("evt")
    assert (state.draw, other.waiters.crowds["evt"].front(9)) == (1, [1])
    seen = []
    monkeypatch.setattr(other.bus, "publish", lambda _, data: seen.append(data))
    other.waiters.polled("evt", 1, 2, 60.0)
    other.waiters.hear(replace(state, draw=2, version=state.version + 1, fed=0))
    assert other.waiters.crowds["evt"].front(9) == []
    other.waiters.report()
    # Who asked with a rank of the first draw is nobody in the second.
    assert sorted(map(decode, seen)) == [["evt", 1, [2]], ["evt", 2, []]]
    assert await room.entries.ranks("evt", 2, [who("u0").user]) == {}
    # Looked up while another draw begins: what was found is of the one before.
    find = room.entries.ranks

    async def ranks(event, draw, users):
        state = other.waiters.state_of("evt")
        other.waiters.hear(replace(state, draw=3, version=state.version + 1))
        return await find(event, 1, users)

    other.waiters._entries = SimpleNamespace(ranks=ranks)
    await other.waiters.turn()
    assert other.waiters.crowds["evt"].draw == 3
    assert other.waiters.crowds["evt"].front(9) == []
    assert [frame.rank for frame in ann.frames if frame.rank is not UNSET] == []


async def test_nobody_is_away_for_who_was_seen_in_the_draw_before(room, two):
    owner, other = two
    await people(room, "u0", "u1")
    ann = owner.socket("u0", 1)
    for _ in range(3):
        await second(owner, other)
    led = owner.waiters.leading.led["evt"]
    before = led.presence
    assert led.draw == 1
    # Ranks of a draw that is not open are nobody's.
    owner.waiters.leading.saw("evt", 2, [2])
    assert before._came == set()
    line = (await room.house.registry.find("evt")).actor.stock.line
    line.opened = replace(line.opened, draw=2)
    assert owner.waiters.place_of("evt", ann) is None
    owner.waiters.leading.look()
    assert (led.draw, led.presence is before) == (2, False)
    assert led.pace(owner.clock.now) == (0, 0.0)


def test_how_long_it_takes_is_told_once_it_is_known():
    assert frame_of(STATE).per_min is None
    assert frame_of(STATE).from_s is None
    known = frame_of(replace(STATE, turns=600, over_s=300.0))
    assert (known.per_min, known.from_s, known.to_s) == (120.0, [0], [0])
    assert frame_of(STATE, 7).rank == 7


async def test_what_cannot_be_read_is_left(room, two):
    owner, _ = two
    owner.waiters._hear(b"\xc1")
    owner.waiters.leading._hear(b"\xc1")
    assert owner.waiters.crowds == {}
    assert (leading.LOOK_S, waiters.TURN_S) == (1.0, 1.0)
