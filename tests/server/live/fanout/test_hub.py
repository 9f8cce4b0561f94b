"""What watchers are told: contiguous, merged, and nobody waits for another."""

import asyncio
from typing import Any, cast

import msgspec

from inventory.ports import BoardState, Expiry, Publication
from inventory.settings import Settings
from inventory.venue.map import Venue
from server.base import limits
from server.live.fanout.frames import JSON, Codec
from server.live.fanout.hub import EventHub, Hub
from server.live.fanout.writer import Writer
from tests.scenario import SMALL, settings_of

EVENT = "evt_1"


class Pipe:
    """A transport that keeps what is written until somebody takes it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.stalled = 0
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.data += data

    def is_closing(self) -> bool:
        return self.aborted

    def write_eof(self) -> None:
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        return self.stalled

    def frames(self) -> list[dict[str, Any]]:
        """Take what was written, as decoded frames."""
        frames = []
        data = bytes(self.data)
        self.data.clear()
        while data:
            size, head = data[1], 2
            if size == 126:
                size, head = int.from_bytes(data[2:4], "big"), 4
            elif size == 127:
                size, head = int.from_bytes(data[2:10], "big"), 10
            frames.append(msgspec.json.decode(data[head : head + size]))
            data = data[head + size :]
        return frames


class Stand:
    """One event with a hub, and ways to commit and to watch."""

    def __init__(self, venue: Venue = SMALL, history: str = "h1") -> None:
        self.hub = Hub(asyncio.get_running_loop())
        self.event: EventHub = self.hub.add_event(EVENT, venue, settings_of())
        self.load(1, history)

    def load(
        self, version: int, history: str = "h1", settings: Settings | None = None
    ) -> None:
        venue = self.event.board.venue
        self.event.reset(
            BoardState(
                EVENT,
                history,
                1,
                version,
                b"f" * len(venue.seats),
                [(area.capacity, 0, 0, 0) for area in venue.areas],
                settings or settings_of(),
            )
        )

    def commit(
        self, seats: list[int], letter: str = "h", count: int = 1, marks: int = 0
    ) -> None:
        board = self.event.board
        self.event.publish(
            Publication(
                EVENT,
                board.history_id,
                board.epoch,
                board.version,
                board.version + count,
                tuple(seats),
                letter.encode() * len(seats),
                {},
                None,
                [],
                marks,
            )
        )

    def watcher(self, cursor: int | None = None) -> Pipe:
        pipe = Pipe()
        writer = Writer(cast("asyncio.Transport", pipe), JSON)
        self.hub.writers.add(writer)
        self.event.watch(writer, cursor)
        return pipe


async def turns(count: int = 10) -> None:
    """Let so many turns of the loop pass."""
    for _ in range(count):
        await asyncio.sleep(0)


async def settled(stand: Stand) -> None:
    """Let all be told that there is to tell, however long the machine takes for it."""
    while stand.event._flush is not None:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    # What writers held back is written in the next turn of the loop.
    await asyncio.sleep(0)


async def test_a_watcher_gets_a_snapshot_and_then_contiguous_deltas() -> None:
    stand = Stand()
    pipe = stand.watcher()
    stand.commit([0, 1])
    await settled(stand)
    stand.commit([1], "b", count=3)
    await settled(stand)
    snapshot, first, second = pipe.frames()
    assert (snapshot["op"], snapshot["version"]) == ("snapshot", 1)
    assert (first["from"], first["to"], first["seats"]) == (1, 2, {"h": [0, 1]})
    assert (second["from"], second["to"], second["seats"]) == (2, 5, {"b": [1]})


async def test_what_a_stalled_watcher_missed_is_merged_and_others_do_not_wait() -> None:
    stand = Stand()
    slow, quick = stand.watcher(), stand.watcher()
    slow.frames(), quick.frames()
    slow.stalled = limits.WATCH_BUFFER_BYTES_MAX
    for seat in range(4):
        stand.commit([seat])
        await settled(stand)
    assert [frame["to"] for frame in quick.frames()][-1] == 5
    assert slow.frames() == []
    slow.stalled = 0
    stand.event.wake_stragglers()
    await settled(stand)
    (delta,) = slow.frames()
    assert (delta["from"], delta["to"]) == (1, 5)
    assert sorted(delta["seats"]["h"]) == [0, 1, 2, 3]


async def test_nothing_is_encoded_for_watchers_who_take_nothing(monkeypatch) -> None:
    """Each stands at a version of its own: two hundred held the loop for 2 ms."""
    stand = Stand()
    quick = stand.watcher()
    for seat in range(4):
        stand.watcher().stalled = limits.WATCH_BUFFER_BYTES_MAX
        stand.commit([seat])
        await settled(stand)
    told = []
    real = stand.event.board.delta

    def delta(base: int, codec: Codec, *, promised: bool = False) -> bytes:
        told.append(base)
        return real(base, codec, promised=promised)

    monkeypatch.setattr(stand.event.board, "delta", delta)
    stand.commit([5])
    await settled(stand)
    assert told == [5]
    assert quick.frames()[-1]["to"] == 6


async def test_a_batch_that_touches_no_seat_sends_an_empty_delta() -> None:
    stand = Stand()
    pipe = stand.watcher()
    stand.commit([])
    await settled(stand)
    delta = pipe.frames()[-1]
    assert (delta["from"], delta["to"], delta["seats"], delta["areas"]) == (
        1,
        2,
        {},
        {},
    )


async def test_a_resumed_watcher_goes_on_inside_a_batch() -> None:
    stand = Stand()
    stand.commit([0], count=10)
    stand.commit([1])
    pipe = stand.watcher(cursor=6)
    await settled(stand)
    (delta,) = pipe.frames()
    assert (delta["from"], delta["to"]) == (6, 12)
    assert sorted(delta["seats"]["h"]) == [0, 1]


async def test_who_watches_anew_goes_on_from_where_they_say() -> None:
    stand = Stand()
    stand.commit([0])
    pipe = stand.watcher()
    stand.commit([1])
    await settled(stand)
    # What the watch of before told, the client takes for nothing once it asks anew.
    assert [frame["op"] for frame in pipe.frames()] == ["snapshot", "delta"]
    (writer,) = stand.event.watchers
    stand.event.watch(writer, 2)
    await settled(stand)
    (delta,) = pipe.frames()
    assert (delta["from"], delta["to"]) == (2, 3)


async def test_a_watcher_ahead_waits_and_gets_no_older_state() -> None:
    stand = Stand()
    pipe = stand.watcher(cursor=3)
    stand.commit([0])
    await settled(stand)
    assert pipe.frames() == []
    stand.commit([1], count=3)
    await settled(stand)
    (delta,) = pipe.frames()
    assert (delta["from"], delta["to"]) == (3, 5)


async def test_a_cursor_beyond_the_ring_gets_a_snapshot(monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "RING_VERSIONS_MAX", 4)
    stand = Stand()
    pipe = stand.watcher()
    pipe.frames()
    pipe.stalled = limits.WATCH_BUFFER_BYTES_MAX
    for seat in range(8):
        stand.commit([seat])
    await settled(stand)
    assert not stand.event.board.reaches(1)
    pipe.stalled = 0
    stand.event.wake_stragglers()
    await settled(stand)
    assert [(f["op"], f["version"]) for f in pipe.frames()] == [("snapshot", 9)]


async def test_the_ring_reaches_back_to_the_base_of_its_oldest_batch(
    monkeypatch: Any,
) -> None:
    monkeypatch.setattr(limits, "RING_VERSIONS_MAX", 4)
    stand = Stand()
    for seat in range(8):
        stand.commit([seat])
    board = stand.event.board
    base = board.past[0].base
    assert 1 < base < board.version == 9
    assert board.remembers(base)
    assert not board.remembers(base - 1)


async def test_another_history_starts_every_watcher_over() -> None:
    stand = Stand()
    pipe = stand.watcher()
    stand.commit([0], count=20)
    await settled(stand)
    pipe.frames()
    stand.load(7, "h2")
    await settled(stand)
    sale, frame = pipe.frames()
    assert sale["op"] == "sale"
    assert (frame["op"], frame["history_id"], frame["version"]) == ("snapshot", "h2", 7)


async def test_a_reload_tells_what_differs() -> None:
    stand = Stand()
    pipe = stand.watcher()
    stand.commit([0, 1])
    await settled(stand)
    pipe.frames()
    stand.load(5)
    await settled(stand)
    (delta,) = pipe.frames()
    assert (delta["from"], delta["to"], delta["seats"]) == (2, 5, {"f": [0, 1]})


async def test_who_saw_more_elsewhere_is_told_all_that_a_reload_cannot_tell() -> None:
    stand = Stand()
    stand.commit([1])
    # Version 3 took seat 0, version 4 freed it: only the other process knows.
    ahead, beside = stand.watcher(3), stand.watcher(2)
    stand.load(4)
    await settled(stand)
    (frame,) = ahead.frames()
    assert (frame["op"], frame["from"], frame["to"]) == ("delta", 3, 4)
    assert frame["seats"] == {"f": list(range(len(SMALL.seats)))}
    assert frame["areas"].keys() == {area.label for area in SMALL.areas}
    (frame,) = beside.frames()
    assert frame["seats"] == {"f": [1]}


async def test_a_changed_sale_is_told_before_its_delta() -> None:
    stand = Stand()
    pipe = stand.watcher()
    stand.load(2, settings=msgspec.structs.replace(settings_of(), sale_state="paused"))
    await settled(stand)
    _, sale, delta = pipe.frames()
    assert (sale["op"], sale["status"]) == ("sale", "paused")
    assert (delta["op"], delta["to"]) == ("delta", 2)


async def test_a_beat_comes_only_when_nothing_else_did() -> None:
    stand = Stand()
    pipe = stand.watcher()
    pipe.frames()
    now = stand.hub.now()
    stand.event.beat(now)
    assert pipe.frames() == []
    stand.event.beat(now + limits.BEAT_S)
    (beat,) = pipe.frames()
    assert (beat["op"], beat["version"]) == ("beat", 1)
    stand.event.beat(now + limits.BEAT_S + 1)
    assert pipe.frames() == []


async def test_expired_is_told_to_its_user_only() -> None:
    stand = Stand()
    mine, other = Pipe(), Pipe()
    for pipe, user in ((mine, "anna"), (other, "ben")):
        writer = Writer(cast("asyncio.Transport", pipe), JSON)
        stand.hub.signed_in(writer, user)
    stand.hub.tell_expired(EVENT, Expiry("anna", "secret", ["A-1"], {}))
    (frame,) = mine.frames()
    assert (frame["op"], frame["hold"], frame["seats"]) == (
        "expired",
        "secret",
        ["A-1"],
    )
    assert other.frames() == []


def signed_in(stand: Stand, user: str, session: str = "") -> Writer:
    """Return what writes to a socket of somebody's."""
    writer = Writer(cast("asyncio.Transport", Pipe()), JSON)
    writer.session = session
    stand.hub.signed_in(writer, user)
    return writer


async def test_a_session_that_ends_closes_its_own_sockets() -> None:
    stand = Stand()
    ended = [signed_in(stand, "anna", "ses_1") for _ in range(2)]
    others = [
        signed_in(stand, "anna", "ses_2"),
        signed_in(stand, "anna"),
        signed_in(stand, "ben", "ses_3"),
    ]
    stand.hub.sign_out("anna", "ses_1")
    assert [one.closing for one in ended] == [True, True]
    assert [one.closing for one in others] == [False, False, False]
    # What belongs to no session ends with the user.
    stand.hub.sign_out("anna", "anna")
    assert [one.closing for one in others] == [False, True, False]
    stand.hub.sign_out("nobody", "nobody")


async def test_who_leaves_loses_what_follows_a_draft_and_nothing_else() -> None:
    stand = Stand()
    draft = msgspec.structs.replace(settings_of(), sale_state="draft")
    for event in ("evt_2", "evt_3"):
        stand.hub.add_event(event, SMALL, draft)
    follows, buys, idle, other = [
        signed_in(stand, user) for user in ("anna", "anna", "anna", "ben")
    ]
    # Whatever else is a draft, too.
    for writer, event in ((follows, "evt_3"), (buys, EVENT), (other, "evt_3")):
        stand.hub.events[event].watch(writer, None)
    stand.hub.let_go("anna")
    closing = [one.closing for one in (follows, buys, idle, other)]
    assert closing == [True, False, False, False]
    stand.hub.let_go("nobody")


async def test_a_snapshot_is_encoded_once_per_version() -> None:
    board = Stand().event.board
    assert board.snapshot(JSON) is board.snapshot(JSON)
