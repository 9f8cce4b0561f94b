"""Who may connect, and how long a connection that takes nothing is kept.

Purpose: aiohttp bounds neither the number of connections nor the time a client takes to
read an answer. Connections are counted by address as they are accepted, before a byte
of them is read; a sweep ends those that take nothing of what was written for them.

What aiohttp does bound, and a test of ours holds it to: a connection whose first
request has not come whole within the keep-alive time is closed, and so is one that
makes a pause of that length between two requests.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from server import limits
from server.log import REQUEST_ID as LOGGED_ID
from server.rest import problems
from server.rest.client_address import Network, find_client, is_trusted, limit_key
from server.rest.middleware import add_headers, is_gone, request_id_of
from server.rest.problems import ProblemError

SWEEP_EVERY_S: Final = 2.0
TAKES_NOTHING_S_MAX: Final = limits.STALL_S_MAX + limits.CLOSE_S_MAX
"""Later than a websocket is told 4008, which is why it is no less."""


class Visitor(web.RequestHandler):
    """One connection, known to the door."""

    __slots__ = ("_door", "counted_as", "stalled_at", "unsent")

    def __init__(self, door: "Door", server: web.Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._door = door
        self.counted_as: str | None = None
        self.unsent = 0
        self.stalled_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or end at once where there are too many."""
        # uvloop's transports are no subclass of asyncio's, but do the same.
        stream = cast("asyncio.Transport", transport)
        if self._door.admit(self, stream):
            super().connection_made(transport)
        else:
            stream.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Make room for somebody else."""
        self._door.leave(self)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP, or failed outside our handlers, like all the rest.

        By itself aiohttp tells its version, and repeats up to 64 KiB of what it got.
        """
        if not (isinstance(exc, ConnectionError) and is_gone(request)):
            # It logs what happened, and raises where half an answer is out.
            logged = LOGGED_ID.set(request_id_of(request))
            try:
                super().handle_error(request, status, exc, message)
            finally:
                LOGGED_ID.reset(logged)
        error = ProblemError("bad_frame" if status < 500 else "internal")
        if isinstance(exc, LineTooLong) and limits.LINE_BYTES_MAX in exc.args:
            error = ProblemError("uri_too_long")
        response = problems.response(error, request_id_of(request))
        add_headers(request, response)
        response.force_close()
        return response


class Door:
    """Makes the protocol of each connection, and counts them."""

    def __init__(
        self,
        server: web.Server,
        trusted: Sequence[Network],
        per_address_max: int | None,
        **options: Any,
    ) -> None:
        self.visitors: set[Visitor] = set()
        self.refused = 0
        self._server = server
        self._trusted = trusted
        self._per_address_max = per_address_max
        self._options = options
        self._by_address: Counter[str] = Counter()

    def __call__(self) -> Visitor:
        """Return the protocol of a new connection."""
        loop = asyncio.get_running_loop()
        return Visitor(self, self._server, loop=loop, **self._options)

    def admit(self, visitor: Visitor, transport: asyncio.Transport) -> bool:
        """Count a connection, or refuse it."""
        if len(self.visitors) >= limits.CONNECTIONS_MAX:
            self.refused += 1
            return False
        peer = transport.get_extra_info("peername")
        address = find_client(str(peer[0]) if peer else None, ())
        # Behind a proxy there are many clients; limiting them is its business.
        if self._per_address_max is not None and not is_trusted(address, self._trusted):
            key = limit_key(address)
            if self._by_address[key] >= self._per_address_max:
                self.refused += 1
                return False
            self._by_address[key] += 1
            visitor.counted_as = key
        self.visitors.add(visitor)
        _drop_dead_peers(transport)
        return True

    def leave(self, visitor: Visitor) -> None:
        """Forget a connection."""
        self.visitors.discard(visitor)
        key, visitor.counted_as = visitor.counted_as, None
        if key is not None:
            self._by_address[key] -= 1
            if not self._by_address[key]:
                del self._by_address[key]

    async def run(self, now: Callable[[], float]) -> None:
        """Sweep again and again."""
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            for count, visitor in enumerate(list(self.visitors)):
                _end_if_stalled(visitor, now())
                if not count & 255:
                    await asyncio.sleep(0)


def _end_if_stalled(visitor: Visitor, now: float) -> None:
    """End a connection that has taken nothing of what is there for it."""
    transport = visitor.transport
    if transport is None:
        return
    unsent = transport.get_write_buffer_size()
    if not unsent or unsent < visitor.unsent:
        visitor.stalled_at = 0.0
    elif not visitor.stalled_at:
        visitor.stalled_at = now
    elif now - visitor.stalled_at > TAKES_NOTHING_S_MAX:
        transport.abort()
    visitor.unsent = unsent


def _drop_dead_peers(transport: asyncio.Transport) -> None:
    """Let the kernel end connections whose peer is gone, without a timer of ours."""
    plain = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None and plain is not None and plain.family != socket.AF_UNIX:
        plain.setsockopt(socket.IPPROTO_TCP, option, limits.USER_TIMEOUT_MS)
