"""A port that several processes listen at, kept by one that does not listen."""

import socket
from types import TracebackType
from typing import Self

from server.base.instance import url_at


class ReservedPort:
    """Holds a port for workers that come and go; `number` is known once entered.

    The kernel gives connections to those only that listen, so none comes here.
    """

    def __init__(self, host: str, port: int) -> None:
        self.number = port
        self.url = ""
        self._host = host
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        """Take the port on all addresses of the host; OSError where it is taken."""
        try:
            self._take()
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it up."""
        self._release()

    def _take(self) -> None:
        found = socket.getaddrinfo(
            self._host or None,
            self.number,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )
        for family, kind, protocol, _, address in dict.fromkeys(found):
            if self.number:
                # Two servers of one user could share a port unawares, each with half
                # of the clients: nobody else may be there when we come.
                with socket.socket(family, kind, protocol) as alone:
                    alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    self._bind(alone, address)
            ours = socket.socket(family, kind, protocol)
            self._sockets.append(ours)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            try:
                self._bind(ours, address)
            except OSError:
                # Connections that a lone server closed linger for a minute.
                ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self._bind(ours, address)
            self.number = ours.getsockname()[1]
        self.url = url_at("http", self._sockets[0].getsockname()[0], self.number)

    def _bind(self, made: socket.socket, address: tuple[object, ...]) -> None:
        if made.family == socket.AF_INET6:
            # As asyncio binds: the other family has a socket of its own.
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address[0], self.number, *address[2:]))

    def _release(self) -> None:
        while self._sockets:
            self._sockets.pop().close()
