"""Announcements of organisations, by mail."""

from typing import Final

from persistence.people.announcements import Announcements
from server.people.announcements.examples import EXAMPLES
from server.people.announcements.job import (
    ANNOUNCEMENT_JOB,
    ANNOUNCEMENTS,
    AnnouncementJob,
)
from server.people.announcements.rest import ROUTES
from server.transport.capability.capability import Capability, Startup
from server.transport.rest.examples import PathParameter


async def _open(startup: Startup) -> None:
    startup[ANNOUNCEMENTS] = store = Announcements(startup.pool)
    startup[ANNOUNCEMENT_JOB] = job = AnnouncementJob(store)
    startup.run(job.run(startup.job("announcements")), "announcements")


ANNOUNCING: Final = Capability(
    name="announcements",
    open=_open,
    routes=ROUTES,
    parameters={
        "announcement": PathParameter(
            "The announcement's id.", "ann_3rTy7uIo1pAs5dFg9hJk2L"
        ),
    },
    makes={"announcements": "announcement"},
    examples=EXAMPLES,
)
