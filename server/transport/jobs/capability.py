"""Jobs that one process of all does at a time: capabilities add theirs as they open."""

from typing import Final

from persistence.jobs import JobTable
from server.transport.capability.capability import Capability, Startup
from server.transport.jobs.examples import EXAMPLES, JOB
from server.transport.jobs.rest import ROUTES
from server.transport.jobs.scheduler import JOBS, Jobs
from server.transport.rest.examples import PathParameter


async def _open(startup: Startup) -> None:
    table = JobTable(startup.pool)
    startup[JOBS] = jobs = Jobs(table, startup.instance.process, startup.job)
    startup.report("jobs", jobs.health)
    startup.run(jobs.run(), "jobs")

    async def end_first() -> None:
        # What they work with is opened after them, and ends before what was opened
        # earlier: so they are the last to say that they want to end, and end first.
        startup.on_drain(jobs.stop)

    startup.before_ready(end_first)


LEASED: Final = Capability(
    name="jobs",
    open=_open,
    routes=ROUTES,
    parameters={"job": PathParameter("The job's name.", JOB)},
    examples=EXAMPLES,
)
