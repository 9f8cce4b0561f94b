"""A process that draws a line and dies of SIGKILL before one of its statements.

`python -m tests.server.events.line.drawer.dying URL STATEMENT`; without dying it ends
with 0.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from tests.server.events.line.drawer.hall import open_hall


class Deadly:
    """Lists, the last thing that a process sees of which is one statement."""

    def __init__(self, lists: Any, until: str) -> None:
        self._lists, self._until = lists, until

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a statement, or die."""
        if name == self._until:
            os.kill(os.getpid(), signal.SIGKILL)
        method: Callable[..., Any] = getattr(self._lists, name)
        return method


async def main(url: str, until: str) -> None:
    """Draw the line of the event."""
    async with open_hall(url, people=False) as hall:
        listed = await hall.lists.find("evt", 1)
        if listed is not None:
            # Whoever died had set its clock forward.
            await hall.skip_to(listed.closed_ms)
        drawer = hall.make_drawer(Deadly(hall.lists, until))
        await drawer.run("evt", await hall.local())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
