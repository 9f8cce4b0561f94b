"""A message comes to all who wait in its line, in whichever process they are."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from persistence.events.line.lines import Said
from server.events.line.messages import telling
from server.events.line.messages.telling import TOPIC, MessageTelling, message_of
from server.events.line.waiters.crowd import Crowd
from server.transport.bus.memory_bus import Exchange, MemoryBus

AT = datetime(2026, 12, 1, tzinfo=UTC)
SAID = message_of("evt", Said("message_1", "Later.", {"de": "Später."}, AT))


class Socket:
    """What a client would be sent, and how often it was packed for its kind."""

    def __init__(self, name: str) -> None:
        self.codec = self
        self.name = name
        self.packed = 0
        self.frames: asyncio.Queue[Any] = asyncio.Queue()

    def pack(self, frame):
        self.packed += 1
        return frame

    def write(self, frame):
        self.frames.put_nowait(frame)


class Waiters:
    """The crowds of a process."""

    def __init__(self) -> None:
        self.crowds: dict[str, Crowd] = {}

    def waits(self, event, user, codec="json"):
        socket: Any = Socket(codec)
        crowd = self.crowds.setdefault(event, Crowd(event))
        crowd.add(socket, user, None, 1, None)
        return socket


@pytest.fixture
async def two():
    """Two processes on one bus."""
    exchange, processes = Exchange(), []
    for _ in range(2):
        waiters: Any = Waiters()
        bus = MemoryBus(exchange)
        processes.append((waiters, MessageTelling(bus, waiters), bus))
        await bus.start()
    yield processes
    for _, one, bus in processes:
        await one.close()
        await bus.close()


async def test_all_who_wait_are_told_wherever_they_are(two, monkeypatch):
    monkeypatch.setattr(telling, "SLICE", 1)
    (here, tells, _), (there, _, _) = two
    ann, bert = here.waits("evt", "ann"), here.waits("evt", "bert")
    carl, zoe = here.waits("evt", "carl", "msgpack"), there.waits("evt", "zoe")
    other = there.waits("other", "eve")
    tells.tell(SAID)
    for socket in (ann, bert, carl, zoe):
        assert await socket.frames.get() == SAID
    # Who waits for something else hears what is said there, and nothing before.
    tells.tell(message_of("other", Said("message_2", "Sooner.", {}, AT)))
    assert (await other.frames.get()).text == "Sooner."
    assert ann.frames.empty()
    # Those who have the same kind of socket get the same bytes.
    assert (ann.packed + bert.packed, carl.packed, zoe.packed) == (1, 1, 1)


async def test_what_another_version_says_is_passed_over(two):
    (_, _, bus), (there, tells, _) = two
    zoe = there.waits("evt", "zoe")
    with capture_logs() as logs:
        bus.publish(TOPIC, b"\x00")
        tells.tell(SAID)
        assert await zoe.frames.get() == SAID
    known = "a message to a line cannot be read"
    assert [one["event"] for one in logs].count(known) == 2
