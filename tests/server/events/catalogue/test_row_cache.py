"""Rows of events are kept for a while, and never longer than they are right."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from inventory.settings import Settings
from persistence.errors import Unavailable
from persistence.events.rows import Details, EventRow
from server.events.catalogue import row_cache as module
from server.events.catalogue.row_cache import ROW_S_MAX, TOPIC, EventRows
from tests.stage import until

ROW = EventRow(
    event="evt",
    venue=None,
    capacity=5,
    settings=Settings(name="x", starts_at_ms=0),
    created_by="usr",
    request_hash=b"",
    created_at=datetime(2030, 1, 1, tzinfo=UTC),
    starts_at=datetime(2030, 1, 1, tzinfo=UTC),
)


class Source:
    """Stands where the catalogue does; answers when it is let."""

    def __init__(self):
        self.row = ROW
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure = None

    def tell(self, description):
        self.row = msgspec.structs.replace(
            self.row, details=Details(description=description)
        )

    async def find_event(self, event):
        self.asked += 1
        row = self.row if event == "evt" else None
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return row


class Wire:
    """A bus of two ends."""

    def __init__(self):
        self.heard = []
        self.sent = []

    def publish(self, topic, data):
        assert topic == TOPIC
        self.sent.append(data)

    def subscribe(self, topic, hear, lost):
        assert topic == TOPIC
        self.hear, self.lost = hear, lost


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def rows(source, clock):
    return EventRows(source, lambda: clock[0])


async def test_a_row_is_fetched_once_in_a_while(rows, source, clock):
    for _ in range(3):
        assert await rows.find("evt") is ROW
    stamp = rows.stamp("evt")
    assert (source.asked, stamp == rows.stamp("evt")) == (1, True)
    clock[0] += ROW_S_MAX
    # What nobody has looked at again is good for nothing.
    assert rows.stamp("evt") != rows.stamp("evt")
    source.row = msgspec.structs.replace(ROW, registrations=7)
    assert (await rows.find("evt")).registrations == 7
    assert (source.asked, rows.stamp("evt") is stamp) == (2, True)
    clock[0] += ROW_S_MAX
    source.tell("new")
    await rows.find("evt")
    assert rows.stamp("evt") != stamp


async def test_what_is_not_there_is_not_kept(rows, source):
    assert await rows.find("other") is None
    assert await rows.find("other") is None
    assert source.asked == 2
    assert rows.stamp("other") != rows.stamp("other")


async def test_an_edit_is_seen_by_the_next_read(rows, source):
    await rows.find("evt")
    stamp = rows.stamp("evt")
    source.tell("new")
    rows.edited("evt")
    assert rows.stamp("evt") != stamp
    assert (await rows.find("evt")).details.description == "new"


async def test_a_row_that_was_on_its_way_during_an_edit_is_not_kept(rows, source):
    source.gate.clear()
    early = asyncio.create_task(rows.find("evt"))
    await until(lambda: source.asked == 1)
    source.tell("new")
    rows.edited("evt")
    source.gate.set()
    assert (await early).details.description == ""
    assert (await rows.find("evt")).details.description == "new"


async def test_who_asks_together_asks_once_and_is_told_of_a_failure(rows, source):
    source.gate.clear()
    asking = [asyncio.create_task(rows.find("evt")) for _ in range(5)]
    await asyncio.sleep(0)
    # One who leaves takes nothing from the others.
    asking.pop().cancel()
    await asyncio.sleep(0)
    source.gate.set()
    assert [one.event for one in await asyncio.gather(*asking)] == ["evt"] * 4
    assert source.asked == 1
    rows.edited("evt")
    source.failure = Unavailable("gone")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await rows.find("evt")
    source.failure = None
    assert await rows.find("evt") is ROW


async def test_who_asks_after_an_edit_waits_for_no_answer_from_before(rows, source):
    source.gate.clear()
    early = asyncio.create_task(rows.find("evt"))
    await until(lambda: source.asked == 1)
    source.tell("new")
    rows.edited("evt")
    late = asyncio.create_task(rows.find("evt"))
    await until(lambda: source.asked == 2)
    source.gate.set()
    assert (await late).details.description == "new"
    assert (await early).details.description == ""
    assert (await rows.find("evt")).details.description == "new"


async def test_processes_tell_each_other_and_what_is_lost_is_asked_for(rows, source):
    wire = Wire()
    rows.connect(wire)
    await rows.find("evt")
    rows.edited("evt")
    (told,) = wire.sent
    for loses in (lambda: wire.hear(told), lambda: wire.hear(b"\xc1"), wire.lost):
        await rows.find("evt")
        asked = source.asked
        loses()
        await rows.find("evt")
        assert source.asked == asked + 1
    wire.hear(msgspec.msgpack.encode("another"))
    assert rows.stamp("evt") == rows.stamp("evt")
    assert wire.sent == [told]


async def test_only_so_many_are_kept(rows, source, monkeypatch):
    monkeypatch.setattr(module, "ROWS_MAX", 2)
    monkeypatch.setattr(source, "find_event", find_any)
    for name in ("a", "b", "a", "c"):
        await rows.find(name)
    known = [name for name in "abc" if rows.stamp(name) == rows.stamp(name)]
    assert known == ["b", "c"]


async def find_any(event):
    return msgspec.structs.replace(ROW, event=event)
