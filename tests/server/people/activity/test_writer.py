"""Batches into the table, and the table's house, with a clock that jumps."""

import asyncio
from datetime import UTC, datetime
from functools import partial

import pytest

from persistence.errors import Unavailable
from server.base.jobs import Job
from server.people.activity import writer as module
from tests.server.people.activity.conftest import record, records
from tests.server.people.activity.test_consumer import Running
from tests.stage import soon

pytestmark = pytest.mark.postgres
DAY_S = 86_400
PARTITIONS = """
SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'activity'::regclass ORDER BY 1
"""


def at(clock, year, month, day, hour=0, minute=0):
    when = datetime(year, month, day, hour, minute, tzinfo=UTC)
    clock.time_ms = round(when.timestamp() * 1_000)
    return clock.time_ms


async def partitions(pool):
    return [row["name"] for row in await pool.fetch(PARTITIONS)]


async def test_the_next_month_is_there_before_it_begins(writer, pool, clock):
    at(clock, 2026, 11, 21)
    await writer.tidy()
    assert await partitions(pool) == ["activity_2026_11"]
    clock.advance(5 * DAY_S)
    await writer.tidy()
    assert await partitions(pool) == ["activity_2026_11", "activity_2026_12"]


async def test_over_the_end_of_a_month_nothing_stops(writer, pool, clock, table):
    last = at(clock, 2026, 12, 31, 23, 59)
    await writer.write([record("old year", last)])
    clock.advance(120)
    # Nobody was there to tidy: the batch makes what it needs.
    await writer.write([record("new year", clock.now_ms()), record("late", last)])
    assert await table.names() == ["late", "new year", "old year"]
    assert await partitions(pool) == ["activity_2026_12", "activity_2027_01"]


async def test_what_is_older_than_is_kept_goes_and_the_rest_stays(
    writer, pool, clock, table
):
    for month in (9, 10, 11):
        await writer.write([record(f"{month}", at(clock, 2025, month, 30))])
    at(clock, 2026, 12, 5, 12)
    await writer.tidy()
    # 400 days before that is 31 October 2025, which is kept, with all of its month.
    assert await table.names() == ["10", "11"]
    assert await partitions(pool) == [
        "activity_2025_10",
        "activity_2025_11",
        "activity_2026_12",
    ]


async def test_one_that_is_unwritable_is_left_out_and_counted(writer, table):
    await writer.write([record("a"), record("\0"), record("b"), record("c", 1 << 60)])
    assert await table.names() == ["a", "b"]
    assert (writer.written, writer.unwritable) == (2, 2)


async def test_batches_are_timed(writer):
    await writer.write(records(3))
    (family,) = writer.batch_seconds.collect()
    counts = {s.name: s.value for s in family.samples if not s.labels}
    assert counts["onsale_activity_batch_seconds_count"] == 1
    assert counts["onsale_activity_batch_seconds_sum"] > 0


async def test_a_database_that_is_away_is_waited_for(writer, table, monkeypatch):
    store, tries = writer._store, []

    class Away:
        async def store(self, records):
            tries.append(len(records))
            if len(tries) < 3:
                raise Unavailable("away")
            return await store.store(records)

    monkeypatch.setattr(writer, "_store", Away())
    await writer.write_for_sure(records(2))
    assert tries == [2, 2, 2]
    assert await table.count() == 2


async def test_the_house_is_kept_again_after_a_failure(writer, pool, monkeypatch):
    monkeypatch.setattr(module, "HOUSE_AGAIN_S", 0.001)
    tidy, tries = writer.tidy, []

    async def fail_once():
        tries.append(1)
        if len(tries) == 1:
            raise Unavailable("away")
        await tidy()

    writer.tidy = fail_once
    writer.run = partial(writer.keep_house, Job())
    async with Running(writer):
        await soon(lambda: len(tries) == 2)
        async with asyncio.timeout(60):
            while not await partitions(pool):  # noqa: ASYNC110 - the table tells nobody
                await asyncio.sleep(0.01)
