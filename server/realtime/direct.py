"""A websocket whose frames reach their session without waking a task for each.

aiohttp parses a frame and puts it into a queue, which wakes the handler's task, which
takes it out: that costs a sixth of what a whole command may cost. Here the queue gives
the frame to the session at once, in the same call that received it, as long as nothing
is queued before it; otherwise, and for control frames, all goes aiohttp's way. Parser,
limits, pings and closing stay aiohttp's.

Private names of aiohttp are used where its own `_post_start` is replaced;
`tests/server/realtime/test_direct.py` fails where a release changes them.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader

QUEUE_BYTES_MAX = 64 * 1_024
"""How much of one connection waits unread before its socket is not read."""


class DirectQueue(WebSocketDataQueue):
    """Gives frames of one kind to `take` while it may, and queues the rest."""

    take: Callable[[bytes], None] | None = None
    must_wait: Callable[[], bool]
    kind: WSMsgType

    def feed_data(self, data: Any, size: int) -> None:
        """Take one frame from the parser."""
        if (
            self.take is not None
            and data[0] is self.kind
            and not self._buffer
            and not self.must_wait()
        ):
            self.take(data[1])
        else:
            super().feed_data(data, size)


class DirectSocket(web.WebSocketResponse):
    """A server's websocket with a `DirectQueue`."""

    def direct(
        self,
        kind: WSMsgType,
        take: Callable[[bytes], None],
        must_wait: Callable[[], bool],
    ) -> None:
        """Give frames of this kind to `take` from now on, unless it `must_wait`."""
        queue = self._reader
        if isinstance(queue, DirectQueue):
            queue.kind, queue.must_wait, queue.take = kind, must_wait, take

    def _post_start(self, request: Any, protocol: str | None, writer: Any) -> None:
        """Start as aiohttp does, but with our queue behind the parser."""
        self._ws_protocol = protocol
        self._writer = writer
        queue = DirectQueue(
            request.protocol, QUEUE_BYTES_MAX, loop=asyncio.get_running_loop()
        )
        self._reader = queue
        self._parser = WebSocketReader(
            queue, self._max_msg_size, compress=False, decode_text=self._decode_text
        )
        request.protocol.set_parser(self._parser)
        request.protocol.keep_alive(False)
