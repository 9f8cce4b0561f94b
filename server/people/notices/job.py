"""Reminds of what begins soon, and tells holders whatever all of them are to know."""

import asyncio
from typing import Final

from persistence.people.notices.rounds import Rounds

EVERY_S: Final = 5.0
"""How often somebody looks what is to be told."""

PAUSE_S: Final = 0.02
"""Between two slices: sales want the database too."""


class RoundsJob:
    """Goes on with rounds, in one process of all at a time."""

    def __init__(self, rounds: Rounds, reminder_hours: int) -> None:
        self._rounds = rounds
        self._hours = reminder_hours

    async def run(self) -> None:
        """Tell whatever is to be told now. Raises `Unavailable`."""
        if self._hours:
            await self._rounds.remind(self._hours)
        more = True
        while more:
            more = await self._rounds.write_some()
            await asyncio.sleep(PAUSE_S if more else 0)
