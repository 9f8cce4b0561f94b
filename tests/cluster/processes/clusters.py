"""Real processes that share their events, each of which a test can speak to alone."""

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.cluster.ports import free_ports
from tests.cluster.tunnel import Tunnel
from tests.contract.client import Api
from tests.contract.process import Server

Json = dict[str, Any]
SETTLED_S_MAX = 60.0
POLL_S = 0.05


class Cluster:
    """What the two kinds have in common; `home` is one whose administrator we are."""

    home: Server
    servers: list[Server]
    urls: list[str]
    database_url: str

    def api(self, url: str) -> Api:
        """Return a client of the process at one address."""
        made = Api(self.home)
        made.url = url
        return made

    @asynccontextmanager
    async def apis(self) -> AsyncIterator[list[Api]]:
        """Open a client of each process, in the order of `urls`."""
        async with AsyncExitStack() as stack:
            yield [await stack.enter_async_context(self.api(u)) for u in self.urls]

    def live_urls(self) -> list[str]:
        """Return the addresses that answer now."""
        return [url for url in self.urls if listens(url)]

    async def processes(self, url: str | None = None) -> list[Json]:
        """Ask a living process which there are."""
        async with self.api(url or self.live_urls()[0]) as api:
            body = await api.good("GET", "/v1/cluster", who=api.admin)
        found: list[Json] = body["processes"]
        return found

    async def process_at(self, url: str) -> Json:
        """Return the living process at an address, once the others know of it."""
        found: list[Json] = []

        async def known() -> bool:
            for asked in self.live_urls():
                every = await self.processes(asked)
                found[:] = [one for one in every if one["address"] == url]
                if not found:
                    return False
            return True

        await until(known)
        return found[-1]

    async def owner(self, event: str, url: str | None = None) -> Json:
        """Ask one process who owns an event."""
        async with self.api(url or self.live_urls()[0]) as api:
            owner = (await api.event(event))["owner"]
        assert isinstance(owner, dict), owner
        return owner

    async def move(self, event: str, url: str) -> Json:
        """Give an event to the process at an address; return that once it owns it."""
        process = await self.process_at(url)
        async with self.api(self.live_urls()[0]) as api:
            body = {"event": event, "process": process["process"]}
            await api.good("POST", "/v1/cluster/move", body, who=api.admin)
        await self.owned_by(event, process["process"])
        return process

    async def owned_by(self, event: str, process: str) -> None:
        """Wait until all processes name this owner of an event."""

        async def all_say() -> bool:
            said = [await self.owner(event, url) for url in self.live_urls()]
            return {owner["process"] for owner in said} == {process}

        await until(all_say)


class Machines(Cluster):
    """Lone servers with data directories of their own, on one database and Redis."""

    def __init__(self, database_url: str, redis_urls: Sequence[str]) -> None:
        self.database_url = database_url
        first = free_ports(len(redis_urls))
        self.servers = [
            Server(
                port=first + number,
                DATABASE_URL=database_url,
                REDIS_URL=redis_url,
                ONSALE_WORKERS="1",
                ONSALE_ADVERTISE=f"http://127.0.0.1:{first + number}",
            )
            for number, redis_url in enumerate(redis_urls)
        ]
        self.home = self.servers[0]
        self.urls = [server.extra["ONSALE_ADVERTISE"] for server in self.servers]

    def start(self) -> "Machines":
        """Start those that do not run, at once; return when all have seen all."""
        idle = [server for server in self.servers if server.process is None]
        with ThreadPoolExecutor(len(self.servers)) as pool:
            list(pool.map(Server.start, idle))
        asyncio.run(until(self._all_seen))
        return self

    def remove(self) -> None:
        with ThreadPoolExecutor(len(self.servers)) as pool:
            list(pool.map(Server.remove, self.servers))

    def server_at(self, url: str) -> Server:
        return self.servers[self.urls.index(url)]

    async def _all_seen(self) -> bool:
        async with self.apis() as apis:
            for api in apis:
                body = await api.good("GET", "/v1/cluster", who=api.admin)
                if len(body["processes"]) != len(apis):
                    return False
        return True


class Workers(Cluster):
    """Workers under one supervisor."""

    def __init__(self, database_url: str, count: int) -> None:
        self.database_url = database_url
        first = free_ports(count)
        self.home = Server(
            DATABASE_URL=database_url,
            ONSALE_WORKERS=str(count),
            ONSALE_WORKER_PORT=str(first),
        )
        self.servers = [self.home]
        self.urls = [f"http://127.0.0.1:{first + n}" for n in range(count)]

    def settle_with(self, gateway_url: str, secret: str) -> None:
        """Have its orders paid at a gateway, whose webhooks come to the last worker."""
        self.home.extra |= {
            "ONSALE_GATEWAY_URL": gateway_url,
            "ONSALE_GATEWAY_SECRET": secret,
            "ONSALE_PUBLIC_URL": self.urls[-1],
        }

    def start(self) -> "Workers":
        self.home.start()
        return self

    def remove(self) -> None:
        self.home.remove()

    def signal(self, number: int) -> None:
        """Tell the supervisor something."""
        assert self.home.process is not None
        self.home.process.send_signal(number)


class Wire:
    """A tunnel to a Redis that lives in a thread of its own, beside blocking tests."""

    def __init__(self, target: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._tunnel = Tunnel(target)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> "Wire":
        self._thread.start()
        self._call(self._tunnel.start())
        return self

    def stop(self) -> None:
        self._call(self._tunnel.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return self._tunnel.url

    @contextmanager
    def parted(self) -> Iterator[None]:
        """Let nothing through meanwhile; it is only late."""
        self._loop.call_soon_threadsafe(self._tunnel.part)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._tunnel.join)

    @contextmanager
    def slow(self, delay_s: float) -> Iterator[None]:
        """Let everything take so much longer, each way."""
        self._tunnel.delay_s = delay_s
        try:
            yield
        finally:
            self._tunnel.delay_s = 0.0

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


def listens(url: str) -> bool:
    """Return whether somebody listens at an address."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), 1).close()
    except OSError:
        return False
    return True


async def until(
    condition: Callable[[], Coroutine[Any, Any, object]],
    within_s: float = SETTLED_S_MAX,
) -> float:
    """Wait until a condition holds; return after how many seconds it did."""
    began = time.monotonic()
    while not await condition():
        assert time.monotonic() - began < within_s, "it did not come in time"
        await asyncio.sleep(POLL_S)
    return time.monotonic() - began


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
