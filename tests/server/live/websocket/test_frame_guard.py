"""The guard passes on what the RFC allows, whole or in pieces, and nothing else."""

import random
from typing import TYPE_CHECKING, Any, cast

import pytest
from aiohttp import WebSocketError

from server.live.websocket.frame_guard import SLICE_BYTES, FrameGuard, may_close_with
from tests.security.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    frame,
)

if TYPE_CHECKING:
    from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader


class Recorder:
    """Stands for a reader and its queue."""

    def __init__(self) -> None:
        self.read = bytearray()
        self.over = False
        self.error: BaseException | None = None
        self.gone = False

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.read += data
        return self.over, b""

    def feed_eof(self) -> None:
        self.gone = True

    def set_exception(self, error: BaseException) -> None:
        assert self.error is None
        self.error = error


def guarded() -> tuple[FrameGuard, Recorder]:
    recorder = Recorder()
    reader = cast("WebSocketReader", recorder)
    return FrameGuard(reader, cast("WebSocketDataQueue", recorder)), recorder


def feed(guard: FrameGuard, data: bytes, step: int) -> bool:
    over = False
    for at in range(0, len(data), step):
        over, _ = guard.feed_data(data[at : at + step])
        if over:
            break
    return over


GOOD: list[bytes] = [
    frame(TEXT, b""),
    frame(TEXT, b"{}"),
    frame(BINARY, b"x" * 125),
    frame(BINARY, b"x" * 126),
    frame(TEXT, b"x" * 65_535),
    frame(TEXT, b"x" * 65_536),
    frame(TEXT, b"x", wide=8),
    frame(PING, b"?"),
    frame(PONG),
    frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"a"),
    frame(TEXT, b"a", fin=False) + frame(PING) + frame(CONTINUATION, b"b", fin=False)
    + frame(CONTINUATION),
    frame(CLOSE, b"\x03\xe8"),
]  # fmt: skip

WRONG: dict[str, bytes] = {
    **{
        f"unmasked {opcode}, {size} bytes": frame(opcode, b"x" * size, mask=None)
        for opcode in (TEXT, BINARY, CLOSE, PING, PONG)
        for size in (0, 2, 6, 125)
    },
    "unmasked, 126 bytes": frame(TEXT, b"x" * 126, mask=None),
    "unmasked, 65,536 bytes": frame(TEXT, b"x" * 65_536, mask=None),
    "continues nothing": frame(CONTINUATION, b"x"),
    "continues nothing, unfinished": frame(CONTINUATION, b"x", fin=False),
}

AMID: dict[str, bytes] = {
    "another message": frame(TEXT, b"{}"),
    "another kind": frame(BINARY, b"{}"),
    "another that goes on": frame(TEXT, b"{}", fin=False),
    "unmasked end": frame(CONTINUATION, b"{}", mask=None),
    "unmasked ping": frame(PING, mask=None),
}


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 1 << 20])
def test_what_is_right_is_passed_on_byte_by_byte_as_it_came(step: int) -> None:
    guard, recorder = guarded()
    chance = random.Random(step)
    sent = b"".join(chance.choices(GOOD, k=40))
    assert not feed(guard, sent, step)
    assert recorder.read == sent
    assert recorder.error is None


@pytest.mark.parametrize("step", [1, 3, 1 << 20])
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_ends_the_connection_after_what_came_before(
    name: str, step: int
) -> None:
    guard, recorder = guarded()
    before = frame(TEXT, b"first") + frame(BINARY, b"x" * 200)
    assert feed(guard, before + WRONG[name] + frame(TEXT, b"after"), step)
    assert isinstance(recorder.error, WebSocketError)
    assert recorder.error.code == 1002
    # With one byte at a time the first of the wrong head is out before it is seen.
    assert recorder.read.startswith(before)
    assert len(recorder.read) <= len(before) + (step == 1)
    assert guard.feed_data(frame(TEXT, b"more")) == (True, b"")


@pytest.mark.parametrize("first", [b"", b"x"])
@pytest.mark.parametrize("name", AMID)
def test_nothing_comes_amid_the_fragments_of_a_message(name: str, first: bytes) -> None:
    guard, recorder = guarded()
    assert not feed(guard, frame(TEXT, first, fin=False), 1)
    assert feed(guard, AMID[name], 1 << 20)
    assert isinstance(recorder.error, WebSocketError)


class Tally(list[int]):
    """What was counted, as long as the connection goes on."""

    def take(self, pieces: int) -> bool:
        self.append(pieces)
        return sum(self) < 400


EMPTY = frame(CONTINUATION, fin=False)
NO_MESSAGES: dict[str, tuple[bytes, int]] = {
    "whole messages": (frame(TEXT, b"{}") + frame(BINARY, b"x" * 200), 0),
    "fragments": (frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b"), 1),
    "empty ones": (frame(TEXT, fin=False) + EMPTY * 20 + frame(CONTINUATION), 21),
    "control frames": (frame(PING, b"?") + frame(PONG) + frame(TEXT, b"{}"), 2),
    "in the midst": (frame(TEXT, fin=False) + frame(PING) + frame(CONTINUATION), 2),
}


@pytest.mark.parametrize("name", NO_MESSAGES)
def test_what_is_no_message_is_counted_as_it_comes(name: str) -> None:
    sent, expected = NO_MESSAGES[name]
    counted = Tally()
    guard, recorder = guarded()
    guard.count_with(counted.take)
    assert guard.feed_data(sent) == (False, b"")
    assert recorder.read == sent
    assert sum(counted) == expected


def test_a_byte_at_a_time_counts_as_much_as_a_message() -> None:
    counted = Tally()
    guard, _ = guarded()
    guard.count_with(counted.take)
    assert not feed(guard, frame(TEXT, b"x" * 94), 1)
    # The last byte brings the message itself, which its session counts.
    assert sum(counted) == 99
    assert not feed(guard, frame(TEXT, b"x" * 94), 1 << 20)
    assert sum(counted) == 99


def test_what_came_before_anybody_counted_is_counted_then() -> None:
    guard, _ = guarded()
    guard.feed_data(frame(TEXT, fin=False) + EMPTY * 5)
    counted = Tally()
    guard.count_with(counted.take)
    assert counted == [6]


def test_of_a_flood_in_one_read_only_a_slice_is_looked_at() -> None:
    counted = Tally()
    guard, recorder = guarded()
    guard.count_with(counted.take)
    flood = frame(TEXT, fin=False) + EMPTY * 40_000
    assert guard.feed_data(flood)[0]
    assert not recorder.read
    assert 400 <= sum(counted) <= SLICE_BYTES // len(EMPTY) + 1
    looks = len(counted)
    assert guard.feed_data(flood)[0]
    assert len(counted) <= looks + 1


def test_what_the_reader_itself_ends_is_not_ended_twice() -> None:
    guard, recorder = guarded()
    recorder.over = True
    assert guard.feed_data(frame(TEXT, b"x") + frame(TEXT, b"y", mask=None))[0]
    assert recorder.error is None


def test_the_end_of_the_connection_is_passed_on() -> None:
    guard, recorder = guarded()
    guard.feed_eof()
    assert recorder.gone


def test_close_codes_that_nobody_may_send_are_known() -> None:
    may: list[Any] = [code for code in range(65_536) if may_close_with(code)]
    # Others below 3000 aiohttp refuses.
    assert may == [code for code in range(5_000) if code != 1006]
