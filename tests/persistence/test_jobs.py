"""One of all has a job, and whoever had it before changes nothing any more."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from persistence import jobs as module
from persistence.jobs import JobRow, JobTable
from persistence.postgres.pool import Pool
from tests.database import query

LONG_S = 3_600.0


@pytest.fixture
async def table(database_url: str) -> AsyncIterator[JobTable]:
    pool = await Pool.open(database_url)
    try:
        yield JobTable(pool)
    finally:
        await pool.close()


async def state_of(table: JobTable, name: str = "sweep") -> JobRow:
    (row,) = await table.states([name])
    return row


async def late(database_url: str, what: str) -> None:
    """Let the time of a row be over, by the clock of the database."""
    await query(database_url, f"UPDATE job SET {what} = now() - interval '1 s'")


async def test_one_of_many_has_it(table):
    await table.put("sweep", LONG_S)
    taken = await asyncio.gather(
        *(table.take("sweep", f"process {n}", LONG_S) for n in range(20))
    )
    assert [turn for turn in taken if turn is not None] == [1]
    row = await state_of(table)
    assert row.taken
    assert row.by == f"process {taken.index(1)}"
    assert row.began_at is not None
    assert await table.take("no such job", "me", LONG_S) is None


async def test_what_was_done_comes_again_after_its_period(table, database_url):
    await table.put("sweep", LONG_S)
    assert (await state_of(table)).due_in_s <= 0
    assert await table.take("sweep", "me", LONG_S) == 1
    assert await table.done("sweep", 1, 12) is True
    row = await state_of(table)
    assert (row.taken, row.failures, row.took_ms) == (False, 0, 12)
    assert LONG_S - 60 < row.due_in_s <= LONG_S
    assert row.ok_at is not None
    assert await table.take("sweep", "me", LONG_S) is None
    await late(database_url, "next_at")
    assert await table.take("sweep", "me", LONG_S) == 2


async def test_whose_lease_is_over_is_followed_and_changes_nothing(table, database_url):
    await table.put("sweep", LONG_S)
    assert await table.take("sweep", "paused", LONG_S) == 1
    assert await table.renew("sweep", 1, LONG_S) is True
    await late(database_url, "taken_until")
    # Nobody came meanwhile: it may go on.
    assert await table.renew("sweep", 1, LONG_S) is True
    await late(database_url, "taken_until")
    assert await table.take("sweep", "other", LONG_S) == 2
    assert await table.renew("sweep", 1, LONG_S) is False
    assert await table.done("sweep", 1, 5) is False
    assert await table.failed("sweep", 1, 5, "KeyError") is False
    await table.release("sweep", 1)
    row = await state_of(table)
    assert (row.taken, row.by, row.ok_at, row.failures) == (True, "other", None, 0)
    assert await table.done("sweep", 2, 5) is True
    # Nor is it ended, or kept, once more.
    assert await table.done("sweep", 2, 5) is False
    assert await table.renew("sweep", 2, LONG_S) is False


async def test_what_fails_comes_again_later_each_time(table, database_url):
    await table.put("sweep", 10.0)
    waits = []
    for turn in range(1, 9):
        await late(database_url, "next_at")
        assert await table.take("sweep", "me", LONG_S) == turn
        assert await table.failed("sweep", turn, 5, "KeyError") is True
        row = await state_of(table)
        waits.append(round(row.due_in_s / 10) * 10)
        assert (row.failures, row.error, row.taken) == (turn, "KeyError", False)
    assert waits == [10, 20, 40, 80, 160, 300, 300, 300]
    await late(database_url, "next_at")
    assert await table.take("sweep", "me", LONG_S) == 9
    await table.done("sweep", 9, 5)
    row = await state_of(table)
    # What it stumbled over is told, also after it has recovered.
    assert (row.failures, row.error) == (0, "KeyError")


async def test_what_comes_seldom_is_not_later_than_its_period(table):
    await table.put("sweep", LONG_S)
    assert await table.take("sweep", "me", LONG_S) == 1
    await table.failed("sweep", 1, 5, "KeyError")
    assert LONG_S - 60 < (await state_of(table)).due_in_s <= LONG_S
    assert module.BACKOFF_S_MAX < LONG_S


async def test_what_is_asked_for_comes_at_once(table):
    await table.put("sweep", LONG_S)
    assert await table.take("sweep", "me", LONG_S) == 1
    await table.done("sweep", 1, 5)
    assert await table.run_now("sweep") is True
    assert await table.take("sweep", "me", LONG_S) == 2
    # Asked for while it runs, it runs once more.
    assert await table.run_now("sweep") is True
    await table.done("sweep", 2, 5)
    assert await table.take("sweep", "me", LONG_S) == 3
    await table.run_now("sweep")
    await table.failed("sweep", 3, 5, "KeyError")
    assert await table.take("sweep", "me", LONG_S) == 4
    assert await table.run_now("no such job") is False


async def test_what_is_left_to_others_is_due(table):
    await table.put("sweep", LONG_S)
    assert await table.take("sweep", "me", LONG_S) == 1
    await table.release("sweep", 1)
    assert (await state_of(table)).taken is False
    assert await table.take("sweep", "other", LONG_S) == 2


async def test_another_period_is_kept_to(table):
    await table.put("sweep", LONG_S)
    assert await table.take("sweep", "me", LONG_S) == 1
    await table.done("sweep", 1, 5)
    await table.put("sweep", LONG_S)
    assert (await state_of(table)).due_in_s > LONG_S - 60
    await table.put("sweep", 20.0)
    row = await state_of(table)
    assert row.every_s == 20.0
    assert 0 < row.due_in_s <= 20
