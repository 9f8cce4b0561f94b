"""Announcements of organisations, by mail."""

from typing import Final

from persistence.people.announcements import Announcements
from server.live.actors.registry import CATALOG
from server.people.announcements.examples import EXAMPLES
from server.people.announcements.job import AnnouncementJob
from server.people.announcements.rest import ROUTES
from server.people.announcements.service import (
    ANNOUNCEMENT_SERVICE,
    AnnouncementService,
)
from server.people.organisations.membership import MEMBERSHIPS
from server.transport.capability.capability import Capability, Startup
from server.transport.rest.examples import PathParameter


async def _open(startup: Startup) -> None:
    store = Announcements(startup.pool)
    job = AnnouncementJob(store)
    startup[ANNOUNCEMENT_SERVICE] = AnnouncementService(
        store, job, startup[CATALOG], startup[MEMBERSHIPS]
    )
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
