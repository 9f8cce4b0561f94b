"""A websocket whose frames reach their session without waking a task for each.

aiohttp parses a frame and puts it into a queue, which wakes the handler's task, which
takes it out: that costs a sixth of what a whole command may cost. Here the queue gives
the frame to the session at once, in the same call that received it, as long as nothing
is queued before it; otherwise, and for control frames, all goes aiohttp's way. Parser
and limits stay aiohttp's, with a `FrameGuard` before them. Closing does not: aiohttp
stops reading when it closes, and what the client still sends then makes TCP throw away
what it was told last.

Private names of aiohttp are used where its own `_post_start` is replaced;
`tests/server/live/websocket/test_direct_socket.py` fails where a release changes them.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from aiohttp import WebSocketError, WSCloseCode, WSMsgType, web
from aiohttp._websocket.models import WS_CLOSING_MESSAGE
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader

from server.base import limits
from server.live.websocket.frame_guard import FrameGuard, may_close_with

QUEUE_BYTES_MAX = 64 * 1_024
"""How much of one connection waits unread before its socket is not read."""


class DirectQueue(WebSocketDataQueue):
    """Gives frames of one kind to `take` while it may, and queues the rest."""

    __slots__ = ("gone", "kind", "must_wait", "over", "take")

    must_wait: Callable[[], bool]
    kind: WSMsgType

    def __init__(
        self, protocol: Any, limit: int, *, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(protocol, limit, loop=loop)
        self.take: Callable[[bytes], None] | None = None
        self.over = False
        self.gone: asyncio.Future[None] | None = None

    def feed_data(self, data: Any, size: int) -> None:
        """Take one frame from the parser."""
        take = self.take
        if (
            take is not None
            and data[0] is self.kind
            and not self._buffer
            and not self.must_wait()
        ):
            take(data[1])
        elif self.over:
            return
        elif data[0] is WSMsgType.CLOSE and not may_close_with(data[1]):
            raise WebSocketError(WSCloseCode.PROTOCOL_ERROR, "no close code")
        else:
            super().feed_data(data, size)

    def feed_eof(self) -> None:
        """Hear that the connection is gone."""
        super().feed_eof()
        if self.gone is not None and not self.gone.done():
            self.gone.set_result(None)

    def end(self) -> None:
        """Take no more, forget what waits, and wake whoever reads."""
        self.take, self.over = None, True
        self._buffer.clear()
        super().feed_data(WS_CLOSING_MESSAGE, 0)


class DirectSocket(web.WebSocketResponse):
    """A server's websocket with a `DirectQueue`."""

    say_goodbye: Callable[[int], None] | None = None
    """Called once with the close code; writes what the client shall hear last."""

    def direct(
        self,
        kind: WSMsgType,
        take: Callable[[bytes], None],
        must_wait: Callable[[], bool],
        count: Callable[[int], bool],
    ) -> None:
        """Give frames of this kind to `take` from now on, unless it `must_wait`.

        `count` hears how many came that are no messages, and says whether it all
        goes on.
        """
        queue, guard = self._reader, self._parser
        if isinstance(queue, DirectQueue) and isinstance(guard, FrameGuard):
            queue.kind, queue.must_wait, queue.take = kind, must_wait, take
            guard.count_with(count)

    def end(self) -> None:
        """Take no more frames: what still comes is read and thrown away."""
        protocol = self._req.protocol if self._req is not None else None
        if protocol is None or not isinstance(self._reader, DirectQueue):
            return
        self._reader.end()
        protocol.close()
        protocol.resume_reading(resume_parser=False)

    async def close(
        self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True
    ) -> bool:
        """Say goodbye, and read until the client has heard it or had its time."""
        queue = self._reader
        if (
            self._closed
            or self.say_goodbye is None
            or not isinstance(queue, DirectQueue)
        ):
            return await super().close(code=code, message=message, drain=drain)
        self._set_closed()
        self._parser = None
        self.say_goodbye(
            code if self._exception is None else WSCloseCode.INTERNAL_ERROR
        )
        protocol = self._req.protocol if self._req is not None else None
        if protocol is None or protocol.transport is None:
            return True
        queue.gone = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(limits.CLOSE_S_MAX):
                await queue.gone
        except TimeoutError:
            # It had time enough.
            pass
        finally:
            if protocol.transport is not None:
                protocol.transport.abort()
        return True

    def _post_start(self, request: Any, protocol: str | None, writer: Any) -> None:
        """Start as aiohttp does, but with our queue behind the parser."""
        self._ws_protocol = protocol
        self._writer = writer
        queue = DirectQueue(
            request.protocol, QUEUE_BYTES_MAX, loop=asyncio.get_running_loop()
        )
        self._reader = queue
        reader = WebSocketReader(
            queue, self._max_msg_size, compress=False, decode_text=self._decode_text
        )
        # It has what is asked of a reader there.
        self._parser = cast("WebSocketReader", FrameGuard(reader, queue))
        request.protocol.set_parser(self._parser)
        request.protocol.keep_alive(False)
