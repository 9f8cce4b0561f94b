"""Numbers of what was committed, counted beside the sale."""

from functools import partial
from typing import Final

from persistence.analytics.analytics import Analytics
from server.events.analytics.examples import EXAMPLES
from server.events.analytics.job import ROLLUP_JOB, RollupJob
from server.events.analytics.rest import ANALYTICS, ROUTES
from server.transport.capability.capability import Capability, Startup

CLOSE_S: Final = 0.3


async def _open(startup: Startup) -> None:
    job, pool = await RollupJob.open(startup.instance.database_url)
    # Nobody waits for its last words: what is not committed is counted again.
    startup.on_stop(partial(pool.close, CLOSE_S))
    job.count_in(startup.metrics)
    startup[ROLLUP_JOB] = job
    startup[ANALYTICS] = Analytics(startup.pool)
    startup.run(job.run(startup.job("analytics")), "analytics")


NUMBERS: Final = Capability(
    name="analytics",
    open=_open,
    routes=ROUTES,
    tags={
        "Analytics": """\
Of an event or an organisation for those who run it, of the whole server for
administrators. Book something first; it counts within seconds.""",
    },
    examples=EXAMPLES,
)
