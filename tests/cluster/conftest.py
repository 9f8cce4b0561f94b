"""A Redis of each test's own, which may be killed, frozen and started again."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from persistence.embedded.valkey import EmbeddedValkeyError, find_valkey
from server.transport.bus.redis_bus import RedisBus
from tests.cluster.tunnel import Tunnel

START_S_MAX = 60.0
SECRET = bytes(range(32))
PREFIX = "onsale:test"

REDIS = os.environ.get("TEST_REDIS_SERVER") or shutil.which("redis-server")
"""A genuine Redis, on which everything here runs once more, on one loop."""

PROGRAMS = ["valkey"] if REDIS is None else ["valkey", "redis"]


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    # What the other server does differently, it does on any loop.
    if config.getoption("--loop") in {"both", "usual"}:
        again = {"redis", "asyncio"}
        items[:] = [item for item in items if not again <= variants(item)]


def variants(item: pytest.Item) -> set[str]:
    return set(item.name.partition("[")[2].removesuffix("]").split("-"))


class RedisServer:
    """The server of the wheel, else one on the PATH; nothing of it is kept."""

    def __init__(self, *options: str, program: str | Path | None = None) -> None:
        self._program = program or find_valkey()
        self._options = options
        # Not below the test's own directory: the name of a socket must be short.
        self.directory = Path(tempfile.mkdtemp(prefix="onsale-redis-"))
        self.socket = self.directory / "s"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def start(self) -> "RedisServer":
        """Start it, empty, and wait until it answers."""
        self.socket.unlink(missing_ok=True)
        command: list[str | Path] = [
            self._program,
            "--port",
            "0",
            "--unixsocket",
            self.socket,
        ]
        command += ["--save", "", "--appendonly", "no", "--dir", self.directory]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._options], stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_S_MAX
        while True:
            try:
                self.ask("PING")
            except redis.AuthenticationError:
                return self
            except redis.ConnectionError:
                assert time.monotonic() < deadline, "Redis does not start"
                time.sleep(0.01)
            else:
                return self

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.directory)

    def ask(self, *command: str | bytes) -> object:
        """Send one command over a connection of its own."""
        client = redis.Redis(
            unix_socket_path=os.fspath(self.socket),
            protocol=2,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            answer: object = client.execute_command(*command)
        finally:
            client.close()
        return answer

    def info(self, section: str) -> dict[str, Any]:
        """Return what the server tells of itself."""
        info = self.ask("INFO", section)
        assert isinstance(info, dict)
        return info


@pytest.fixture(params=PROGRAMS)
def redis_server_with(
    request: pytest.FixtureRequest,
) -> Iterator[Callable[..., RedisServer]]:
    """Start a server with options of the test's choice."""
    servers: list[RedisServer] = []
    program = REDIS if request.param == "redis" else None

    def start(*options: str) -> RedisServer:
        try:
            servers.append(RedisServer(*options, program=program))
        except EmbeddedValkeyError as error:
            pytest.skip(str(error))
        return servers[-1].start()

    yield start
    for server in servers:
        server.remove()


@pytest.fixture
def redis_server(redis_server_with: Callable[..., RedisServer]) -> RedisServer:
    return redis_server_with()


@pytest.fixture
async def tunnel(redis_server: RedisServer) -> AsyncIterator[Tunnel]:
    """A TCP way to the server, whose traffic the test can stop or lose."""
    tunnel = Tunnel(redis_server.socket)
    await tunnel.start()
    yield tunnel
    await tunnel.stop()


Join = Callable[..., RedisBus]


@pytest.fixture
async def join(redis_server: RedisServer, tunnel: Tunnel) -> AsyncIterator[Join]:
    """Make a bus of the test's cluster; it is closed before what it may run over."""
    async with AsyncExitStack() as stack:

        def make(url: str | None = None, secret: bytes = SECRET) -> RedisBus:
            bus = RedisBus(url or redis_server.url, PREFIX, secret)
            stack.push_async_callback(bus.close)
            return bus

        yield make
