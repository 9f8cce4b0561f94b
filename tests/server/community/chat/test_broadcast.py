"""What is told of a room: each number once and in order, whatever the bus loses."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from persistence.community.chat.messages import Message
from persistence.errors import Unavailable
from server.community.chat import broadcast as module
from server.community.chat.broadcast import Broadcast, Listener
from server.live.fanout.frames import CODECS, JSON_PROTOCOL, MSGPACK_PROTOCOL
from server.transport.bus.memory_bus import Exchange, MemoryBus

ROOM = "event:evt"
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def message(seq, changed=None, user="anna", state="shown"):
    return Message(
        ROOM,
        seq,
        changed or seq,
        user,
        user.title(),
        False,
        f"text {seq}",
        None,
        state,
        "words" if state == "held" else None,
        NOW,
        None,
    )


class Writer:
    """Reads what a connection was sent."""

    def __init__(self, protocol=JSON_PROTOCOL) -> None:
        self.codec = CODECS[protocol]
        self.packed = protocol == MSGPACK_PROTOCOL
        self.frames: list[bytes] = []

    def write(self, frame) -> None:
        self.frames.append(frame)

    def send(self, frame) -> None:
        self.write(self.codec.pack(frame))

    def told(self, *ops):
        """Return the frames of these kinds, all headers of the websocket left out."""
        decode = msgspec.msgpack.decode if self.packed else msgspec.json.decode
        found = []
        for frame in self.frames:
            start = 4 if frame[1] & 127 == 126 else 2
            found.append(decode(frame[start:]))
        return [one for one in found if one["op"] in (ops or ("said", "changed"))]


class Table:
    """What was stored, as far as anybody reads it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.reads = 0
        self.away = False

    async def after(self, room, number, limit):
        self.reads += 1
        if self.away:
            raise Unavailable
        later = [one for one in self.messages if one.changed > number]
        return sorted(later, key=lambda one: one.changed)[:limit]


class House:
    """Two processes of one cluster."""

    def __init__(self) -> None:
        self.now = 0.0
        self.table = Table()
        exchange = Exchange()
        self.buses = [MemoryBus(exchange) for _ in range(2)]
        self.both = [
            Broadcast(bus, f"process {number}", self.table.after, lambda: self.now)
            for number, bus in enumerate(self.buses)
        ]

    async def listen(self, process=0, user="bert", staff=False, **more):
        writer: Any = Writer(**more)
        listener = Listener(writer, user, user.title(), staff)
        last = max((one.changed for one in self.table.messages), default=0)
        self.both[process].join(ROOM, last, listener)
        self.both[process].begin(ROOM, listener, last)
        await settled()
        return writer

    def store(self, *messages):
        self.table.messages += messages

    def say(self, made, process=0):
        self.store(made)
        self.both[process].publish(made)


async def settled() -> None:
    """Let everything happen that is under way: the bus, and what it makes be read."""
    for _ in range(50):
        await asyncio.sleep(0)


def numbers(writer):
    """Return the steps that a connection was told."""
    return [(one["from"], one["to"]) for one in writer.told()]


@pytest.fixture
async def house():
    house = House()
    for bus in house.buses:
        await bus.start()
    yield house
    for broadcast in house.both:
        await broadcast.close()
    for bus in house.buses:
        await bus.close()


async def test_all_processes_hear_what_is_said_in_either_format(house):
    here, there = (
        await house.listen(0),
        await house.listen(1, protocol=MSGPACK_PROTOCOL),
    )
    house.say(message(1), process=1)
    house.say(message(1, 2))
    await settled()
    for writer in (here, there):
        assert [one["op"] for one in writer.told()] == ["said", "changed"]
        assert numbers(writer) == [(0, 1), (1, 2)]
        assert writer.told()[0]["message"]["text"] == "text 1"


async def test_what_comes_out_of_order_or_not_at_all_is_read(house):
    writer = await house.listen(1)
    house.store(message(1), message(2))
    house.say(message(3))  # of one and two nobody said anything
    await settled()
    assert numbers(writer) == [(0, 1), (1, 2), (2, 3)]
    house.store(message(4))
    house.say(message(5))
    house.both[0].publish(message(4))
    await settled()
    assert numbers(writer)[3:] == [(3, 4), (4, 5)]


async def test_what_is_missed_while_the_database_is_away_comes_with_the_next(house):
    writer = await house.listen(1)
    house.table.away = True
    house.store(message(1))
    house.say(message(2))
    await settled()
    assert numbers(writer) == []
    house.table.away = False
    house.say(message(3))
    await settled()
    assert numbers(writer) == [(0, 1), (1, 2), (2, 3)]


async def test_who_enters_is_told_what_comes_meanwhile_and_nothing_twice(house):
    await house.listen(0)
    writer: Any = Writer()
    listener = Listener(writer, "carl", "Carl", False)
    house.both[0].join(ROOM, 0, listener)
    for number in (1, 2, 3):
        house.say(message(number))
    await settled()
    assert numbers(writer) == []
    # It read up to two while three came.
    house.both[0].begin(ROOM, listener, 2)
    assert numbers(writer) == [(2, 3)]
    house.say(message(4))
    await settled()
    assert numbers(writer) == [(2, 3), (3, 4)]


async def test_a_held_message_is_for_its_author_and_moderators_alone(house):
    other = await house.listen(0, "bert")
    author = await house.listen(0, "anna")
    staff = await house.listen(1, "lena", staff=True)
    house.say(message(1, state="held"))
    await settled()
    assert other.told()[0]["message"] is None
    assert author.told()[0]["message"]["text"] == "text 1"
    assert "user" not in author.told()[0]["message"]
    told = staff.told()[0]["message"]
    assert (told["user"], told["why"]) == ("anna", "words")
    # Numbers have no hole for anybody.
    assert numbers(other) == numbers(author) == numbers(staff) == [(0, 1)]


async def test_who_is_put_out_hears_nothing_more_anywhere(house):
    here, there = await house.listen(0, "anna"), await house.listen(1, "anna")
    other = await house.listen(1, "bert")
    house.both[0].turn_out(ROOM, "anna")
    await settled()
    house.say(message(1, user="bert"))
    await settled()
    for writer in (here, there):
        assert [one["code"] for one in writer.told("room_over")] == ["banned"]
        assert numbers(writer) == []
    assert numbers(other) == [(0, 1)]
    assert not house.both[0].rooms


async def test_who_is_here_is_summed_over_processes_until_one_falls_silent(house):
    first = await house.listen(0, "anna")
    await house.listen(0, "anna")  # another device
    await house.listen(1, "bert")
    for broadcast in house.both:
        broadcast._say_present(broadcast.rooms[ROOM])
    await settled()
    house.both[0]._tell_present(house.both[0].rooms[ROOM])
    told = first.told("room")[-1]
    assert (told["present"], told["names"]) == (2, ["Anna", "Bert"])
    house.now += module.SILENT_S + 1
    house.both[0]._tell_present(house.both[0].rooms[ROOM])
    assert first.told("room")[-1]["present"] == 1


async def test_names_of_a_crowd_are_not_told(house, monkeypatch):
    monkeypatch.setattr(module, "NAMES_MAX", 2)
    writers = [await house.listen(0, user) for user in ("anna", "bert", "carl")]
    told = writers[0].told("room")[-1]
    assert (told["present"], told["names"]) == (3, [])


async def test_a_room_that_nobody_is_in_costs_nothing(house):
    writer = await house.listen(0)
    house.both[0].leave(ROOM, writer)
    house.both[0].leave(ROOM, writer)
    assert not house.both[0].rooms
    house.say(message(1))
    await settled()
    assert writer.told() == []


async def test_who_read_further_than_its_process_has_heard_is_told_no_more(house):
    first = await house.listen(0)
    house.store(message(1), message(2))
    reader = await house.listen(0, "carl")
    house.both[1].publish(message(2))
    await settled()
    assert numbers(first) == [(0, 1), (1, 2)]
    assert numbers(reader) == []
    house.say(message(3))
    await settled()
    assert numbers(reader) == [(2, 3)]
