"""Who hears of events that appear, change, go and fill up, and how often."""

import asyncio
from typing import Any, cast

import pytest

from inventory.ports import Publication
from inventory.settings import Settings
from persistence.errors import Unavailable
from server.base import limits
from server.live.fanout.event_feed import (
    HINTS_WAITING_MAX,
    TOPIC,
    WatchEvents,
    kind_of,
    next_level,
)
from server.live.fanout.frames import JSON
from server.live.fanout.writer import Writer
from tests.scenario import hall, settings_of
from tests.server.live.fanout.test_hub import EVENT, Pipe, Stand

ON_SALE = settings_of(sale_state="on_sale")
DRAFT = settings_of(sale_state="draft")
PAUSED = settings_of(sale_state="paused")
GONE = settings_of(sale_state="on_sale", deleted=True)
SEATS = hall(*(f"{row} {'1' * 10}" for row in "ABCDEFGHIK"))
WANT_ALL = WatchEvents(id=1)


class Wire:
    """A bus of two processes."""

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self.hear: Any = None

    def publish(self, topic: str, data: bytes) -> None:
        assert topic == TOPIC
        self.said.append(data)

    def subscribe(self, topic: str, hear: Any, lose: Any) -> None:
        assert topic == TOPIC
        self.hear = hear
        lose()


class Floor(Stand):
    """An event, described without a database, and those who listen."""

    def __init__(self) -> None:
        super().__init__(SEATS)
        self.live = self.hub.feed
        self.live.describe = self.describe
        self.live.organisation_of = lambda event: "org_1"
        self.reachable = True

    async def describe(self, event: str) -> dict[str, Any]:
        if not self.reachable:
            raise Unavailable("no database")
        return {"status": self.event.board.settings.sale_state}

    def listener(self, wanted: WatchEvents = WANT_ALL) -> Pipe:
        pipe = Pipe()
        self.live.listen(Writer(cast("asyncio.Transport", pipe), JSON), wanted)
        return pipe

    def set(self, settings: Settings) -> None:
        board = self.event.board
        base = board.version
        self.event.publish(
            Publication(
                EVENT, board.history_id, 1, base, base + 1, (), b"", {}, settings, []
            )
        )

    async def told(self, pipe: Pipe) -> list[dict[str, Any]]:
        await self.live.look()
        return pipe.frames()


def ops(frames: list[dict[str, Any]]) -> list[str]:
    return [frame["op"] for frame in frames]


def levels(frames: list[dict[str, Any]]) -> list[int]:
    return [frame["level"] for frame in frames if frame["op"] == "capacity"]


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        (DRAFT, DRAFT, None),
        (DRAFT, settings_of(sale_state="draft", name="Other"), None),
        (DRAFT, settings_of(sale_state="draft", deleted=True), None),
        (DRAFT, ON_SALE, "new_event"),
        (ON_SALE, ON_SALE, None),
        (ON_SALE, PAUSED, "event_updated"),
        (ON_SALE, settings_of(sale_state="cancelled"), "event_updated"),
        (ON_SALE, GONE, "event_deleted"),
        (GONE, GONE, None),
    ],
)
def test_what_a_change_is_to_those_who_see_no_drafts(before, now, kind) -> None:
    assert kind_of(before, now) == kind


async def test_an_event_appears_changes_and_goes_and_a_draft_does_not_exist() -> None:
    floor = Floor()
    floor.set(DRAFT)
    pipe = floor.listener()
    floor.set(settings_of(sale_state="draft", name="Other"))
    floor.live.edited(floor.event)
    assert await floor.told(pipe) == []
    floor.set(ON_SALE)
    assert await floor.told(pipe) == [
        {"op": "new_event", "event": EVENT, "status": "on_sale"}
    ]
    floor.set(PAUSED)
    floor.live.edited(floor.event)
    assert await floor.told(pipe) == [
        {"op": "event_updated", "event": EVENT, "status": "paused"}
    ]
    floor.live.edited(floor.event)
    assert ops(await floor.told(pipe)) == ["event_updated"]
    floor.set(GONE)
    assert await floor.told(pipe) == [{"op": "event_deleted", "event": EVENT}]
    assert await floor.told(pipe) == []


async def test_changes_between_two_looks_are_told_once() -> None:
    floor = Floor()
    floor.set(DRAFT)
    pipe = floor.listener()
    await floor.told(pipe)
    floor.set(ON_SALE)
    floor.set(PAUSED)
    assert await floor.told(pipe) == [
        {"op": "new_event", "event": EVENT, "status": "paused"}
    ]


async def test_a_hint_is_not_told_where_the_database_is_away() -> None:
    floor = Floor()
    pipe = floor.listener()
    floor.reachable = False
    floor.set(PAUSED)
    assert await floor.told(pipe) == []
    floor.reachable = True
    floor.set(ON_SALE)
    assert ops(await floor.told(pipe)) == ["event_updated"]


async def test_each_hears_of_what_was_asked_for_only() -> None:
    floor = Floor()
    hears = [
        floor.listener(WatchEvents(id=1, organisation="org_1")),
        floor.listener(WatchEvents(id=1, events=[EVENT, "evt_2"])),
        floor.listener(WatchEvents(id=1, organisation="org_1", events=[EVENT])),
    ]
    deaf = [
        floor.listener(WatchEvents(id=1, organisation="org_2")),
        floor.listener(WatchEvents(id=1, events=["evt_2"])),
        floor.listener(WatchEvents(id=1, organisation="org_2", events=[EVENT])),
    ]
    floor.set(PAUSED)
    await floor.live.look()
    assert [len(pipe.frames()) for pipe in (*hears, *deaf)] == [1, 1, 1, 0, 0, 0]


async def test_a_client_without_room_is_passed_over_and_nothing_waits_for_it() -> None:
    floor = Floor()
    slow, quick = floor.listener(), floor.listener()
    slow.stalled = limits.WATCH_BUFFER_BYTES_MAX
    floor.set(PAUSED)
    await floor.live.look()
    slow.stalled = 0
    await floor.live.look()
    assert (len(slow.frames()), len(quick.frames())) == (0, 1)
    assert (floor.live.told, floor.live.dropped) == (1, 1)


async def test_levels_are_told_once_and_again_after_falling_well_below() -> None:
    floor = Floor()
    seats = len(floor.event.board.letters)
    assert seats >= 10
    floor.set(ON_SALE)
    pipe = floor.listener()
    await floor.told(pipe)
    eighty = -(-seats * 80 // 100)
    floor.commit(list(range(eighty - 1)))
    assert levels(await floor.told(pipe)) == []
    floor.commit([eighty - 1])
    told = await floor.told(pipe)
    assert told == [
        {
            "op": "capacity",
            "event": EVENT,
            "level": 80,
            "free": seats - eighty,
            "capacity": seats,
        }
    ]
    floor.commit([eighty - 1], "b")
    assert levels(await floor.told(pipe)) == []
    floor.commit(list(range(eighty, seats)))
    assert levels(await floor.told(pipe)) == [95, 100]
    floor.commit(list(range(seats)), "f")
    assert levels(await floor.told(pipe)) == []
    floor.commit(list(range(seats)), "b")
    assert levels(await floor.told(pipe)) == [80, 95, 100]


def test_a_level_is_kept_until_two_per_cent_less_are_taken() -> None:
    assert [next_level(80, free, 1_000) for free in (200, 201, 220, 221)] == [
        80,
        80,
        80,
        0,
    ]
    assert next_level(100, 1, 1_000) == 100
    assert next_level(100, 21, 1_000) == 95
    assert next_level(0, 0, 0) == 0
    assert [next_level(0, free, 10) for free in (3, 2, 1, 0)] == [0, 80, 80, 100]


async def test_what_cannot_be_sold_does_not_count() -> None:
    floor = Floor()
    seats = len(floor.event.board.letters)
    floor.set(ON_SALE)
    pipe = floor.listener()
    await floor.told(pipe)
    floor.commit(list(range(1, seats)), "x")
    assert levels(await floor.told(pipe)) == []
    floor.commit([0])
    found = await floor.told(pipe)
    assert levels(found) == [80, 95, 100]
    assert {(frame["free"], frame["capacity"]) for frame in found} == {(0, 1)}


async def test_a_closed_sale_warns_nobody() -> None:
    floor = Floor()
    floor.set(settings_of(sale_state="closed"))
    pipe = floor.listener()
    await floor.told(pipe)
    floor.commit(list(range(len(floor.event.board.letters))))
    assert await floor.told(pipe) == []


async def test_who_does_not_own_an_event_hears_of_it_over_the_bus_only() -> None:
    owner, other = Floor(), Floor()
    wire = Wire()
    owner.live.connect(cast(Any, wire), "a")
    hears_itself = wire.hear
    other.live.connect(cast(Any, wire), "b")
    other.live.owns = lambda event: False
    here, there = owner.listener(), other.listener(WatchEvents(id=1, events=[EVENT]))
    for floor in (owner, other):
        floor.set(PAUSED)
        floor.commit(list(range(len(floor.event.board.letters))))
    assert ops(await other.told(there)) == []
    found = await owner.told(here)
    assert ops(found) == ["event_updated", "capacity", "capacity", "capacity"]
    assert len(wire.said) == 4
    for data in wire.said:
        hears_itself(data)
        wire.hear(data)
    assert await owner.told(here) == []
    assert await other.told(there) == found
    assert len(wire.said) == 4
    wire.hear(b"\xc1 of another version")
    assert await other.told(there) == []


async def test_a_new_owner_does_not_tell_again_what_the_former_one_told() -> None:
    floor = Floor()
    owned: list[bool] = []
    floor.live.owns = lambda event: bool(owned)
    floor.set(ON_SALE)
    pipe = floor.listener()
    seats = len(floor.event.board.letters)
    floor.commit(list(range(seats)))
    assert await floor.told(pipe) == []
    owned.append(True)
    floor.event.reset(floor.event.board.state())
    assert await floor.told(pipe) == []
    floor.commit(list(range(seats)), "f")
    floor.commit([])
    await floor.told(pipe)
    floor.commit(list(range(seats)))
    assert levels(await floor.told(pipe)) == [80, 95, 100]


async def test_a_reload_tells_what_was_committed_without_being_published() -> None:
    floor = Floor()
    pipe = floor.listener()
    floor.load(5, settings=PAUSED)
    assert ops(await floor.told(pipe)) == ["event_updated"]
    floor.load(6, settings=PAUSED)
    assert await floor.told(pipe) == []


async def test_hints_that_wait_are_bounded() -> None:
    floor = Floor()
    wire = Wire()
    floor.live.connect(cast(Any, wire), "a")
    pipe = floor.listener()
    floor.set(PAUSED)
    await floor.told(pipe)
    floor.live.connect(cast(Any, wire), "b")
    for _ in range(HINTS_WAITING_MAX + 3):
        wire.hear(wire.said[0])
    assert floor.live.dropped == 3
    assert len(await floor.told(pipe)) == HINTS_WAITING_MAX


async def test_nothing_is_kept_for_nobody() -> None:
    floor = Floor()
    writer = Writer(cast("asyncio.Transport", Pipe()), JSON)
    floor.live.listen(writer, WANT_ALL)
    floor.live.leave(writer)
    floor.set(PAUSED)
    await floor.live.look()
    assert not floor.live.listeners
    assert (floor.live.told, floor.live.dropped) == (0, 0)


async def test_alone_and_with_nobody_there_nothing_is_looked_up() -> None:
    floor = Floor()
    asked: list[str] = []

    async def describe(event: str) -> None:
        asked.append(event)

    floor.live.describe = describe
    floor.set(PAUSED)
    await floor.live.look()
    assert not asked
    floor.live.connect(cast(Any, Wire()), "a")
    floor.set(ON_SALE)
    await floor.live.look()
    assert asked == [EVENT]


async def test_many_listeners_leave_the_loop_to_others(monkeypatch) -> None:
    monkeypatch.setattr(limits, "FANOUT_SLICE_S", 0.0)
    floor = Floor()
    pipes = [floor.listener() for _ in range(200)]
    turned = 0

    async def turn() -> None:
        nonlocal turned
        while True:
            await asyncio.sleep(0)
            turned += 1

    turning = asyncio.create_task(turn())
    floor.set(PAUSED)
    await floor.live.look()
    turning.cancel()
    assert turned >= 200 // 16
    assert all(len(pipe.frames()) == 1 for pipe in pipes)
