"""Removes, now and then, the outcomes of keyed commands that nobody may ask for."""

import asyncio
from typing import Final

from persistence.journal.results import Results

LOOK_S: Final = 3_600.0
PAUSE_S: Final = 0.05
"""Between two statements: whoever sells goes first."""


async def trim_results(results: Results) -> None:
    """Remove all outcomes that are spent. Raises `Unavailable`."""
    async for _ in results.trim():
        await asyncio.sleep(PAUSE_S)
