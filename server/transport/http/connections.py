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

from server.base import limits
from server.base.log import REQUEST_ID as LOGGED_ID
from server.base.networks import Network
from server.transport.http import problems
from server.transport.http.client_address import find_client, is_trusted, limit_key
from server.transport.http.middleware import add_headers, is_gone, request_id_of
from server.transport.http.problems import ProblemError

SWEEP_EVERY_S: Final = 2.0
TAKES_NOTHING_S_MAX: Final = limits.STALL_S_MAX + limits.CLOSE_S_MAX
"""Later than a websocket is told 4008, which is why it is no less."""


class Connection(web.RequestHandler):
    """One connection, known to the limiter."""

    __slots__ = ("_door", "counted_as", "stalled_at", "unsent")

    def __init__(
        self, limiter: "ConnectionLimiter", server: web.Server, **options: Any
    ) -> None:
        super().__init__(server, **options)
        self._door = limiter
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
        error = ProblemError(problems.BAD_FRAME if status < 500 else problems.INTERNAL)
        if isinstance(exc, LineTooLong) and limits.LINE_BYTES_MAX in exc.args:
            error = ProblemError(problems.URI_TOO_LONG)
        response = problems.response(error, request_id_of(request))
        add_headers(request, response)
        response.force_close()
        return response


class ConnectionLimiter:
    """Makes the protocol of each connection, and counts them."""

    def __init__(
        self,
        server: web.Server,
        trusted: Sequence[Network],
        per_address_max: int | None,
        **options: Any,
    ) -> None:
        self.connections: set[Connection] = set()
        self.refused = 0
        self._server = server
        self._trusted = trusted
        self._per_address_max = per_address_max
        self._options = options
        self._by_address: Counter[str] = Counter()

    def __call__(self) -> Connection:
        """Return the protocol of a new connection."""
        loop = asyncio.get_running_loop()
        return Connection(self, self._server, loop=loop, **self._options)

    def admit(self, connection: Connection, transport: asyncio.Transport) -> bool:
        """Count a connection, or refuse it."""
        if len(self.connections) >= limits.CONNECTIONS_MAX:
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
            connection.counted_as = key
        self.connections.add(connection)
        _drop_dead_peers(transport)
        return True

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        self.connections.discard(connection)
        key, connection.counted_as = connection.counted_as, None
        if key is not None:
            self._by_address[key] -= 1
            if not self._by_address[key]:
                del self._by_address[key]

    async def run(self, now: Callable[[], float]) -> None:
        """Sweep again and again."""
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            for count, connection in enumerate(list(self.connections)):
                _end_if_stalled(connection, now())
                if not count & 255:
                    await asyncio.sleep(0)


def _end_if_stalled(connection: Connection, now: float) -> None:
    """End a connection that has taken nothing of what is there for it."""
    transport = connection.transport
    if transport is None:
        return
    unsent = transport.get_write_buffer_size()
    if not unsent or unsent < connection.unsent:
        connection.stalled_at = 0.0
    elif not connection.stalled_at:
        connection.stalled_at = now
    elif now - connection.stalled_at > TAKES_NOTHING_S_MAX:
        transport.abort()
    connection.unsent = unsent


def _drop_dead_peers(transport: asyncio.Transport) -> None:
    """Let the kernel end connections whose peer is gone, without a timer of ours."""
    plain = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None and plain is not None and plain.family != socket.AF_UNIX:
        plain.setsockopt(socket.IPPROTO_TCP, option, limits.USER_TIMEOUT_MS)
