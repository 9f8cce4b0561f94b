"""Removes, now and then, the outcomes of keyed commands that nobody may ask for."""

import asyncio
from typing import Final

import structlog

from persistence.errors import Unavailable
from persistence.journal.results import Results
from server.base.jobs import Job

LOOK_S: Final = 3_600.0
PAUSE_S: Final = 0.05
"""Between two statements: whoever sells goes first."""

log = structlog.get_logger()


async def trim_results(results: Results, job: Job) -> None:
    """Look for outcomes that are spent, for ever."""
    while True:
        try:
            with job:
                async for _ in results.trim():
                    await asyncio.sleep(PAUSE_S)
        except Unavailable as error:
            log.warning("outcomes of commands are not trimmed", reason=str(error))
        await asyncio.sleep(LOOK_S)
