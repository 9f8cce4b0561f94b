"""Rules of RFC 6455 that aiohttp's reader does not hold clients to.

The reader takes frames without a mask (5.1), a new message amid the fragments of
another whose first was empty (5.4), and close codes that may not be sent (7.4). What
breaks a rule ends its connection with 1002, after all that came before it.

Nor does it count what is no message: fragments that may be empty, control frames, and
reads that end within a frame, so that a byte at a time costs as much as messages. They
are counted here as they come, whether the session takes them now or later.

A whole message in one read, as nearly every command is, costs a few comparisons: 0.10
to 0.15 µs (CPython 3.11, best of 9 runs on a busy machine of 2 cores).
"""

from collections.abc import Callable
from typing import Final

from aiohttp import WebSocketError, WSCloseCode
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader

FIN: Final = 0x80
MASKED: Final = 0x80
OPCODE: Final = 0x0F
LENGTH: Final = 0x7F
MASK_BYTES: Final = 4
HEAD_BYTES: Final = 2 + MASK_BYTES
SHORT_BYTES_MAX: Final = 125
"""Longer payloads say their length in two or eight bytes of their own (5.2)."""

WHOLE: Final = frozenset({FIN | 1, FIN | 2})
"""How a text and a binary message of one frame begin."""

CONTROL: Final = 8
"""Opcodes from here on are of control frames, which may stand between fragments."""

NEVER_SENT: Final = 1006
"""What a socket says by itself when its connection broke (7.4.1)."""

CLOSE_CODES_END: Final = 5_000

_SECOND: Final = MASKED - HEAD_BYTES
"""With its size added: the second byte of a short frame."""

_WIDE: Final = MASKED | SHORT_BYTES_MAX + 1
"""The second byte of a frame that says its length in two more."""

_HEAD_BYTES_MAX: Final = HEAD_BYTES + 2

SLICE_BYTES: Final = 16 * 1_024
"""So much of one read is looked at before it is asked whether the connection goes on: a
read may bring ten times as many empty frames as end it."""


class FrameGuard:
    """Stands before a reader: looks at the head of each frame, and passes it on."""

    __slots__ = (
        "_at",
        "_broken",
        "_count",
        "_fragmented",
        "_head",
        "_pieces",
        "_plain",
        "_queue",
        "_read",
    )

    def __init__(self, reader: WebSocketReader, queue: WebSocketDataQueue) -> None:
        self._read = reader
        self._queue = queue
        self._at = 0
        """How many bytes after `_head` the next frame begins."""
        self._head = b""
        """The beginning of a frame whose head has not come whole."""
        self._fragmented = False
        self._broken = False
        self._plain = True
        """Whether a new message begins with the next byte."""
        self._pieces = 0
        """What came that is no message, and was not counted yet."""
        self._count: Callable[[int], bool] | None = None

    def count_with(self, count: Callable[[int], bool]) -> None:
        """Tell `count` of what is no message; it says whether the connection goes on.

        What came before is told at once.
        """
        self._count = count
        self._goes_on()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take what came; return whether the connection is over, as a reader does."""
        size = len(data)
        if self._plain and size > _HEAD_BYTES_MAX:
            # On the path of every command, hence without a call.
            second = data[1]
            if (
                (second == _SECOND + size and second < _WIDE)
                or (second == _WIDE and (data[2] << 8 | data[3]) == size - 8)
            ) and data[0] in WHOLE:
                return self._read.feed_data(data)
        for at in range(0, size, SLICE_BYTES):
            over, rest = self._feed(data[at : at + SLICE_BYTES])
            if over:
                return True, rest
        if self._head or self._at:
            self._pieces += 1
        return not self._goes_on(), b""

    def _goes_on(self) -> bool:
        """Count what came; return whether the connection goes on after it."""
        if self._count is not None:
            pieces, self._pieces = self._pieces, 0
            if not self._count(pieces):
                self._broken = True
        return not self._broken

    def _feed(self, data: bytes) -> tuple[bool, bytes]:
        """Take a part of what came."""
        if self._broken:
            return True, b""
        wrong = self._find_wrong(data)
        if not self._goes_on():
            return True, b""
        if wrong is None:
            return self._read.feed_data(data)
        self._plain, self._broken = False, True
        over, _ = self._read.feed_data(data[: max(0, wrong)])
        if not over:
            self._queue.set_exception(
                WebSocketError(WSCloseCode.PROTOCOL_ERROR, "a frame breaks RFC 6455")
            )
        return True, b""

    def feed_eof(self) -> None:
        """Hear that the connection is gone."""
        self._read.feed_eof()

    def _find_wrong(self, data: bytes) -> int | None:
        """Return where in this a frame begins that breaks a rule; None for nowhere.

        It is below 0 where the frame began in what came before.
        """
        before = len(self._head)
        if before:
            data = self._head + data
        at, size = self._at, len(data)
        while at + 2 <= size:
            first, second = data[at], data[at + 1]
            continues = first & OPCODE == 0
            is_data = first & OPCODE < CONTROL
            if second < MASKED or (is_data and continues is not self._fragmented):
                return at - before
            length = second & LENGTH
            wide = 0
            if length > SHORT_BYTES_MAX:
                wide = 2 if length == SHORT_BYTES_MAX + 1 else 8
                if at + 2 + wide > size:
                    break
                length = int.from_bytes(data[at + 2 : at + 2 + wide])
            if not is_data:
                self._pieces += 1
            elif first < FIN:
                self._fragmented = True
                self._pieces += 1
            else:
                self._fragmented = False
            at += HEAD_BYTES + wide + length
        self._head, self._at = (data[at:], 0) if at < size else (b"", at - size)
        self._plain = at == size and not self._fragmented
        return None


def may_close_with(code: int) -> bool:
    """Return whether a client may send this close code; 0 stands for none."""
    return code != NEVER_SENT and code < CLOSE_CODES_END
