"""A TCP way to a Redis on a socket, on which things get stuck or lost."""

import asyncio
from pathlib import Path


class Tunnel:
    """Passes everything on until it is told otherwise."""

    def __init__(self, target: Path) -> None:
        self.delay_s = 0.0
        """How much longer everything takes, each way."""
        self._target = target
        self._open = asyncio.Event()
        self._open.set()
        self._deaf: set[asyncio.StreamWriter] = set()
        self._listeners: set[asyncio.StreamWriter] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"redis://127.0.0.1:{port}/0"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._open.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def part(self) -> None:
        """Let nothing through, as a network does that lost its way: it is only late."""
        self._open.clear()

    def join(self) -> None:
        """End the partition; what was stuck arrives."""
        self._open.set()

    def deafen(self) -> None:
        """Let those who subscribed hear nothing more, and keep their connections."""
        self._deaf |= self._listeners

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._writers.add(writer)
        await self._open.wait()
        try:
            there = await asyncio.open_unix_connection(str(self._target))
        except OSError:
            writer.close()  # Redis is not running.
            return
        self._writers.add(there[1])
        for source, target in ((reader, there[1]), (there[0], writer)):
            self._tasks.add(asyncio.create_task(self._pump(source, target, writer)))

    async def _pump(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
    ) -> None:
        try:
            while data := await source.read(65_536):
                await self._open.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if b"SUBSCRIBE" in data:
                    self._listeners.add(client)
                if target is client and client in self._deaf:
                    continue
                target.write(data)
        except OSError:
            pass  # The test, or one of the two sides, cut it.
        finally:
            target.close()
