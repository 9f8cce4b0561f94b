"""Turns announcements into mails, batch by batch, beside everything else."""

import asyncio
from typing import Final

import structlog

from persistence.errors import Unavailable
from persistence.people.announcements import Announcements
from server.base.jobs import Job

POLL_S: Final = 5.0
"""How often one that another process left behind is looked for."""

PAUSE_S: Final = 0.05
"""Between two batches: others want the database too."""

log = structlog.get_logger()


class AnnouncementJob:
    """Writes the mails of announcements."""

    def __init__(self, store: Announcements) -> None:
        self._store = store
        self._wanted = asyncio.Event()

    def soon(self) -> None:
        """Look now: there is a new announcement."""
        self._wanted.set()

    async def run(self, job: Job) -> None:
        """Write whatever is to be written, for ever."""
        while True:
            try:
                with job:
                    await self._write()
            except Unavailable as error:
                log.warning("announcements cannot be written", reason=str(error))
            try:
                async with asyncio.timeout(POLL_S):
                    await self._wanted.wait()
            except TimeoutError:
                # There may be one that another process left behind.
                continue
            finally:
                self._wanted.clear()

    async def _write(self) -> None:
        more = True
        while more:
            more = await self._store.write_some()
            await asyncio.sleep(PAUSE_S if more else 0)
