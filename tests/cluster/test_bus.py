"""What only the bus over Redis promises, on a real server.

What every bus promises is in tests/server/transport/bus.
"""

import asyncio
import hashlib
import time

import pytest

from server.base.limits import (
    BUS_PROBE_S,
    BUS_PROBES_LOST_MAX,
    BUS_SUBSCRIBE_TOPICS_MAX,
)
from server.transport.bus.redis_bus import RedisBus
from tests.cluster.conftest import PREFIX, SECRET, Join, RedisServer
from tests.cluster.ears import Ear, hears_again, listening, said, started, until
from tests.cluster.tunnel import Tunnel

pytestmark = pytest.mark.redis

RECOVERY_S_MAX = 60.0
"""It is a second; `python -m tests.cluster` measures that on a quiet machine."""


# -- Speaking and listening


async def test_what_is_said_in_one_turn_takes_one_round_trip(
    join: Join, redis_server: RedisServer
):
    bus = await started(join())
    reads = redis_server.info("stats")["total_reads_processed"]
    for _ in range(199):
        bus.publish("a", b"word")
    assert await said(bus, "a", b"word") == 0
    reads = redis_server.info("stats")["total_reads_processed"] - reads
    # Ours, those of the questions themselves, and perhaps of a probe.
    assert reads < 10
    info = redis_server.info("commandstats")
    assert info["cmdstat_publish"]["calls"] >= 200


async def test_in_a_redis_cluster_nobody_knows_that_nobody_listens(redis_server_with):
    server = redis_server_with("--cluster-enabled", "yes")
    bus = RedisBus(server.url, PREFIX, SECRET)
    await bus.start()
    assert await said(bus, "a") is None
    await listening(bus, "a")
    assert await said(bus, "a") == 1
    await bus.close()


async def test_its_health_tells_of_the_server(join: Join, redis_server: RedisServer):
    bus = await started(join())
    assert bus.health == {"status": "ok", "kind": "redis", "dropped": 0}
    ear = await listening(bus, "a")
    redis_server.ask("PUBLISH", f"{PREFIX}:a".encode(), b"no tag")
    await until(lambda: bus.dropped == 1)
    redis_server.kill()
    await until(lambda: bus.health["status"] == "down")
    assert bus.health == {"status": "down", "kind": "redis", "dropped": 1}
    assert ear.heard == []


async def test_nobody_hears_what_is_said_without_a_connection(
    join: Join, redis_server: RedisServer
):
    bus = join()
    assert bus.status == "down"
    assert not bus.publish("a", b"early")
    await bus.start()
    assert bus.status == "ok"
    redis_server.kill()
    await until(lambda: bus.status == "down")
    assert not bus.publish("a", b"down")
    await bus.close()
    assert not bus.publish("a", b"late")
    assert bus.published == 0


async def test_nobody_knows_who_heard_what_was_under_way_when_the_line_broke(
    join: Join, redis_server: RedisServer
):
    bus = await started(join())
    redis_server.freeze()
    told: list[tuple[str, int | None]] = []
    assert bus.publish("a", b"", lambda count: told.append(("sent", count)))
    await asyncio.sleep(0.1)  # Long enough to be sent; nobody can answer it.
    assert bus.publish("a", b"", lambda count: told.append(("kept", count)))
    assert told == []
    redis_server.kill()
    await until(lambda: len(told) == 2)
    # The second never left, so surely nobody heard it.
    assert told == [("sent", None), ("kept", 0)]


# -- What breaks


async def test_a_server_that_was_killed_and_is_back_empty(
    join: Join, redis_server: RedisServer
):
    bus = await started(join())
    count = BUS_SUBSCRIBE_TOPICS_MAX * 2 + 1
    ears = [Ear(bus, f"topic {number}") for number in range(count)]
    await until(lambda: all(ear.gaps == 1 for ear in ears))
    redis_server.kill()
    await until(lambda: bus.status == "down")
    # Away for long enough that the bus waits as long as it ever does.
    await asyncio.sleep(2.0)
    redis_server.start()
    await until(lambda: all(ear.gaps == 2 for ear in ears), RECOVERY_S_MAX)
    await hears_again(ears[-1], bus, f"topic {count - 1}")
    assert bus.reconnects == 1


async def test_a_listening_connection_that_the_server_ends(
    join: Join, redis_server: RedisServer
):
    bus = await started(join())
    ear = await listening(bus, "a")
    assert redis_server.ask("CLIENT", "KILL", "TYPE", "pubsub") == 1
    await until(lambda: ear.gaps == 2, RECOVERY_S_MAX)
    await hears_again(ear, bus, "a")


async def test_a_speaking_connection_that_the_server_ends(
    join: Join, redis_server: RedisServer
):
    bus = await started(join())
    ear = await listening(bus, "a")
    assert redis_server.ask("CLIENT", "KILL", "TYPE", "normal") == 1
    await until(lambda: ear.gaps == 2, RECOVERY_S_MAX)
    await hears_again(ear, bus, "a")


@pytest.mark.slow
async def test_a_server_that_stands_still_and_goes_on(
    join: Join, redis_server: RedisServer
):
    bus = await started(join())
    ear = await listening(bus, "a")
    redis_server.freeze()
    await until(lambda: bus.status == "degraded")
    await until(lambda: bus.status == "down")
    redis_server.thaw()
    await until(lambda: ear.gaps == 2, RECOVERY_S_MAX)
    await hears_again(ear, bus, "a")


@pytest.mark.slow
async def test_a_network_that_lets_nothing_through(join: Join, tunnel: Tunnel):
    bus = await started(join(tunnel.url))
    ear = await listening(bus, "a")
    tunnel.part()
    await until(lambda: bus.status == "down")
    await asyncio.sleep(2.0)
    assert ear.gaps == 1
    tunnel.join()
    await until(lambda: ear.gaps == 2, RECOVERY_S_MAX)
    await hears_again(ear, bus, "a")


@pytest.mark.slow
async def test_a_connection_that_stands_and_brings_nothing(join: Join, tunnel: Tunnel):
    bus = await started(join(tunnel.url))
    ear = await listening(bus, "a")
    tunnel.deafen()
    # Speaking goes on as if nothing were wrong.
    assert await said(bus, "a", b"lost") == 1
    await until(lambda: ear.gaps == 2, RECOVERY_S_MAX)
    assert ear.heard == []
    await hears_again(ear, bus, "a")


@pytest.mark.slow
async def test_a_stall_of_our_own_is_not_taken_for_one_of_the_server(join: Join):
    bus = await started(join())
    ear = await listening(bus, "a")
    for _ in range(2):
        time.sleep((BUS_PROBES_LOST_MAX + 1.5) * BUS_PROBE_S)  # noqa: ASYNC251
        await asyncio.sleep(0.2)
    assert await said(bus, "a") == 1
    assert (bus.reconnects, ear.gaps) == (0, 1)


# -- What others say on our topics


def tagged(channel: bytes, data: bytes, secret: bytes = SECRET) -> bytes:
    tag = hashlib.blake2b(key=secret, digest_size=16)
    tag.update(b"%d:%b" % (len(channel), channel) + data)
    return tag.digest() + data


async def test_what_has_no_right_tag_is_heard_by_nobody(
    join: Join, redis_server: RedisServer
):
    bus = await started(join())
    ear = await listening(bus, "a")
    channel = f"{PREFIX}:a".encode()
    right = tagged(channel, b"word")
    wrong = [
        b"",
        b"word",
        right[:15],
        right[:16],  # The tag of another message, with none.
        right[:-1],
        right + b"!",
        right[:3] + bytes([right[3] ^ 1]) + right[4:],
        tagged(f"{PREFIX}:b".encode(), b"word"),
        tagged(channel[:-1], b"aword"),
        tagged(channel, b"word", b"another cluster's secret"),
        b"\xff" * 5_000,
    ]
    for body in wrong:
        assert redis_server.ask("PUBLISH", channel, body) == 1
    await until(lambda: bus.dropped == len(wrong))
    assert redis_server.ask("PUBLISH", channel, right) == 1
    await until(lambda: ear.heard)
    assert (ear.heard, ear.gaps, bus.received) == ([b"word"], 1, 1)
    assert (bus.status, bus.reconnects) == ("ok", 0)


async def test_another_cluster_on_the_same_server_is_not_heard(
    join: Join, redis_server: RedisServer
):
    ours = await started(join())
    stranger = await started(join(secret=b"another cluster's secret"))
    ear = await listening(ours, "a")
    assert await said(stranger, "a", b"word") == 1
    await until(lambda: ours.dropped == 1)
    assert ear.heard == []
