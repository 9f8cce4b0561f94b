"""What the bus promises over a Redis Cluster, on a real one."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from server.transport.bus.bus import BusError
from server.transport.bus.cluster_slots import Range, node_of, ranges
from server.transport.bus.redis_bus import RedisBus
from tests.cluster.conftest import PREFIX, PROGRAMS, REDIS, SECRET, Join, RedisServer
from tests.cluster.ears import Ear, listening, said, started, until
from tests.cluster.shards import SLOTS, Shards

pytestmark = pytest.mark.redis

RECOVERY_S_MAX = 60.0
"""It is a second; `python -m tests.cluster` measures that on a quiet machine."""


@pytest.fixture(scope="module", params=PROGRAMS)
def shards(request: pytest.FixtureRequest) -> Iterator[Shards]:
    shards = Shards(REDIS if request.param == "redis" else None)
    try:
        yield shards.start()
    finally:
        shards.remove()


@pytest.fixture
async def join(shards: Shards) -> AsyncIterator[Join]:
    async with AsyncExitStack() as stack:

        def make(url: str | None = None) -> RedisBus:
            bus = RedisBus(url or shards.url, PREFIX, SECRET)
            stack.push_async_callback(bus.close)
            return bus

        yield make


async def test_messages_arrive_in_order_from_every_master(join: Join, shards: Shards):
    one, two = await started(join()), await started(join())
    topics = [topic for number in range(3) for topic in shards.topics(number, 2)]
    ears = {topic: await listening(two, topic) for topic in topics}
    for number in range(1_200):
        assert one.publish(topics[number % 6], b"%d" % number)
    await until(lambda: two.received == 1_200)
    for at, topic in enumerate(topics):
        assert ears[topic].heard == [b"%d" % each for each in range(at, 1_200, 6)]
        assert ears[topic].gaps == 1
    spoken = [node.info("commandstats") for node in shards.nodes]
    assert all(stats["cmdstat_spublish"]["calls"] >= 400 for stats in spoken)
    assert not any("cmdstat_publish" in stats for stats in spoken)
    assert (one.published, two.dropped, one.status) == (1_200, 0, "ok")


async def test_nobody_knows_that_nobody_listens(join: Join, shards: Shards):
    bus = await started(join())
    for number in range(3):
        [topic] = shards.topics(number)
        assert await said(bus, topic) is None
        await listening(bus, topic)
        assert await said(bus, topic) == 1
        bus.unsubscribe(topic)


async def test_without_one_master_the_topics_of_the_others_go_on(
    join: Join, shards: Shards
):
    # Of the first it knows no more than the address.
    bus = await started(join())
    topics = [shards.topics(number)[0] for number in range(3)]
    ears = [await listening(bus, topic) for topic in topics]
    shards.nodes[0].kill()
    try:
        await until(lambda: bus.status == "down")
        assert not bus.publish(topics[0], b"lost")
        late = Ear(bus, shards.topics(0, 2)[1])
        for number in (1, 2):
            assert await said(bus, topics[number], b"word") == 1
        await until(lambda: ears[1].heard and ears[2].heard)
    finally:
        shards.nodes[0].start()
    await until(lambda: ears[0].gaps == 2 and late.gaps == 1, RECOVERY_S_MAX)
    assert await said(bus, topics[0], b"again") == 1
    await until(lambda: ears[0].heard)
    assert (ears[0].heard, [ear.gaps for ear in ears]) == ([b"again"], [2, 1, 1])
    await until(lambda: bus.status == "ok")
    assert bus.reconnects == 1


async def test_it_begins_without_one_master_but_not_without_a_seed(
    join: Join, shards: Shards
):
    shards.nodes[2].kill()
    try:
        bus = await started(join())
        assert bus.status == "down"
        ears = [Ear(bus, shards.topics(number)[0]) for number in range(3)]
        await until(lambda: ears[0].gaps and ears[1].gaps)
        with pytest.raises(BusError, match="cannot be reached"):
            await join(f"redis+cluster://127.0.0.1:{shards.ports[2]}").start()
    finally:
        shards.nodes[2].start()
    await until(lambda: ears[2].gaps, RECOVERY_S_MAX)
    await until(lambda: bus.status == "ok")


async def test_a_topic_whose_slot_moves_is_heard_where_it_is_now(
    join: Join, shards: Shards
):
    one, two = await started(join()), await started(join())
    moving, staying = shards.topics(1, 2)
    ear, other = await listening(two, moving), await listening(two, staying)
    shards.give(moving, 1, 2)
    try:
        await until(lambda: ear.gaps > 1, RECOVERY_S_MAX)
        # Who only speaks learns it by being refused.
        while (told := await said(one, moving, b"word")) != 1:
            assert told == 0
        await until(lambda: ear.heard)
        assert await said(one, staying, b"word") == 1
        await until(lambda: other.heard)
        assert other.gaps == 1
    finally:
        before = ear.gaps
        shards.give(moving, 2, 1)
    await until(lambda: ear.gaps > before, RECOVERY_S_MAX)
    assert (one.reconnects, two.reconnects, two.status) == (0, 0, "ok")


async def test_a_redis_that_is_no_cluster_is_told_apart(redis_server_with):
    server: RedisServer = redis_server_with("--port", "0")
    with pytest.raises(BusError, match="cluster support disabled"):
        await ranges(server.url)
    alone: RedisServer = redis_server_with("--cluster-enabled", "yes")
    assert await ranges(alone.url) == []


async def test_a_cluster_tells_who_has_what(shards: Shards):
    url = node_of(shards.url)
    assert url is not None
    found = sorted(await ranges(url))
    urls = [f"redis://127.0.0.1:{port}" for port in shards.ports]
    thirds = [SLOTS * number // 3 for number in range(4)]
    assert found == [
        Range(thirds[number], thirds[number + 1] - 1, urls[number])
        for number in range(3)
    ]
    assert node_of(url) is None


@pytest.mark.slow
@pytest.mark.parametrize("shards", ["valkey"], indirect=True, scope="module")
async def test_a_replica_that_takes_over_has_the_topics(join: Join, shards: Shards):
    """The last here: the cluster has a replica afterwards."""
    bus = await started(join())
    topics = [shards.topics(number)[0] for number in range(3)]
    ears = [await listening(bus, topic) for topic in topics]
    first = shards.nodes[0]
    replica = shards.replica() if len(shards.nodes) == 3 else shards.nodes[3]
    first.kill()
    await until(lambda: bus.status == "down")
    assert replica.ask("CLUSTER", "FAILOVER", "TAKEOVER") in {"OK", b"OK"}
    await until(lambda: ears[0].gaps == 2, RECOVERY_S_MAX)
    assert await said(bus, topics[0], b"one") == 1
    # Who is a replica now keeps its connections, and brings what its master brings.
    first.start()
    await until(lambda: first.info("replication").get("master_link_status") == "up")
    first.ask("CLUSTER", "FAILOVER", "TAKEOVER")
    await until(lambda: replica.info("replication")["role"] == "slave")
    await until(lambda: ears[0].gaps == 3, RECOVERY_S_MAX)
    await until(lambda: bus.status == "ok")
    assert await said(bus, topics[0], b"two") == 1
    await until(lambda: len(ears[0].heard) == 2)
    assert ears[0].heard == [b"one", b"two"]
    assert [ear.gaps for ear in ears] == [3, 1, 1]
