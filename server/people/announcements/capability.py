"""Announcements of organisations, by mail."""

from typing import Final

from persistence.people.announcements import Announcements
from server.people.announcements.job import ANNOUNCEMENTS, CRIER, Crier
from server.people.announcements.rest import ROUTES
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    startup[ANNOUNCEMENTS] = store = Announcements(startup.pool)
    startup[CRIER] = crier = Crier(store)
    startup.run(crier.run(), "announcements")


ANNOUNCING: Final = Capability(name="announcements", open=_open, routes=ROUTES)
