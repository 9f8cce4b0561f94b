"""From the stream to the table: whatever dies in between, each record once."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from persistence.errors import Unavailable
from persistence.people.activity import ActivityLog
from server.people.activity.consumer import Consumer
from server.people.activity.feed import Feed
from server.people.activity.stream import PENDING, Sender
from server.people.activity.writer import Writer
from tests.scenario import NOW_MS
from tests.server.people.activity.conftest import DAYS, record, records
from tests.stage import soon

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
ROOT = Path(__file__).resolve().parents[4]
WAIT_S = 60.0


class Running:
    """A part that runs until it is cancelled."""

    def __init__(self, part):
        self.part = part
        self.task = asyncio.create_task(part.run())

    async def __aenter__(self):
        return self.part

    async def __aexit__(self, *_):
        await self.kill()

    async def kill(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
def losses():
    return []


@pytest.fixture
def consumer(stream, writer, losses):
    def make(name="p1", writer=writer):
        lost = lambda: losses.append(name)  # noqa: E731
        return Consumer(stream(name), writer, lost, claim_s=0.0, idle_s=0.05)

    return make


async def within(work):
    async with asyncio.timeout(WAIT_S):
        return await work


async def stored(table, count):
    async with asyncio.timeout(WAIT_S):
        while await table.count() < count:  # noqa: ASYNC110 - the table tells nobody
            await asyncio.sleep(0.01)
    return await table.names()


async def settled(stream):
    one = stream("observer")
    async with asyncio.timeout(WAIT_S):
        while await one.length() > 0:  # noqa: ASYNC110 - nor does Redis
            await asyncio.sleep(0.01)


class Halting(Writer):
    """Stores a batch, and then never returns: what stands between INSERT and XACK."""

    def __init__(self, store, now_ms):
        super().__init__(store, now_ms, DAYS)
        self.reached = asyncio.Event()

    async def write_for_sure(self, records):
        await super().write_for_sure(records)
        self.reached.set()
        await asyncio.Event().wait()


async def test_what_is_sent_is_stored_and_leaves_the_stream(
    consumer, stream, table, writer
):
    async with Running(consumer()) as part:
        await stream().add(records(20))
        assert len(await stored(table, 20)) == 20
        await settled(stream)
        await soon(lambda: part.oldest_ms is None)
    assert (writer.written, part.redelivered, part.unreadable) == (20, 0, 0)
    assert await stream("p1").read(PENDING) == []


async def test_one_that_dies_between_storing_and_settling_loses_and_doubles_nothing(
    consumer, stream, table, pool, clock, writer
):
    halting = Halting(ActivityLog(pool), clock.now_ms)
    await stream().add(records(10))
    dying = Running(consumer("p1", halting))
    await within(halting.reached.wait())
    await dying.kill()
    assert await table.count() == 10
    assert await stream().length() == 10
    async with Running(consumer("p1")) as part:
        await settled(stream)
    assert await table.count() == 10
    assert (writer.written, part.redelivered) == (0, 10)


async def test_one_that_dies_before_storing_loses_nothing(consumer, stream, table):
    class Dying(Halting):
        async def write_for_sure(self, records):
            self.reached.set()
            await asyncio.Event().wait()

    dying = Dying(None, None)
    await stream().add(records(10))
    running = Running(consumer("p1", dying))
    await within(dying.reached.wait())
    await running.kill()
    assert await table.count() == 0
    async with Running(consumer("p1")) as part:
        assert len(await stored(table, 10)) == 10
        await settled(stream)
    assert part.redelivered == 10


async def test_what_a_killed_process_had_taken_is_finished_by_another(
    consumer, stream, table, redis_server
):
    await stream().add(records(30))
    command = [
        sys.executable,
        "-m",
        "tests.server.people.activity.taker",
        redis_server.url,
    ]
    taker = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=subprocess.PIPE
    )
    assert taker.stdout is not None
    assert await within(taker.stdout.readline()) == b"30\n"
    taker.kill()
    await taker.wait()
    assert len(await stream("taker").read(PENDING)) == 30
    async with Running(consumer("heir")) as part:
        assert len(await stored(table, 30)) == 30
        await settled(stream)
    assert part.redelivered == 30


async def test_consumers_share_the_work_and_each_record_is_stored_once(
    consumer, stream, table, pool, clock
):
    writers = [Writer(ActivityLog(pool), clock.now_ms, DAYS) for _ in range(3)]
    running = [Running(consumer(f"p{n}", writers[n])) for n in range(3)]
    for start in range(0, 1_500, 100):
        await stream().add(records(100, start))
    assert len(await stored(table, 1_500)) == 1_500
    await settled(stream)
    for each in running:
        await each.kill()
    assert sum(each.written for each in writers) == 1_500


async def test_a_redis_that_starts_anew_and_empty_is_used_again(
    consumer, stream, table, redis_server, losses
):
    async with Running(consumer()):
        await stream().add(records(5))
        await stored(table, 5)
        redis_server.kill()
        redis_server.start()
        await stream().add(records(5, 5))
        assert len(await stored(table, 10)) == 10
        await settled(stream)
    assert "p1" in losses


async def test_a_redis_that_is_emptied_is_used_again(
    consumer, stream, table, redis_server, losses
):
    async with Running(consumer()):
        await stream().add(records(5))
        await stored(table, 5)
        redis_server.ask("FLUSHALL")
        await soon(lambda: losses)
        await stream().add(records(5, 5))
        assert len(await stored(table, 10)) == 10


async def test_what_redis_forgot_unstored_is_sent_again(
    consumer, stream, table, writer, redis_server
):
    feed = Feed(writer)
    feed.sink = Sender(stream("sender"), feed.send_again)
    for each in records(50):
        feed.put(each)
    assert await feed.hand_over() == 50
    assert (feed.waiting, await table.count()) == (0, 0)
    redis_server.kill()
    redis_server.start()
    # Whoever notices first says so; here it is the consumer.
    reading = Consumer(stream("p1"), writer, feed.send_again)
    await reading._stream.found()
    redis_server.kill()
    redis_server.start()
    async with Running(reading), Running(feed):
        assert len(await stored(table, 50)) == 50


async def test_while_the_database_is_away_records_wait_in_the_stream(
    consumer, stream, table, writer, monkeypatch
):
    store, away = writer._store, True

    class Sometimes:
        async def store(self, records):
            if away:
                raise Unavailable("away")
            return await store.store(records)

    monkeypatch.setattr(writer, "_store", Sometimes())
    async with Running(consumer()) as part:
        await stream().add(records(5))
        await soon(lambda: part.oldest_ms is not None)
        assert await stream().length() == 5
        away = False
        assert len(await stored(table, 5)) == 5
        await settled(stream)


async def test_what_is_unreadable_is_counted_and_let_go(
    consumer, stream, table, redis_server
):
    async with Running(consumer()) as part:
        redis_server.ask("XADD", "onsale:test:activity", "*", "r", "rubbish")
        await stream().add([record("good", NOW_MS)])
        assert await stored(table, 1) == ["good"]
        await settled(stream)
    assert part.unreadable == 1
