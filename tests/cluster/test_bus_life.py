"""How the bus over Redis starts, ends, and bears with a server that misbehaves."""

import asyncio

import pytest

from server.base.limits import BUS_OUTBOX_BYTES_MAX
from server.transport.bus.bus import BusError
from server.transport.bus.redis_bus import RedisBus
from tests.cluster.conftest import PREFIX, SECRET, Join, RedisServer
from tests.cluster.ears import PATIENCE_S, listening, said, started, until

pytestmark = pytest.mark.redis


# -- Starting


async def refusal(url: str) -> str:
    """Fail to start, and return the sentence that says why."""
    before = asyncio.all_tasks()
    bus = RedisBus(url, PREFIX, SECRET)
    with pytest.raises(BusError) as caught:
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
        "redis+other://me:secret@localhost",
        "redis+cluster://me:sec/ret@localhost",
        "unix+cluster:///secret",
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
    # By name none but a newer server knows them; one is who asks.
    return int(server.info("clients")["connected_clients"]) - 1


async def test_closing_leaves_nothing_behind(join: Join, redis_server: RedisServer):
    before = asyncio.all_tasks()
    bus = await started(join())
    await listening(bus, "a")
    assert clients(redis_server) == 2
    await bus.close()
    await bus.close()
    assert asyncio.all_tasks() == before
    await until(lambda: clients(redis_server) == 0)


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
