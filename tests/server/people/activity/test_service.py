"""The activity log of whole processes, with and without a Redis that stays."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from persistence.processes import Processes
from server.app import Server
from server.base.instance import Instance
from server.base.jobs import Job
from server.base.metrics import Metrics
from server.base.settings import Config
from server.people.activity.service import Activities
from server.people.activity.stream import PENDING, Stream
from server.transport.bus.bus import BusError
from tests.cluster.conftest import RedisServer
from tests.cluster.shards import Shards, until
from tests.persistence.proxy import open_proxy
from tests.server.conftest import ADMIN, Client
from tests.server.people.activity.conftest import CLUSTER, DAYS, SECRET, record, records
from tests.server.people.activity.test_consumer import settled, stored
from tests.stage import soon

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


@pytest.fixture(scope="module")
def shards() -> Iterator[Shards]:
    shards = Shards(None)
    try:
        shards.start()
        until(lambda: all("ok" in state(node) for node in shards.nodes))
        yield shards
    finally:
        shards.remove()


def state(node: RedisServer) -> str:
    told = node.ask("CLUSTER", "INFO")
    text = told.decode() if isinstance(told, bytes) else str(told)
    return text.partition("cluster_state:")[2][:6]


def read(metrics, name):
    return metrics.read(f"onsale_activity_{name}")


async def opened(database_url, clock):
    return await Activities.open(database_url, clock.now_ms, DAYS)


async def test_alone_what_is_put_is_stored_and_an_orderly_end_loses_nothing(
    database_url, clock, table
):
    activities, metrics = await opened(database_url, clock), Metrics()
    activities.count_in(metrics)
    for each in records(3):
        activities.put(each)
    clock.advance(7.0)
    assert (read(metrics, "waiting"), read(metrics, "lag_seconds")) == (3, 7.0)
    activities.start(Job())
    assert len(await stored(table, 3)) == 3
    await soon(lambda: read(metrics, "waiting") == 0)
    assert (read(metrics, "written_total"), read(metrics, "lag_seconds")) == (3, 0)
    activities.put(record("last"))
    await activities.close()
    assert await table.count() == 4
    assert [
        read(metrics, f"{n}_total") for n in ("dropped", "redelivered", "unusable")
    ] == [0] * 3


async def test_the_end_waits_neither_for_a_silent_database_nor_for_a_silent_redis(
    database_url, clock, redis_server
):
    async with open_proxy(database_url) as proxy:
        activities = await opened(proxy.url, clock)
        activities.use_redis(redis_server.url, CLUSTER, SECRET, "p1")
        activities.start(Job())
        activities.put(record("a"))
        await soon(lambda: activities.writer.written == 1)
        redis_server.freeze()
        proxy.losing_answers = True
        activities.put(record("b"))
        async with asyncio.timeout(60):
            await activities.close()
        assert activities.feed.dropped == 1
        redis_server.thaw()


async def test_processes_hand_each_other_what_they_store(
    database_url, clock, table, redis_server, stream
):
    both = [await opened(database_url, clock) for _ in range(2)]
    for number, each in enumerate(both):
        each.use_redis(redis_server.url, CLUSTER, SECRET, f"p{number}")
        each.start(Job())
    for start, each in ((0, both[0]), (100, both[1])):
        for one in records(100, start):
            each.put(one)
    assert len(await stored(table, 200)) == 200
    await settled(stream)
    assert sum(each.writer.written for each in both) == 200
    await asyncio.gather(*(each.close() for each in both))
    consumers = redis_server.ask(
        "XINFO", "CONSUMERS", f"onsale:{CLUSTER}:activity", "writers"
    )
    assert consumers == []


async def test_a_killed_redis_stops_nothing_and_is_used_again(
    database_url, clock, table, redis_server, stream
):
    activities = await opened(database_url, clock)
    activities.use_redis(redis_server.url, CLUSTER, SECRET, "p1")
    activities.start(Job())
    activities.put(record("before"))
    assert await stored(table, 1) == ["before"]
    redis_server.kill()
    activities.put(record("without"))
    assert await stored(table, 2) == ["before", "without"]
    redis_server.start()
    one = stream("observer")
    async with asyncio.timeout(60):
        for number in range(10_000):
            activities.put(record(f"then{number:04}"))
            await asyncio.sleep(0.02)
            if await one.oldest_ms() is not None:
                break
    await stored(table, 3 + number)
    await settled(stream)
    await activities.close()
    assert await table.count() == 3 + number


async def test_in_a_redis_cluster_the_stream_is_where_its_slot_is(
    database_url, clock, table, shards
):
    activities = await opened(database_url, clock)
    activities.use_redis(shards.url, CLUSTER, SECRET, "p1")
    activities.start(Job())
    for each in records(20):
        activities.put(each)
    assert len(await stored(table, 20)) == 20
    assert activities.feed._sent, "it went another way"
    one = Stream(shards.url, CLUSTER, SECRET, "observer")
    async with asyncio.timeout(60):
        while await one.length():  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.01)
    assert await one.read(PENDING) == []
    # Asked again, any master tells who has it, should the first one be gone.
    assert len(one._nodes) == 3
    await one.close()
    await activities.close()


async def test_a_redis_cluster_without_anybody_is_an_error():
    one = Stream("redis+cluster://127.0.0.1:1", CLUSTER, SECRET, "p1")
    with pytest.raises(BusError):
        await one.length()


@pytest.fixture
async def served(database_url, redis_server) -> AsyncIterator[Client]:
    config = Config(
        port=0,
        admin_email=ADMIN["email"],
        admin_password=ADMIN["password"],
        rate_limits="off",
    )
    place = Instance(
        node="test",
        process="test.0.0",
        database_url=database_url,
        redis_url=redis_server.url,
        port=0,
    )
    server = Server(config, place)
    try:
        url = await server.start()
        async with aiohttp.ClientSession() as session:
            yield Client(session, url)
    finally:
        await server.stop()


async def test_calls_go_on_and_are_told_while_redis_is_away(
    served, redis_server, pool, table
):
    cluster, _ = await Processes(pool).cluster()
    await served.good("POST", "/v1/auth/guest")
    await stored(table, 1)
    # It went by way of the stream.
    assert redis_server.ask("EXISTS", f"onsale:{cluster}:activity") == 1
    redis_server.kill()
    answers = [await served.post("/v1/auth/guest") for _ in range(20)]
    assert {answer.status for answer in answers} == {201}
    assert len(await stored(table, 21)) == 21
    redis_server.start()


async def test_what_was_answered_before_an_orderly_stop_is_told(database_url, table):
    place = Instance(node="n", process="n.0.0", database_url=database_url, port=0)
    server = Server(Config(port=0, rate_limits="off"), place)
    url = await server.start()
    async with aiohttp.ClientSession() as session:
        for _ in range(30):
            await Client(session, url).good("POST", "/v1/auth/guest")
        await server.stop()
    assert await table.count() == 30
