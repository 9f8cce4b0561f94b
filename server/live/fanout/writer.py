"""The sending side of one websocket: whole frames, written at once or not at all.

aiohttp's own writer is a coroutine that builds a header for each receiver and shares
one drain future among all senders. Here a frame is built once, header included, and
written to the transport synchronously; what the client does not take is bounded by
the reader (replies) and by the cursor (watchers), and a client that takes nothing is
closed.
"""

import asyncio
from collections.abc import Callable

from server.base import limits
from server.live.fanout.frames import PING_FRAME, Bye, Codec, close_frame


class Writer:
    """Writes frames to one connection and notices when it takes nothing."""

    __slots__ = (
        "_held",
        "_on_end",
        "_room",
        "_taken",
        "_taken_at",
        "_written",
        "closing",
        "codec",
        "session",
        "transport",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        codec: Codec,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        self.transport = transport
        self.codec = codec
        self.closing = False
        self.session = ""
        """The login that it belongs to, where it belongs to one."""
        self._taken = -1
        self._taken_at = 0.0
        self._written = 0
        self._held: list[bytes] | None = None
        self._on_end = on_end
        self._room: Callable[[], None] | None = None

    def write(self, frame: bytes) -> None:
        """Write one whole frame, unless the connection is going away."""
        if self._held is not None:
            self._held.append(frame)
            frame, self._held = b"".join(self._held), None
        if not self.closing and not self.transport.is_closing():
            self._written += len(frame)
            self.transport.write(frame)

    def write_soon(self, frame: bytes) -> None:
        """Write a frame with what follows it in this turn of the loop: in one go.

        A write costs the system as much as all else that a command costs us.
        """
        if self._held is None:
            self._held = []
            asyncio.get_running_loop().call_soon(self._write_held)
        self._held.append(frame)

    def _write_held(self) -> None:
        if self._held is not None:
            self.write(b"")

    def send(self, frame: object) -> None:
        """Encode a frame and write it."""
        self.write(self.codec.pack(frame))

    def is_over(self) -> bool:
        """Return whether nothing is written any more."""
        return self.closing or self.transport.is_closing()

    def roomy(self) -> bool:
        """Return whether a watcher's frame may be written now."""
        return self.transport.get_write_buffer_size() < limits.WATCH_BUFFER_BYTES_MAX

    def full(self) -> bool:
        """Return whether the client should take something before it asks for more."""
        return self.transport.get_write_buffer_size() > limits.REPLY_BUFFER_BYTES_MAX

    def when_roomy(self, callback: Callable[[], None]) -> None:
        """Call back once: at the end, or within a second after there is room again."""
        self._room = callback

    def tend(self, now: float, *, ping: bool) -> None:
        """Once a second: ping, notice room, close what stalls."""
        size = self.transport.get_write_buffer_size()
        taken = self._written - size
        if not size or taken != self._taken:
            self._taken, self._taken_at = taken, now
        elif now - self._taken_at > limits.STALL_S_MAX:
            self.close(4008, "you took nothing from your socket", 1_000)
        if ping and not size:
            self.write(PING_FRAME)
        if self._room is not None and not self.full():
            room, self._room = self._room, None
            room()

    def close(self, code: int, reason: str, retry_after_ms: int) -> None:
        """Say `bye`, and close."""
        self.send(Bye(code, reason, retry_after_ms))
        self.end(code, reason)

    def end(self, code: int, reason: str = "") -> None:
        """Close our side only: who still reads and writes shall hear why it ends."""
        if self.closing:
            return
        self.write(close_frame(code, reason))
        self.closing = True
        if not self.transport.is_closing():
            self.transport.write_eof()
        if self._room is not None:
            self._room()
        if self._on_end is not None:
            self._on_end()
