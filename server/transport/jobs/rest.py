"""What the server does again and again, and doing it now; for administrators."""

from datetime import datetime
from typing import Final, Literal

from aiohttp import web
from msgspec import Struct

from persistence.jobs import JobRow
from server.base.refusals.refusals import Refusal
from server.transport.http.problems import BAD_FIELD, UNAVAILABLE
from server.transport.jobs.problems import JOB_NOT_FOUND
from server.transport.jobs.scheduler import JOBS, is_overdue
from server.transport.rest.call import Call
from server.transport.rest.route import Route


class JobDocument(Struct):
    """A job: when it comes, who has or had it, and how its last runs went."""

    job: str
    state: Literal["waiting", "taken"]
    every_s: float
    next_at: datetime
    overdue: bool
    """Whether it is so late that somebody should look."""
    process: str | None
    """Which has it, or had it last."""
    began_at: datetime | None
    ok_at: datetime | None
    """When it was done last."""
    took_ms: int | None
    failed_at: datetime | None
    failures: int
    """Runs that failed one after the other, up to now."""
    error: str | None
    """Of what kind the last error was, also after it has recovered."""


class JobList(Struct):
    """All jobs, by name."""

    items: list[JobDocument]


async def list_jobs(call: Call) -> web.Response:
    """Tell of the jobs that one process of all does at a time."""
    rows = await call[JOBS].states()
    return call.read(JobList([_document(row) for row in rows]))


async def run_job(call: Call) -> web.Response:
    """Let a job be done now, by whichever process takes it first.

    One that runs is done once more. The answer does not wait for it.
    """
    # A second time is none where it was not begun yet, and does no harm where it was.
    name = call.path("job", JOB_NOT_FOUND)
    if not await call[JOBS].run_now(name):
        raise Refusal(JOB_NOT_FOUND)
    (row,) = [row for row in await call[JOBS].states() if row.name == name]
    return call.answer(_document(row), status=202)


def _document(row: JobRow) -> JobDocument:
    return JobDocument(
        row.name,
        "taken" if row.taken else "waiting",
        row.every_s,
        row.next_at,
        is_overdue(row),
        row.by,
        row.began_at,
        row.ok_at,
        row.took_ms,
        row.failed_at,
        row.failures,
        row.error,
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/jobs",
        handler=list_jobs,
        name="list_jobs",
        summary="List what one process of all does again and again",
        tag="Operation",
        access="admin",
        answers=JobList,
        cached=True,
        problems=(UNAVAILABLE,),
    ),
    Route(
        method="POST",
        path="/v1/jobs/{job}/run",
        handler=run_job,
        name="run_job",
        summary="Let a job be done now",
        tag="Operation",
        access="admin",
        answers=JobDocument,
        status=202,
        keyed=True,
        problems=(BAD_FIELD, JOB_NOT_FOUND, UNAVAILABLE),
    ),
)
