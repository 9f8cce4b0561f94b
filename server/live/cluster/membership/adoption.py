"""Events that nobody looks after though something may fall due in them."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from persistence.errors import Unavailable
from server.base import limits
from server.base.jobs import Job

log = structlog.get_logger()


class OrphanSource(Protocol):
    """Where to ask for them; `persistence.processes.Processes` is one."""

    async def orphans(self, limit: int) -> list[tuple[str, str]]:
        """Return events that nobody owns, and who had them. Raises `Unavailable`."""


async def adopt(
    processes: OrphanSource, take: Callable[[list[str]], None], job: Job
) -> None:
    """Let events be taken whose owner died, or stopped while something was due.

    Their holds must end in time though nobody asks for them.
    """
    while True:
        await asyncio.sleep(limits.ADOPT_S)
        try:
            with job:
                orphans = await processes.orphans(limits.ADOPTED_AT_ONCE_MAX)
        except Unavailable as error:
            log.warning("orphaned events could not be looked up", error=str(error))
        else:
            take([event for event, _ in orphans])
