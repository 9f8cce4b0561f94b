"""What was done is told once, whichever process dies while it is being stored."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from tests.cluster.conftest import RedisServer
from tests.cluster.processes.clusters import Machines
from tests.contract.client import Api

pytestmark = [pytest.mark.redis, pytest.mark.slow]
TOLD_S_MAX = 60.0
TRIES_MAX = 100
"""How often to try that a process stands still with records of its own."""

TOLD = "SELECT request_id FROM activity WHERE request_id LIKE 'told.%'"
names = itertools.count()


async def call(api: Api) -> str:
    """Send a call that writes; return its name once it is answered."""
    request_id = f"told.{next(names)}"
    headers = {"X-Request-Id": request_id}
    await api.good("POST", "/v1/auth/guest", headers=headers)
    return request_id


async def handed_over(api: Api) -> None:
    """Wait until a process has nothing left that nobody else has."""
    empty = b"\nonsale_activity_waiting 0.0\n"
    while empty not in (await api.get("/metrics")).raw:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


def owed(redis: RedisServer, process: str) -> int:
    """Return how many records a process has taken and not stored, as Redis sees it."""
    keys: Any = redis.ask("KEYS", "onsale:*:activity")
    told: Any = redis.ask("XINFO", "CONSUMERS", keys[0], "writers")
    consumers = [dict(zip(each[::2], each[1::2], strict=True)) for each in told]
    found = [each for each in consumers if each[b"name"] == process.encode()]
    return int(found[0][b"pending"]) if found else 0


async def told_at(connection: Any) -> list[str]:
    return [row["request_id"] for row in await connection.fetch(TOLD)]


@asynccontextmanager
async def database(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.campaign
async def test_with_a_killed_process_no_record_is_lost_and_none_is_doubled(
    machines: Machines, shared_redis: RedisServer
):
    victim, answered = machines.servers[1], set[str]()
    name = (await machines.process_at(machines.urls[1]))["process"]
    async with machines.apis() as apis, database(machines.database_url) as connection:
        for api in (*apis, *apis):
            answered.add(await call(api))
        async with asyncio.timeout(TOLD_S_MAX):
            await handed_over(apis[1])
        assert victim.process is not None
        try:
            # It stands still where Redis has given it its share, and then dies.
            for _ in range(TRIES_MAX):
                victim.process.send_signal(signal.SIGSTOP)
                for api in (apis[0], apis[2]) * 5:
                    answered.add(await call(api))
                    await asyncio.sleep(0.05)
                if owed(shared_redis, name) > 0:
                    break
                victim.process.send_signal(signal.SIGCONT)
                await asyncio.sleep(0.1)
            assert owed(shared_redis, name) > 0, "nothing to be lost"
            victim.kill()
            async with asyncio.timeout(TOLD_S_MAX):
                while owed(shared_redis, name) > 0:  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
                while answered - set(await told_at(connection)):  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
            assert sorted(await told_at(connection)) == sorted(answered)
        finally:
            victim.kill()
            await asyncio.to_thread(machines.start)
