"""The queue of one process, to Postgres or by way of Redis."""

import asyncio
from typing import TYPE_CHECKING, cast

import pytest
from structlog.testing import capture_logs

from persistence.errors import Unavailable
from persistence.people.activity import ActivityLog
from server.people.activity import feed as module
from server.people.activity.feed import Feed
from server.people.activity.stream import Sender
from server.people.activity.writer import Writer
from tests.scenario import NOW_MS
from tests.server.people.activity.conftest import record, records
from tests.server.people.activity.test_consumer import Running, stored
from tests.stage import soon

if TYPE_CHECKING:
    from persistence.postgres.pool import Pool

pytestmark = pytest.mark.postgres


class Shelf:
    """Takes records as Redis would, or not."""

    def __init__(self):
        self.taken = []
        self.takes = True

    async def add(self, records):
        await asyncio.sleep(0)
        self.taken += records if self.takes else []
        return self.takes


class Broken(Writer):
    """A writer without a database."""

    def __init__(self):
        super().__init__(ActivityLog(cast("Pool", None)), lambda: NOW_MS, 1)
        self.calls = 0
        self.hang = False

    async def write(self, records):
        self.calls += 1
        if self.hang:
            await asyncio.Event().wait()
        raise Unavailable("away")


async def test_without_redis_records_are_stored_in_batches(writer, table):
    feed = Feed(writer)
    for each in records(1_200):
        feed.put(each)
    assert (feed.waiting, feed.oldest_ms) == (1_200, NOW_MS)
    async with Running(feed):
        assert len(await stored(table, 1_200)) == 1_200
        await soon(lambda: feed.waiting == 0)
    assert feed.oldest_ms is None
    assert writer.written == 1_200


async def test_a_task_that_dies_in_the_middle_loses_and_doubles_nothing(writer, table):
    feed, began = Feed(writer), asyncio.Event()
    write = writer.write

    async def slow(batch):
        await write(batch)
        began.set()
        await asyncio.Event().wait()

    writer.write = slow
    for each in records(10):
        feed.put(each)
    running = Running(feed)
    await began.wait()
    await running.kill()
    assert (feed.waiting, await table.count()) == (10, 10)
    writer.write = write
    async with Running(feed):
        await soon(lambda: feed.waiting == 0)
    assert (await table.count(), writer.written) == (10, 10)


async def test_what_has_no_room_is_dropped_and_counted(monkeypatch):
    monkeypatch.setattr(module, "WAITING_MAX", 3)
    feed = Feed(Broken())
    for each in records(5):
        feed.put(each)
    assert (feed.waiting, feed.dropped) == (3, 2)


async def test_dropping_is_logged_once_until_there_is_room_again(
    monkeypatch, writer, table
):
    monkeypatch.setattr(module, "WAITING_MAX", 4)
    monkeypatch.setattr(module, "BATCH_MAX", 1)
    feed = Feed(writer)
    with capture_logs() as lines:
        for each in records(6):
            feed.put(each)
        await feed.hand_over()
        for each in records(2, 10):
            feed.put(each)
        assert len(lines) == 1
        for _ in range(4):
            await feed.hand_over()
        for each in records(5, 20):
            feed.put(each)
    assert [line["log_level"] for line in lines] == ["error", "error"]
    assert (feed.dropped, await table.count()) == (4, 5)


async def test_while_the_database_is_away_records_wait(writer, table):
    broken = Broken()
    feed = Feed(broken)
    feed.put(record("a"))
    async with Running(feed):
        await soon(lambda: broken.calls >= 2)
        assert feed.waiting == 1
        feed._writer = writer
        assert await stored(table, 1) == ["a"]


async def test_with_redis_records_go_there(writer, table):
    feed = Feed(writer)
    feed.sink = shelf = Shelf()
    sent = records(3)
    for each in sent:
        feed.put(each)
    async with Running(feed):
        await soon(lambda: feed.waiting == 0)
    assert shelf.taken == sent
    assert await table.count() == 0


async def test_without_an_answer_of_redis_records_are_stored_all_the_same(
    writer, table
):
    feed = Feed(writer)
    feed.sink = shelf = Shelf()
    shelf.takes = False
    feed.put(record("a"))
    async with Running(feed):
        assert await stored(table, 1) == ["a"]
        # It is asked again a little later, not for each batch.
        shelf.takes = True
        feed.put(record("b"))
        assert await stored(table, 2) == ["a", "b"]
        feed._sink_again_s = 0.0
        feed.put(record("c"))
        await soon(lambda: shelf.taken)
    assert [each.request_id for each in shelf.taken] == ["c"]


async def test_a_redis_that_is_down_costs_a_request_nothing(
    writer, table, stream, redis_server
):
    feed = Feed(writer)
    feed.sink = Sender(stream(), feed.send_again)
    redis_server.kill()
    async with Running(feed):
        for each in records(100):
            feed.put(each)
        assert len(await stored(table, 100)) == 100
    redis_server.start()


async def test_what_was_sent_lately_is_sent_again_and_no_more(writer, monkeypatch):
    feed = Feed(writer)
    feed.sink = shelf = Shelf()
    feed.put(record("old"))
    await feed.hand_over()
    monkeypatch.setattr(module, "RESEND_S", 0.0)
    feed.put(record("new"))
    await feed.hand_over()
    monkeypatch.setattr(module, "RESEND_S", 60.0)
    feed.send_again()
    feed.send_again()
    assert feed.waiting == 1
    await feed.hand_over()
    assert [each.request_id for each in shelf.taken] == ["old", "new", "new"]


async def test_the_end_hands_over_what_waits(writer, table):
    feed = Feed(writer)
    for each in records(700):
        feed.put(each)
    await feed.flush()
    assert (feed.waiting, await table.count()) == (0, 700)


@pytest.mark.parametrize("hang", [False, True])
async def test_the_end_does_not_wait_for_a_database_that_is_away(hang, monkeypatch):
    monkeypatch.setattr(module, "FLUSH_S_MAX", 0.05)
    broken = Broken()
    broken.hang = hang
    feed = Feed(broken)
    feed.put(record("a"))
    await feed.flush()
    assert (feed.waiting, feed.dropped) == (1, 1)
