"""A TCP proxy before Postgres that loses answers and cuts connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """Passes everything on until it is told otherwise."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.refusing = False
        self.losing_answers = False
        self.answer_lost = asyncio.Event()

    @property
    def url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        parts = urlsplit(self._upstream)
        user, at, _ = parts.netloc.rpartition("@")
        netloc = f"{user}{at}127.0.0.1:{port}"
        return parts._replace(netloc=netloc, query="sslmode=disable").geturl()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Reset every connection there is."""
        for writer in self._writers:
            writer.transport.abort()

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        server_reader, server_writer = await self._connect()
        self._writers |= {writer, server_writer}
        for source, target, answers in (
            (reader, server_writer, False),
            (server_reader, writer, True),
        ):
            task = asyncio.create_task(self._pump(source, target, answers))
            self._tasks.add(task)

    async def _connect(self) -> Pipe:
        parts = urlsplit(self._upstream)
        folder = parse_qs(parts.query).get("host", [""])[0]
        port = parse_qs(parts.query).get("port", [str(parts.port or 5432)])[0]
        if folder.startswith("/"):
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
        return await asyncio.open_connection(parts.hostname or "127.0.0.1", int(port))

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, answers: bool
    ) -> None:
        try:
            while data := await source.read(65_536):
                if answers and self.losing_answers:
                    self.answer_lost.set()
                else:
                    target.write(data)
        except OSError:
            pass  # The connection was cut, which is what this proxy is for.
        finally:
            target.close()


@asynccontextmanager
async def open_proxy(upstream: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(upstream)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
