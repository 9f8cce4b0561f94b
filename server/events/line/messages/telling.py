"""Tells everybody who waits what was said to them, in every process.

The process that keeps it says it over the bus; each tells its own sockets. Who misses
it, or comes later, is told the newest when they come to wait, and finds it in what
anybody may read of the line.
"""

import asyncio
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from persistence.events.line.lines import Said
from server.events.line.waiters.waiters import Waiters
from server.transport.bus.bus import Bus

TOPIC: Final = "line message"
SLICE: Final = 500
"""So many are told until others on the loop have their turn."""

log = structlog.get_logger()


class LineMessageFrame(Struct, tag_field="op", tag="line_message"):
    """What those who manage an event say to all who wait in its line.

    It is plain text. `texts` has the same in other languages; a `message` that one
    knows was told again. (It is no `id`: frames that have one are replies.)
    """

    event: str
    message: str
    text: str
    texts: dict[str, str]
    said_at: str
    """RFC 3339, in binary frames, too."""


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(LineMessageFrame).decode


def message_of(event: str, said: Said) -> LineMessageFrame:
    """Return the frame of something that was said."""
    said_at: str = msgspec.to_builtins(said.said_at)
    return LineMessageFrame(event, said.id, said.text, said.texts, said_at)


class MessageTelling:
    """Tells those who wait in this process."""

    def __init__(self, bus: Bus, waiters: Waiters) -> None:
        self._bus = bus
        self._waiters = waiters
        self._tasks: set[asyncio.Task[None]] = set()
        bus.subscribe(TOPIC, self._hear, lambda: None)

    def tell(self, frame: LineMessageFrame) -> None:
        """Have all processes tell; our own hears it, too."""
        self._bus.publish(TOPIC, _encode(frame))

    async def close(self) -> None:
        """Tell nobody any more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _hear(self, data: bytes) -> None:
        try:
            frame = _decode(data)
        except msgspec.MsgspecError as error:
            log.info("a message to a line cannot be read", error=str(error))
            return
        task = asyncio.create_task(self._spread(frame), name=f"tell {frame.event}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _spread(self, frame: LineMessageFrame) -> None:
        """Tell those who wait; the frame is packed once for all."""
        crowd = self._waiters.crowds.get(frame.event)
        if crowd is None:
            return
        packed: dict[str, bytes] = {}
        for number, waiter in enumerate(list(crowd.waiters.values()), 1):
            writer = waiter.writer
            if writer is None:
                continue
            codec = writer.codec
            if codec.name not in packed:
                packed[codec.name] = codec.pack(frame)
            writer.write(packed[codec.name])
            if not number % SLICE:
                await asyncio.sleep(0)
