"""Keeps the ranking of events by registrations a few seconds old."""

import asyncio
from typing import Final

import structlog

from persistence.errors import Unavailable
from persistence.events.popularity import Popularity
from server.base.jobs import Job

COUNT_EVERY_S: Final = 5.0

log = structlog.get_logger()


async def keep_ranking(popularity: Popularity, job: Job) -> None:
    """Count what was booked, again and again; one process of all does it at a time."""
    while True:
        try:
            with job:
                await popularity.count()
        except Unavailable as error:
            log.warning("registrations could not be counted", error=repr(error))
        await asyncio.sleep(COUNT_EVERY_S)
