"""What the bus promises to those who speak and listen, on a real server."""

import asyncio
import functools
import hashlib
import time
from collections.abc import Callable

import pytest
import structlog.testing

from server.cluster import bus as bus_module
from server.cluster.bus import RedisBus
from server.limits import (
    BUS_MESSAGE_BYTES_MAX,
    BUS_OUTBOX_BYTES_MAX,
    BUS_PROBE_S,
    BUS_PROBES_LOST_MAX,
    BUS_SUBSCRIBE_TOPICS_MAX,
)
from tests.cluster.conftest import PREFIX, SECRET, Join, RedisServer
from tests.cluster.tunnel import Tunnel

pytestmark = pytest.mark.redis

RECOVERY_S_MAX = 5.0
PATIENCE_S = 20.0


async def until(condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - the bus tells nobody
            await asyncio.sleep(0.005)


class Ear:
    """Hears one topic of a bus, and keeps what it hears."""

    def __init__(self, bus: RedisBus, topic: str) -> None:
        self.heard: list[bytes] = []
        self.gaps = 0
        bus.subscribe(topic, self.heard.append, self._on_gap)

    def _on_gap(self) -> None:
        self.gaps += 1


async def listening(bus: RedisBus, topic: str) -> Ear:
    ear = Ear(bus, topic)
    await until(lambda: ear.gaps)
    return ear


async def started(bus: RedisBus) -> RedisBus:
    await bus.start()
    return bus


async def said(bus: RedisBus, topic: str, data: bytes = b"") -> int | None:
    """Publish, and return who heard it."""
    sent: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
    assert bus.publish(topic, data, sent.set_result)
    async with asyncio.timeout(PATIENCE_S):
        return await sent


async def hears_again(ear: Ear, bus: RedisBus, topic: str) -> None:
    """Check that a bus that was lost is whole again."""
    assert await said(bus, topic, b"again") == 1
    await until(lambda: ear.heard[-1:] == [b"again"])
    assert bus.status == "ok"


# -- Speaking and listening


async def test_messages_arrive_in_order_and_only_where_they_are_wanted(join: Join):
    one, two = await started(join()), await started(join())
    ear, other = await listening(two, "a"), await listening(two, "b")
    for number in range(1_000):
        assert one.publish("a" if number % 2 else "b", b"%d" % number)
    await until(lambda: len(ear.heard) + len(other.heard) == 1_000)
    assert ear.heard == [b"%d" % number for number in range(1, 1_000, 2)]
    assert other.heard == [b"%d" % number for number in range(0, 1_000, 2)]
    assert (one.published, two.received, two.dropped) == (1_000, 1_000, 0)
    assert one.reconnects == two.reconnects == 0


async def test_any_bytes_arrive_as_they_were(join: Join):
    bus = await started(join())
    ear = await listening(bus, "a")
    data = [b"", b"\r\n", bytes(range(256)) * 400, b"x" * BUS_MESSAGE_BYTES_MAX]
    for each in data:
        assert bus.publish("a", each)
    await until(lambda: len(ear.heard) == len(data))
    assert ear.heard == data


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


async def test_who_speaks_hears_how_many_listened(join: Join):
    one, two = await started(join()), await started(join())
    assert await said(one, "a") == 0
    await listening(one, "a")
    assert await said(one, "a") == 1
    await listening(two, "a")
    assert await said(one, "a") == 2
    two.unsubscribe("a")
    await listening(two, "b")  # It comes after, so that one is done.
    assert await said(one, "a") == 1


async def test_in_a_redis_cluster_nobody_knows_that_nobody_listens(redis_server_with):
    server = redis_server_with("--cluster-enabled", "yes")
    bus = RedisBus(server.url, PREFIX, SECRET)
    await bus.start()
    assert await said(bus, "a") is None
    await listening(bus, "a")
    assert await said(bus, "a") == 1
    await bus.close()


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


async def test_a_topic_is_heard_by_the_last_who_asked(join: Join):
    bus = await started(join())
    first = await listening(bus, "a")
    second = await listening(bus, "a")
    assert first.gaps == 1
    assert await said(bus, "a", b"word") == 1
    await until(lambda: second.heard)
    bus.unsubscribe("a")
    bus.unsubscribe("never")
    third = await listening(bus, "b")
    assert await said(bus, "a", b"word") == 0
    assert (first.heard, second.heard, third.heard) == ([], [b"word"], [])


async def test_what_was_asked_for_before_the_start_is_heard(join: Join):
    bus = join()
    ear, gone = Ear(bus, "a"), Ear(bus, "b")
    bus.unsubscribe("b")
    await bus.start()
    await until(lambda: ear.gaps)
    assert (await said(bus, "a", b"x"), await said(bus, "b", b"x")) == (1, 0)
    await until(lambda: ear.heard)
    assert (gone.gaps, gone.heard) == (0, [])


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
    await asyncio.sleep(4.0 - BUS_PROBE_S)
    assert bus.status == "down"
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


# -- Starting


async def refusal(url: str) -> str:
    """Fail to start, and return the sentence that says why."""
    before = asyncio.all_tasks()
    bus = RedisBus(url, PREFIX, SECRET)
    with pytest.raises(bus_module.BusError) as caught:
        await bus.start()
    await bus.close()
    # What stands at the other end notices that it stands alone.
    await until(lambda: asyncio.all_tasks() == before)
    assert bus.status == "down"
    return str(caught.value)


async def test_a_server_that_is_not_there_is_named(tmp_path):
    missing = await refusal(f"unix://{tmp_path}/none?db=0")
    assert f"unix://{tmp_path}/none cannot be reached" in missing
    closed = await refusal("redis://me:secret@127.0.0.1:1/0")
    assert closed.startswith("Redis at redis://127.0.0.1:1/0 cannot be reached: ")
    assert "secret" not in closed


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "is not Redis."),
        (b"+OK\r\n" * 9, "is not Redis."),
        (b"*-7\r\n", "is not Redis."),
        (b"", "did not answer within 2 s."),
    ],
)
async def test_what_is_not_redis_is_told_apart(says, sentence):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        await reader.read(1)
        writer.write(says)
        await reader.read(-1)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        told = await refusal(f"redis://127.0.0.1:{port}/0")
    assert told.endswith(sentence), told


async def test_one_who_hangs_up_is_told_apart():
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter):
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert "cannot be reached" in await refusal(f"redis://127.0.0.1:{port}/0")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "secret",
        "http://me:secret@localhost/",
        "redis+cluster://me:secret@localhost",
        "redis://me:sec/ret@localhost",
        "redis://localhost:secret",
        "redis://localhost?secret=1",
        "redis://localhost?socket_timeout=secret",
    ],
)
async def test_an_address_that_is_none_is_not_repeated(url):
    told = await refusal(url)
    assert "must look like redis://" in told
    assert "sec" not in told


async def test_who_is_not_let_in_is_told_so(redis_server_with):
    server = redis_server_with("--requirepass", "right")
    assert "does not let us in" in await refusal(server.url)
    assert "does not let us in" in await refusal(f"{server.url}&password=wrong")
    bus = RedisBus(f"{server.url}&password=right", PREFIX, SECRET)
    await bus.start()
    await listening(bus, "a")
    await bus.close()


async def test_who_may_not_use_our_topics_is_told_so(redis_server: RedisServer):
    redis_server.ask("ACL", "SETUSER", "me", "on", ">word", "+@all", "&other:*")
    url = f"{redis_server.url}&username=me&password=word"
    assert "does not let us in" in await refusal(url)
    # Who may not look around does not know that all who listen are counted.
    limits = ["-@all", "+ping", "+publish", "+subscribe", "resetchannels"]
    redis_server.ask("ACL", "SETUSER", "me", *limits, f"&{PREFIX}:*")
    bus = RedisBus(url, PREFIX, SECRET)
    await bus.start()
    assert await said(bus, "a") is None
    await bus.close()


async def test_a_secret_that_protects_nothing_is_refused():
    with pytest.raises(ValueError, match="16 to 64"):
        RedisBus("redis://localhost", PREFIX, b"short")


# -- Closing, and those who misbehave


def clients(server: RedisServer) -> int:
    return str(server.ask("CLIENT", "LIST")).count("(onsale")


async def test_closing_leaves_nothing_behind(join: Join, redis_server: RedisServer):
    before = asyncio.all_tasks()
    bus = await started(join())
    await listening(bus, "a")
    assert clients(redis_server) == 2
    await bus.close()
    await bus.close()
    assert asyncio.all_tasks() == before
    await until(lambda: clients(redis_server) == 0)


async def test_what_was_said_before_the_end_is_heard(join: Join):
    one, two = await started(join()), await started(join())
    ear = await listening(two, "a")
    for number in range(1_000):
        assert one.publish("a", b"%d" % number)
    await one.close()
    await until(lambda: len(ear.heard) == 1_000)


async def test_closing_does_not_wait_for_a_server_that_stands_still(
    join: Join, redis_server: RedisServer
):
    before = asyncio.all_tasks()
    bus = await started(join())
    told: list[int | None] = []
    redis_server.freeze()
    for _ in range(40):
        # More than the socket takes, so that some of it waits in the transport.
        assert bus.publish("a", bytes(1 << 20), told.append)
        await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_S):
        await bus.close()
    assert asyncio.all_tasks() == before
    assert told == [None] + [0] * 39
    redis_server.thaw()
    await until(lambda: clients(redis_server) == 0)


async def test_closing_while_the_server_is_away(join: Join, redis_server: RedisServer):
    before = asyncio.all_tasks()
    bus = await started(join())
    redis_server.kill()
    await until(lambda: bus.status == "down")
    await bus.close()
    assert asyncio.all_tasks() == before


async def test_a_server_that_stands_still_bounds_what_waits(
    join: Join, redis_server: RedisServer
):
    bus = await started(join())
    told: list[int | None] = []
    size = 1 << 20
    redis_server.freeze()
    taken = 0
    while bus.publish("a", bytes(size), told.append):
        taken += 1
        assert taken <= BUS_OUTBOX_BYTES_MAX // size
        await asyncio.sleep(0)
    assert taken >= BUS_OUTBOX_BYTES_MAX // size - 1
    assert told == []
    redis_server.thaw()
    await until(lambda: len(told) == taken)
    assert told == [0] * taken
    assert await said(bus, "a") == 0


async def test_what_is_too_long_is_not_taken(join: Join):
    bus = await started(join())
    assert not bus.publish("a", bytes(BUS_MESSAGE_BYTES_MAX + 1))
    assert await said(bus, "a") == 0


async def test_those_who_fail_are_logged_and_stop_nobody(
    join: Join, monkeypatch: pytest.MonkeyPatch
):
    logger = structlog.testing.CapturingLogger()
    monkeypatch.setattr(bus_module, "log", logger)
    bus = await started(join())

    def fail(what: str, *_: object) -> None:
        raise RuntimeError(what)

    failing = functools.partial(fail, "heard"), functools.partial(fail, "began")
    bus.subscribe("a", *failing)
    assert bus.publish("a", b"", functools.partial(fail, "sent"))
    ear = await listening(bus, "b")
    assert await said(bus, "a") == 1
    await hears_again(ear, bus, "b")
    assert bus.reconnects == 0
    calls = [call for call in logger.calls if call.method_name == "exception"]
    # One for the beginning, one for each word, one for who said the first.
    assert len(calls) in {3, 4}
    assert {call.kwargs.get("topic") for call in calls} == {"a", None}


async def test_a_flood_leaves_room_for_others(join: Join):
    one, two = await started(join()), await started(join())
    ear = await listening(two, "a")
    turns = 0
    for _ in range(20_000):
        one.publish("a", b"x" * 100)
    while len(ear.heard) < 20_000:
        await asyncio.sleep(0)
        turns += 1
    assert turns > 20_000 / 1_000
