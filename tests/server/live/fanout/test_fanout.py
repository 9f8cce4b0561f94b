"""Flushes and beats for many watchers, taken in slices while the sale goes on."""

import asyncio

import pytest

from server.base import limits
from server.live.fanout.frames import JSON, MSGPACK
from tests.server.live.fanout.test_hub import Pipe, Stand, settled

MANY = 100


async def until_told(pipe: Pipe) -> None:
    """Let the loop turn, once and again, until this watcher is told something."""
    for _ in range(10_000):
        if pipe.data:
            return
        await asyncio.sleep(0)
    raise AssertionError("this watcher was told nothing")


@pytest.fixture
def short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a slice end after a few watchers, and flushes begin at once."""
    monkeypatch.setattr(limits, "FANOUT_SLICE_S", 0.0)
    monkeypatch.setattr(limits, "FANOUT_SLICE_S_MAX", 0.0)
    monkeypatch.setattr(limits, "FLUSH_S_PER_WATCHER", 0.0)


@pytest.mark.usefixtures("short_slices")
async def test_a_flush_brings_all_to_one_version_while_the_sale_goes_on() -> None:
    stand = Stand()
    pipes = [stand.watcher() for _ in range(MANY)]
    for pipe in pipes:
        pipe.frames()
    encoded = 0
    delta = stand.event.board.delta

    def counting(*args, **kwargs):
        nonlocal encoded
        encoded += 1
        return delta(*args, **kwargs)

    stand.event.board.delta = counting  # type: ignore[method-assign]
    stand.commit([0])
    await until_told(pipes[0])
    begun = stand.event.board.version
    told = 0
    while not pipes[-1].data:
        told += 1
        stand.commit([1 + told % 8])
        await asyncio.sleep(0)
    assert told > 2, "the flush was over in one slice"
    frames = [pipe.frames() for pipe in pipes]
    assert {first["to"] for first, *_ in frames} == {begun}
    assert encoded == 1
    await settled(stand)
    for pipe, (first, *later) in zip(pipes, frames, strict=True):
        for frame in [*later, *pipe.frames()]:
            assert frame["from"] == first["to"]
            first = frame
        assert first["to"] == stand.event.board.version


@pytest.mark.usefixtures("short_slices")
async def test_whoever_leaves_during_a_flush_is_told_nothing_more() -> None:
    stand = Stand()
    pipes = [stand.watcher() for _ in range(MANY)]
    for pipe in pipes:
        pipe.frames()
    stand.commit([0])
    await until_told(pipes[0])
    assert not pipes[-1].data
    stand.event.unwatch(list(stand.event.watchers)[-1])
    await settled(stand)
    assert pipes[-2].data
    assert not pipes[-1].data


@pytest.mark.usefixtures("short_slices")
async def test_another_history_ends_a_flush_of_the_one_before() -> None:
    stand = Stand()
    pipes = [stand.watcher() for _ in range(MANY)]
    for pipe in pipes:
        pipe.frames()
    stand.commit([0], count=5)
    await until_told(pipes[0])
    stand.load(3, "h2")
    await settled(stand)
    for pipe in pipes:
        frames = [frame for frame in pipe.frames() if frame["op"] != "sale"]
        assert (frames[-1]["op"], frames[-1]["version"]) == ("snapshot", 3)
        assert all(frame["history_id"] == "h1" for frame in frames[:-1])
        assert [frame["to"] for frame in frames[:-1]] in ([], [6])


@pytest.mark.usefixtures("short_slices")
async def test_a_beat_never_tells_a_version_that_its_watcher_has_not() -> None:
    stand = Stand()
    pipes = [stand.watcher() for _ in range(MANY)]
    for pipe in pipes:
        pipe.frames()
    stand.event.beat(stand.hub.now() + limits.BEAT_S)
    await until_told(pipes[0])
    assert not pipes[-1].data, "the beat was over in one slice"
    stand.commit([0])
    await settled(stand)
    told = [[frame["op"] for frame in pipe.frames()] for pipe in pipes]
    assert told[0] == ["beat", "delta"]
    assert told[-1] == ["delta"]


async def test_a_watcher_that_was_promised_a_delta_gets_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "DELTA_BYTES_ALWAYS", 1)
    stand = Stand()
    for _ in range(3):
        stand.commit(list(range(10)))
    resumed = stand.watcher(cursor=1)
    other = stand.watcher()
    await settled(stand)
    (delta,) = resumed.frames()
    assert (delta["op"], delta["from"], delta["to"]) == ("delta", 1, 4)
    other.frames()
    stand.commit(list(range(10)), "f")
    await settled(stand)
    assert [frame["op"] for frame in resumed.frames()] == ["snapshot"]
    assert [frame["op"] for frame in other.frames()] == ["snapshot"]


async def test_no_delta_is_promised_that_would_take_long_to_make(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "DELTA_TOUCHES_PROMISED_MAX", 20)
    stand = Stand()
    for _ in range(3):
        stand.commit(list(range(10)))
    board = stand.event.board
    assert board.reaches(2)
    assert not board.reaches(1)
    assert board.remembers(1)


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
async def test_what_changed_very_often_is_told_by_a_snapshot(
    monkeypatch: pytest.MonkeyPatch, codec
) -> None:
    monkeypatch.setattr(limits, "DELTA_BYTES_ALWAYS", 20)
    stand = Stand()
    board = stand.event.board
    stand.commit([0])
    assert board.delta(1, codec) != board.snapshot(codec)
    for _ in range(30):
        stand.commit([0])
    assert board.delta(1, codec) == board.snapshot(codec)
