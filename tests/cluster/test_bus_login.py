"""A password of Redis that is changed: the server tells, and finds its way back."""

import asyncio
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from server.base.settings import read_config, redis_address
from server.transport.bus import redis_bus
from server.transport.bus.redis_bus import RedisBus
from tests.cluster.conftest import PREFIX, SECRET, RedisServer
from tests.cluster.ears import hears_again, listening, started, until
from tests.cluster.test_supervisor import until as until_now
from tests.cluster.test_supervisor import workers
from tests.contract.process import Server

pytestmark = pytest.mark.redis

OLD, NEW = "the-old-one", "the-new-one"


class Vault:
    """A Redis with a password, and the file from which a server reads its address."""

    def __init__(self, server: RedisServer, file: Path) -> None:
        self.server = server
        self.file = file
        self.tell(OLD)

    def tell(self, password: str) -> None:
        self.file.write_text(f"unix://:{password}@{self.server.socket}?db=0\n")

    @property
    def address(self) -> str:
        address = redis_address(read_config({"REDIS_URL_FILE": str(self.file)}))
        assert address is not None
        return address

    def rotate(self) -> None:
        """Change the password at Redis alone, and end what came in with the old one."""
        client = redis.Redis(
            unix_socket_path=os.fspath(self.server.socket),
            password=OLD,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            client.execute_command("CONFIG", "SET", "requirepass", NEW)
            for kind in ("normal", "pubsub"):
                client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        finally:
            client.close()


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    server = RedisServer("--requirepass", OLD).start()
    yield Vault(server, tmp_path / "redis-url")
    server.remove()


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_bus, "BUS_REFUSED_S_MAX", 0.2)


async def test_a_bus_that_is_refused_says_so_until_its_file_has_the_new_password(
    vault: Vault, patience
):
    bus = await started(RedisBus(vault.address, PREFIX, SECRET))
    try:
        ear = await listening(bus, "a")
        assert bus.refusal is None
        assert "problems" not in bus.health
        vault.rotate()
        await until(lambda: bus.refusal)
        assert bus.refusal is not None
        assert "does not let us in" in bus.refusal
        assert bus.health["status"] == "down"
        assert bus.health["problems"] == [bus.refusal]
        assert not {OLD, NEW} & set(bus.refusal.replace(":", " ").split())
        vault.tell(NEW)
        await until(lambda: bus.status == "ok")
        assert bus.refusal is None
        await hears_again(ear, bus, "a")
    finally:
        await bus.close()


async def test_a_redis_that_is_away_is_no_refusal(vault: Vault, patience):
    bus = await started(RedisBus(vault.address, PREFIX, SECRET))
    try:
        vault.server.kill()
        await until(lambda: bus.status == "down")
        await asyncio.sleep(0.5)
        assert bus.refusal is None
        vault.server.start()
        await until(lambda: bus.status == "ok")
    finally:
        await bus.close()


def readiness(server: Server) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(server.url + "/readyz", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.slow
@pytest.mark.attack
def test_readiness_tells_of_a_rotated_password_and_workers_recover(
    vault: Vault, database_url: str
):
    """A rotated Redis password makes the server unready, and its file ready again."""
    server = Server(
        ONSALE_WORKERS="2",
        REDIS_URL_FILE=str(vault.file),
        DATABASE_URL=database_url,
    )
    try:
        server.start()
        assert readiness(server)[0] == 200
        vault.rotate()

        def refused() -> bool:
            # Each worker by itself, and one of them first.
            status, text = readiness(server)
            return status == 503 and "does not let us in" in text

        until_now(lambda: all(refused() for _ in range(10)))
        # One that begins meanwhile cannot.
        victim = min(workers(server))
        os.kill(victim, signal.SIGKILL)
        until_now(lambda: "a worker died" in server.log())
        vault.tell(NEW)
        until_now(lambda: readiness(server)[0] == 200 and len(workers(server)) == 2)
        assert victim not in workers(server)
        until_now(lambda: server.log().count('"event":"a worker is ready"') == 3)
        for password in (OLD, NEW):
            assert password not in server.log()
        assert server.stop() == 0
    finally:
        server.remove()
