"""Works that come again and again, each in one process at a time.

Purpose: a capability says how often something is to be done, and each process looks
what is due; who takes it does it. A lease is kept for as long as the work goes on.
Where its process dies, another has the job when the lease is over.

A work may so be begun anew after it was done in part, and where a process stood still
for longer than a lease, two may be at it for a moment: it must bear that, as all that
is written in transactions does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

import structlog
from aiohttp import web
from msgspec import Struct

from persistence.errors import Unavailable
from persistence.jobs import JobRow, JobTable
from server.base.jobs import Job

LOOK_S_MAX: Final = 1.0
LOOK_S_MIN: Final = 0.05
"""How often it is looked what is due: then, and once a second in any case."""

LEASE_S: Final = 30.0
RENEWALS: Final = 3
"""So many times a lease is renewed before it is over."""

OVERDUE_S_MIN: Final = 10.0
OVERDUE_PERIODS: Final = 2.0
"""A job that is later than that, in seconds and in its periods, is a problem."""

RELEASE_S_MAX: Final = 1.0

Work = Callable[[], Awaitable[object]]

log = structlog.get_logger()


class PlannedJob(Struct, frozen=True):
    """A job of this program."""

    name: str
    every_s: float
    work: Work
    lease_s: float
    job: Job
    """What the health page shows of it: as all processes know it."""


class Jobs:
    """The jobs of one process; `me` is its name, `new_job` what the page shows."""

    def __init__(self, table: JobTable, me: str, new_job: Callable[[str], Job]) -> None:
        self.planned: dict[str, PlannedJob] = {}
        self.rows: dict[str, JobRow] = {}
        """As of the last look."""
        self._table = table
        self._me = me
        self._new_job = new_job
        self._running: dict[str, asyncio.Task[None]] = {}
        self._look_now = asyncio.Event()
        self._stopped = False

    def every(
        self, name: str, seconds: float, work: Work, *, lease_s: float = LEASE_S
    ) -> None:
        """Do something every so many seconds, from one beginning to the next.

        In one process of all at a time. A work that raises comes again later each time.
        """
        if name in self.planned:
            raise ValueError(f"there is a job {name} already")
        planned = PlannedJob(name, seconds, work, lease_s, self._new_job(name))
        self.planned[name] = planned

    async def run(self) -> None:
        """Look what is due, and do it, for ever."""
        put = False
        while True:
            wait_s = LOOK_S_MAX
            try:
                if not put:
                    for planned in self.planned.values():
                        await self._table.put(planned.name, planned.every_s)
                    put = True
                wait_s = await self.look()
            except Unavailable as error:
                log.warning("no job can be taken", reason=str(error))
            try:
                async with asyncio.timeout(wait_s):
                    await self._look_now.wait()
            except TimeoutError:
                pass  # Then it is time to look.
            self._look_now.clear()

    async def look(self) -> float:
        """Begin what is due; return when to look again, in seconds.

        Raises `Unavailable`.
        """
        rows = await self._table.states(list(self.planned))
        self.rows = {row.name: row for row in rows}
        wait_s = LOOK_S_MAX
        for row in rows:
            planned = self.planned[row.name]
            _show(planned.job, row)
            if row.taken or row.name in self._running:
                continue
            if row.due_in_s > 0:
                wait_s = min(wait_s, max(row.due_in_s, LOOK_S_MIN))
                continue
            await self._take(planned)
        return wait_s

    async def states(self) -> list[JobRow]:
        """Return how all jobs are now, by name. Raises `Unavailable`."""
        return await self._table.states(list(self.planned))

    def is_ours(self, name: str) -> bool:
        """Return whether this process has a job or had it last, by the last look."""
        row = self.rows.get(name)
        return row is not None and row.by == self._me

    async def run_now(self, name: str) -> bool:
        """Let a job be done now, here or elsewhere; return whether there is one.

        Raises `Unavailable`.
        """
        if name not in self.planned or not await self._table.run_now(name):
            return False
        self._look_now.set()
        return True

    async def stop(self, within_s: float) -> None:
        """Begin nothing more, end what runs, and leave it to others."""
        self._stopped = True
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, within_s))

    def health(self) -> dict[str, object]:
        """Return what the health page shows: whether all come in time."""
        if not self.planned:
            return {"status": "off"}
        problems = [
            f"The job “{row.name}” should have been done {-row.due_in_s:.0f} s ago."
            for row in self.rows.values()
            if is_overdue(row)
        ]
        status = "degraded" if problems else "ok"
        return {"status": status, "problems": problems}

    async def _take(self, planned: PlannedJob) -> None:
        if self._stopped:
            return
        sent = monotonic()
        turn = await self._table.take(planned.name, self._me, planned.lease_s)
        if turn is None:
            return
        run = _Run(self._table, planned, turn, sent + planned.lease_s)
        task = asyncio.create_task(run.do(), name=f"job {planned.name}")
        self._running[planned.name] = task
        task.add_done_callback(lambda _: self._ended(planned.name))

    def _ended(self, name: str) -> None:
        del self._running[name]
        self._look_now.set()


class _Run:
    """One turn of a job: the work, and keeping the lease meanwhile."""

    def __init__(
        self, table: JobTable, planned: PlannedJob, turn: int, ours_until: float
    ) -> None:
        self._table = table
        self._planned = planned
        self._turn = turn
        self._ours_until = ours_until
        """By our monotonic clock; by the database's it is a little longer."""

    async def do(self) -> None:
        """Do the work, and note how it went."""
        began = monotonic()
        work = asyncio.ensure_future(self._planned.work())
        try:
            kept = await self._keep(work)
        except asyncio.CancelledError:
            await _end(work)
            await self._give_back()
            raise
        if not kept:
            await _end(work)
            log.warning("a job was taken over by others", job=self._planned.name)
            return
        await self._note(work, round((monotonic() - began) * 1000))

    async def _keep(self, work: "asyncio.Future[object]") -> bool:
        """Wait for the end of the work; return whether the job was ours to the end."""
        name, lease_s = self._planned.name, self._planned.lease_s
        every_s = lease_s / RENEWALS
        while True:
            await asyncio.wait([work], timeout=every_s)
            if work.done():
                return True
            sent = monotonic()
            try:
                async with asyncio.timeout(max(0.0, self._ours_until - sent)):
                    if not await self._table.renew(name, self._turn, lease_s):
                        return False
                self._ours_until = sent + lease_s
            except (Unavailable, TimeoutError) as error:
                if monotonic() + every_s >= self._ours_until:
                    return False
                log.warning("a job is not kept", job=name, reason=repr(error))

    async def _note(self, work: "asyncio.Future[object]", took_ms: int) -> None:
        name, error = self._planned.name, work.exception()
        try:
            if error is None:
                await self._table.done(name, self._turn, took_ms)
                return
            if isinstance(error, Unavailable):
                log.warning("a job could not be done", job=name, reason=str(error))
            else:
                log.error("a job failed", job=name, exc_info=error)
            kind = type(error).__name__
            await self._table.failed(name, self._turn, took_ms, kind)
        except Unavailable as gone:
            # When the lease is over it comes again: twice is better than never.
            log.warning("the end of a job is not noted", job=name, reason=str(gone))

    async def _give_back(self) -> None:
        """Let another process have it at once, if that can be said."""
        try:
            async with asyncio.timeout(RELEASE_S_MAX):
                await self._table.release(self._planned.name, self._turn)
        except (Unavailable, TimeoutError) as error:
            log.warning(
                "a job is left to its lease", job=self._planned.name, reason=repr(error)
            )


def is_overdue(row: JobRow) -> bool:
    """Return whether a job is so late that somebody should look."""
    late_s = max(OVERDUE_S_MIN, OVERDUE_PERIODS * row.every_s)
    return -row.due_in_s > late_s


async def _end(work: "asyncio.Future[object]") -> None:
    """Cancel a work and wait for its end, however it ends."""
    work.cancel()
    await asyncio.wait([work])
    if not work.cancelled() and (error := work.exception()) is not None:
        log.warning("a job that was stopped failed", reason=repr(error))


def _show(job: Job, row: JobRow) -> None:
    """Let the health page tell how the runs went, wherever they were."""
    times = [at for at in (row.ok_at, row.failed_at) if at is not None]
    job.state.last_run_at = max(times, default=None)
    job.state.last_error_at = row.failed_at
    job.state.last_error = row.error
    job.state.failures = row.failures


JOBS: Final = web.AppKey("jobs", Jobs)
