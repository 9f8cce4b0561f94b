"""What Redis does is no reason not to sell, and nobody's board stays wrong for it."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.conftest import RedisServer
from tests.cluster.processes.clusters import Machines, Wire, until
from tests.cluster.processes.sale import selling
from tests.cluster.processes.till import Till, till

pytestmark = [pytest.mark.redis, pytest.mark.slow]

BACK_S_MAX = 60.0
"""When all watchers are equal again (L4): it is 5 s where the campaign judges it."""

OWNER_S_MAX = 10.0
"""What a command at the owner may take on a busy machine; Redis has no part in it."""

log = logging.getLogger("cluster")


@contextmanager
def killed(redis: RedisServer) -> Iterator[None]:
    """Be without Redis meanwhile; it comes back empty."""
    redis.kill()
    try:
        yield
    finally:
        redis.start()


@contextmanager
def stopped(redis: RedisServer) -> Iterator[None]:
    redis.freeze()
    try:
        yield
    finally:
        redis.thaw()


async def outage(one: Till, seconds: float) -> None:
    """Let time and sales pass in an outage; the owner must not notice."""
    before, one.slowest_s = one.sold, 0.0
    await asyncio.sleep(seconds)
    async with asyncio.timeout(60):
        while one.sold - before < 10:  # noqa: ASYNC110 - the till tells nobody
            await asyncio.sleep(0.05)
    assert one.slowest_s < OWNER_S_MAX


async def back(one: Till, name: str) -> None:
    took = await one.until_equal()
    log.info("%s: all watchers equal after %.2f s", name, took)
    assert took < BACK_S_MAX


async def until_all_hear(machines: Machines) -> None:
    """Wait until every process has the bus again."""

    async def all_ok() -> bool:
        async with machines.apis() as apis:
            parts = [(await a.good("GET", "/health"))["parts"]["bus"] for a in apis]
        return {part["status"] for part in parts} == {"ok"}

    await until(all_ok)


def test_redis_is_killed_and_comes_back_empty(
    machines: Machines, shared_redis: RedisServer
):
    async def run() -> None:
        async with till(machines, machines.urls[0]) as one:
            with killed(shared_redis):
                await outage(one, 1.5)
            await back(one, "killed and empty")
            assert shared_redis.ask("CLIENT", "KILL", "TYPE", "pubsub") == 3
            await asyncio.sleep(0.1)
            await back(one, "subscribers killed")
            clients = ("TYPE", "normal", "SKIPME", "yes")
            # The bus of each process, and what brings its activity log.
            hit = shared_redis.ask("CLIENT", "KILL", *clients)
            assert isinstance(hit, int)
            assert hit >= 3
            await asyncio.sleep(0.1)
            await back(one, "speakers killed")

    with selling(machines) as sale:
        asyncio.run(run())
        sale.settle()
    asyncio.run(until_all_hear(machines))


@pytest.mark.campaign
def test_redis_stands_still_or_cannot_be_reached_by_one_process(
    machines: Machines, shared_redis: RedisServer, wire: Wire
):
    async def stand_still(one: Till) -> None:
        with stopped(shared_redis):
            await outage(one, 3.5)
        await back(one, "stopped")

    async def run() -> None:
        # The one that is cut off owns the event, and then it does not.
        async with (
            till(machines, machines.urls[2]) as cut,
            till(machines, machines.urls[0]) as other,
        ):
            with wire.parted():
                await asyncio.gather(outage(cut, 3.5), outage(other, 3.5))
            await asyncio.gather(back(cut, "cut off"), back(other, "cut off from"))
            with wire.slow(0.15):
                await asyncio.gather(outage(cut, 1.0), outage(other, 1.0))
                await asyncio.gather(back(cut, "slow"), back(other, "slow from"))
            await asyncio.gather(stand_still(cut), other.until_equal())

    with selling(machines) as sale:
        asyncio.run(run())
        sale.settle()
    asyncio.run(until_all_hear(machines))


@pytest.mark.campaign
async def test_a_command_that_cannot_reach_its_owner_has_not_happened(
    machines: Machines, shared_redis: RedisServer, apis
):
    event = await apis[0].sale()
    await machines.move(event, machines.urls[0])
    far = apis[2]
    async with await far.socket(await far.guest()) as socket:
        await socket.ok("holding", event=event)
        asking = {"event": event, "seats": ["A-1"], "key": "one"}
        with killed(shared_redis):
            await until_down(machines, far.url)
            reply = await socket.refused("unavailable", "hold", **asking)
            assert reply["transient"]
            # What is here of the board goes on being read.
            assert (await far.letters(event))["A-1"] == "f"

        async def done() -> bool:
            return bool((await socket.ask("hold", **asking))["op"] == "ok")

        assert await until(done) < BACK_S_MAX
        held = (await socket.ok("holding", event=event))["holds"]
        assert [hold["seats"] for hold in held] == [["A-1"]]
    await until_all_hear(machines)


async def until_down(machines: Machines, url: str) -> None:
    async def down() -> bool:
        async with machines.api(url) as api:
            health = await api.good("GET", "/health")
        return str(health["parts"]["bus"]["status"]) == "down"

    await until(down)
