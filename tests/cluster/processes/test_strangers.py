"""Who does not fit into a cluster is kept out; what is not ours is not believed."""

import asyncio
import contextlib
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistence.postgres.pool import Pool
from persistence.processes import Processes
from server.live.cluster.messages import ALL
from server.transport.bus.redis_bus import RedisBus
from tests.cluster.conftest import RedisServer
from tests.cluster.processes.clusters import Machines, until
from tests.contract.client import Api
from tests.contract.process import REPOSITORY, environment, serve_command

pytestmark = [pytest.mark.redis, pytest.mark.slow]

REFUSED_S_MAX = 40.0
NOBODY = "127.0.0.1:1"


@contextlib.contextmanager
def data_directory() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="onsale-stranger-", dir="/var/tmp") as name:
        yield str(Path(name) / "data")


async def refused(*named: str, **settings: str) -> None:
    """Start a server that must refuse in one sentence that names the trouble."""
    with data_directory() as data:
        done = await asyncio.to_thread(
            subprocess.run,
            serve_command("--port", "0", "--data-dir", data),
            cwd=REPOSITORY,
            env=environment(**settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=REFUSED_S_MAX,
        )
    assert done.returncode == 1, done.stderr
    assert done.stdout == b""
    (said,) = [s for s in done.stderr.decode().splitlines() if s[:1] != "{"]
    assert said.startswith("onsale: "), said
    for word in named:
        assert re.search(word, said), said
    assert "hunter2" not in said


@pytest.mark.campaign
async def test_who_does_not_fit_is_refused_and_the_rest_goes_on(
    machines: Machines, shared_redis: RedisServer, apis
):
    # Each waits until the rows that it disagrees with cannot be those of the dead.
    database, redis = machines.database_url, shared_redis.url
    await asyncio.gather(
        refused(
            "secret key",
            DATABASE_URL=database,
            REDIS_URL=redis,
            ONSALE_SECRET_KEY="hunter2 hunter2 hunter2 hunter2 hunter2",
        ),
        refused("REDIS_URL|Redis", DATABASE_URL=database),
        refused(
            "REDIS_URL", DATABASE_URL=database, REDIS_URL=f"redis://:hunter2@{NOBODY}"
        ),
        refused(
            "DATABASE_URL",
            DATABASE_URL=f"postgresql://x:hunter2@{NOBODY}/x",
            REDIS_URL=redis,
        ),
        hear_of_the_end_of_a_hold(apis),
    )
    assert len(await machines.processes()) == 3


async def hear_of_the_end_of_a_hold(apis: list[Api]) -> None:
    """A hold runs out, and its holder hears so wherever he is."""
    event = await apis[0].sale(hold_ttl_s=1)
    who = await apis[0].guest()
    async with contextlib.AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(await api.socket(who)) for api in apis
        ]
        boards = [await socket.watch(event) for socket in sockets]
        held = await sockets[1].ok("hold", event=event, seats=["A-1"])
        for socket in sockets:
            told = await socket.next("expired", event=event)
            assert (told["hold"], told["seats"]) == (held["hold"], ["A-1"])
        for board in boards:
            await board.reach(held["version"] + 1)
            assert set(board.letters) == {"f"}


async def dropped(api: Api) -> int:
    text = (await api.get("/metrics")).raw.decode()
    found = re.search(r"^onsale_bus_dropped_total (\d+)", text, re.MULTILINE)
    assert found, text
    return int(found.group(1))


async def test_what_is_not_ours_is_dropped_and_counted(
    machines: Machines, shared_redis: RedisServer, apis
):
    event = await apis[0].sale()
    who = await apis[0].guest()
    async with contextlib.AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(await api.socket(who)) for api in apis
        ]
        boards = [await socket.watch(event) for socket in sockets]
        before = [await dropped(api) for api in apis]
        channels = shared_redis.ask("PUBSUB", "CHANNELS")
        assert isinstance(channels, list)
        assert len(channels) > 3
        for channel in channels:
            for stuff in (b"", b"hello", b"\xc1" * 16, b"\x00" * 5_000):
                shared_redis.ask("PUBLISH", channel, stuff)
        await speak_as_another_version(machines.database_url, shared_redis.url, event)

        async def counted() -> bool:
            now = [await dropped(api) for api in apis]
            # Its own topic, that of all, the event's where it follows, and its probe.
            return all(a >= b + 3 * 4 + 2 for a, b in zip(now, before, strict=True))

        await until(counted)
        for n, socket in enumerate(sockets, 1):
            held = await socket.ok("hold", event=event, seats=[f"A-{n}"])
            for board in boards:
                await board.reach(held["version"])
        assert len({board.letters for board in boards}) == 1
        assert boards[0].letters.count("h") == 3


async def speak_as_another_version(database: str, redis: str, event: str) -> None:
    """Say to all, with our own secret, what no process of this version can read."""
    pool = await Pool.open(database, size=1)
    try:
        cluster, secret = await Processes(pool).cluster()
    finally:
        await pool.close()
    bus = RedisBus(redis, f"onsale:{cluster}", secret)
    await bus.start()
    for stuff in (b"\x91\xa3new", b"\xc1"):
        assert bus.publish(ALL, stuff)
        assert bus.publish(f"e.{event}", stuff)
    await bus.close()
