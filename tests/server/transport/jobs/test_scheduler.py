"""Several processes and one database: a job is done by one of them at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from persistence.errors import Unavailable
from persistence.jobs import JobRow, JobTable
from persistence.postgres.pool import Pool
from server.base.jobs import Job
from server.transport.jobs import scheduler as module
from server.transport.jobs.scheduler import Jobs, is_overdue
from tests.database import query

LONG_S = 3_600.0


class Process:
    """One process: its pool and its jobs, which are shown in `shown`."""

    def __init__(self, name: str, pool: Pool) -> None:
        self.pool = pool
        self.shown: dict[str, Job] = {}
        self.table = JobTable(pool)
        self.jobs = Jobs(self.table, name, self._new)

    def _new(self, name: str) -> Job:
        self.shown[name] = job = Job()
        return job

    async def row(self, name: str = "sweep") -> JobRow:
        (row,) = await self.table.states([name])
        return row


@asynccontextmanager
async def processes(url: str, count: int = 1) -> AsyncIterator[list[Process]]:
    several = [Process(f"process {n}", await Pool.open(url)) for n in range(count)]
    try:
        yield several
    finally:
        for one in several:
            await one.jobs.stop(5)
            await one.pool.close()


async def until(condition: Callable[[], object]) -> None:
    for _ in range(2_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to that")


async def until_row(process: Process, condition: Callable[[JobRow], object]) -> JobRow:
    for _ in range(2_000):
        row = await process.row()
        if condition(row):
            return row
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to that")


async def late(url: str, what: str) -> None:
    await query(url, f"UPDATE job SET {what} = now() - interval '1 s'")


async def test_of_several_processes_one_does_it_at_a_time(database_url, monkeypatch):
    monkeypatch.setattr(module, "LOOK_S_MAX", 0.01)
    at_it, most, runs = 0, 0, 0

    async def work() -> None:
        nonlocal at_it, most, runs
        at_it += 1
        most = max(most, at_it)
        await asyncio.sleep(0.01)
        at_it -= 1
        runs += 1

    async with processes(database_url, 3) as several:
        for one in several:
            one.jobs.every("sweep", 0.02, work)
        tasks = [asyncio.create_task(one.jobs.run()) for one in several]
        await until(lambda: runs >= 12)
        for task in tasks:
            task.cancel()
        row = await several[0].row()
    assert most == 1
    assert row.failures == 0
    assert row.ok_at is not None


async def test_what_fails_is_shown_in_every_process_and_comes_again(database_url):
    broken = True

    async def work() -> None:
        if broken:
            raise KeyError("secret")

    async with processes(database_url, 2) as (one, other):
        one.jobs.every("sweep", LONG_S, work)
        other.jobs.every("sweep", LONG_S, work)
        await one.table.put("sweep", LONG_S)
        with capture_logs() as logs:
            for failures in (1, 2):
                await late(database_url, "next_at")
                await one.jobs.look()
                await until_row(one, lambda row: row.failures == failures)  # noqa: B023
        assert [entry["event"] for entry in logs] == ["a job failed"] * 2
        await other.jobs.look()
        state = other.shown["sweep"].state
        assert (state.failures, state.last_error) == (2, "KeyError")
        assert state.last_error_at == state.last_run_at
        broken = False
        await late(database_url, "next_at")
        await other.jobs.look()
        row = await until_row(other, lambda row: row.failures == 0)
        assert row.by == "process 1"
        await one.jobs.look()
        await other.jobs.look()
        assert (one.jobs.is_ours("sweep"), other.jobs.is_ours("sweep")) == (False, True)
        assert one.shown["sweep"].state.failures == 0
        assert one.shown["sweep"].state.last_run_at == row.ok_at


async def test_a_lease_is_kept_while_the_work_goes_on(database_url):
    go_on, begun = asyncio.Event(), 0

    async def work() -> None:
        nonlocal begun
        begun += 1
        await go_on.wait()

    async with processes(database_url, 2) as (one, other):
        for each in (one, other):
            each.jobs.every("sweep", LONG_S, work, lease_s=1.5)
        await one.table.put("sweep", LONG_S)
        await one.jobs.look()
        await until(lambda: begun)
        # It is renewed twice, and others find it taken whenever they look.
        sql = "SELECT taken_until > began_at + interval '2.4 s' AS kept FROM job"
        for _ in range(2_000):
            await other.jobs.look()
            if (await query(database_url, sql))[0]["kept"]:
                break
            await asyncio.sleep(0.02)
        row = await other.row()
        assert (begun, row.taken, row.by) == (1, True, "process 0")
        go_on.set()
        row = await until_row(one, lambda row: not row.taken)
        assert (begun, row.by, row.failures) == (1, "process 0", 0)
        assert row.took_ms is not None
        assert row.took_ms >= 900


async def test_what_a_dead_process_had_is_taken_when_its_lease_is_over(database_url):
    done: list[str] = []

    async def hang() -> None:
        await asyncio.Event().wait()

    async def work() -> None:
        done.append("done")

    async with processes(database_url, 2) as (dead, other):
        dead.jobs.every("sweep", LONG_S, hang)
        other.jobs.every("sweep", LONG_S, work)
        await dead.table.put("sweep", LONG_S)
        await dead.jobs.look()
        # It is killed: from here on it says nothing.
        await other.jobs.look()
        await asyncio.sleep(0)
        assert (done, (await other.row()).by) == ([], "process 0")
        await late(database_url, "taken_until")
        await other.jobs.look()
        row = await until_row(other, lambda row: row.ok_at is not None)
        assert (done, row.by, row.failures) == (["done"], "process 1", 0)


async def test_who_finds_another_at_its_job_stops(database_url):
    """As after a long pause: the lease was over, and somebody else has it."""
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with processes(database_url) as (one,):
        one.jobs.every("sweep", LONG_S, work, lease_s=0.3)
        await one.table.put("sweep", LONG_S)
        await one.jobs.look()
        await query(database_url, "UPDATE job SET turn = turn + 1, by = 'another'")
        async with asyncio.timeout(20):
            await cancelled.wait()
        # What the other has is left alone.
        await asyncio.sleep(0)
        row = await one.row()
        assert (row.by, row.failures, row.ok_at) == ("another", 0, None)


async def test_a_process_that_stops_leaves_its_job_to_others(database_url):
    async def hang() -> None:
        await asyncio.Event().wait()

    async with processes(database_url, 2) as (one, other):
        one.jobs.every("sweep", LONG_S, hang)
        await one.table.put("sweep", LONG_S)
        await one.jobs.look()
        assert (await one.row()).taken
        await one.jobs.stop(10)
        row = await other.row()
        assert not row.taken
        assert row.due_in_s <= 0
        assert row.failures == 0
        # Nor does it begin anything more.
        await one.jobs.look()
        assert not (await one.row()).taken


async def test_what_is_asked_for_is_done_at_once(database_url):
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1

    async with processes(database_url) as (one,):
        one.jobs.every("sweep", LONG_S, work)
        task = asyncio.create_task(one.jobs.run())
        await until(lambda: runs == 1)
        await until_row(one, lambda row: row.ok_at is not None)
        assert await one.jobs.run_now("sweep") is True
        await until(lambda: runs == 2)
        assert await one.jobs.run_now("no such job") is False
        task.cancel()


async def test_a_database_that_is_away_ends_no_scheduler(monkeypatch):
    monkeypatch.setattr(module, "LOOK_S_MAX", 0.0)

    class Away:
        tries = 0

        async def put(self, name: str, every_s: float) -> None:
            self.tries += 1
            if self.tries < 3:
                raise Unavailable("away")

        async def states(self, names: Any) -> list[JobRow]:
            self.tries += 1
            raise Unavailable("away")

    away = Away()
    jobs = Jobs(cast("JobTable", away), "me", lambda name: Job())
    jobs.every("sweep", 1.0, asyncio.Event().wait)
    task = asyncio.create_task(jobs.run())
    await until(lambda: away.tries > 5)
    assert not task.done()
    task.cancel()


async def test_what_is_overdue_is_a_problem(database_url):
    async with processes(database_url) as (one,):
        assert one.jobs.health() == {"status": "off"}
        one.jobs.every("sweep", 20.0, asyncio.Event().wait)
        await one.table.put("sweep", 20.0)
        for late_s, problems in (
            (39, []),
            (45, ["The job “sweep” should have been done 45 s ago."]),
        ):
            # Taken, too: one that hangs keeps its lease, and is late all the same.
            sql = (
                f"UPDATE job SET next_at = now() - interval '{late_s} s',"
                " taken_until = now() + interval '1 h'"
            )
            await query(database_url, sql)
            await one.jobs.look()
            part = one.jobs.health()
            assert part["problems"] == problems
            assert part["status"] == ("degraded" if problems else "ok")
            assert is_overdue(await one.row()) is bool(problems)
        # What comes each second may be a little late on a busy machine.
        await query(
            database_url,
            "UPDATE job SET every_s = 1, next_at = now() - '5 s'::interval",
        )
        assert not is_overdue(await one.row())


async def test_a_name_is_had_once():
    jobs = Jobs(cast("JobTable", None), "me", lambda name: Job())
    jobs.every("sweep", 1.0, asyncio.Event().wait)
    with pytest.raises(ValueError, match="sweep"):
        jobs.every("sweep", 1.0, asyncio.Event().wait)
