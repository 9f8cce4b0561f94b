"""What moves on the terminal while a load runs; elsewhere nothing does."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

WIDTH = 120
"""Of what goes to a file."""

MOVE_EVERY_S = 0.1


def new_console() -> Console:
    """Return the console of the tables, which is stderr."""
    console = Console(stderr=True)
    if not console.is_terminal:
        console.width = WIDTH
    return console


@asynccontextmanager
async def shown(name: str, seconds: float) -> AsyncIterator[None]:
    """Show a bar that is full after so many seconds."""
    console = new_console()
    if not console.is_terminal:
        yield
        return
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(name, total=seconds)
        mover = asyncio.create_task(_move(progress, task, seconds))
        try:
            yield
        finally:
            mover.cancel()
            await asyncio.gather(mover, return_exceptions=True)


async def _move(progress: Progress, task: TaskID, seconds: float) -> None:
    begun = time.monotonic()
    while True:
        done = min(seconds, time.monotonic() - begun)
        progress.update(task, completed=done)
        await asyncio.sleep(MOVE_EVERY_S)
