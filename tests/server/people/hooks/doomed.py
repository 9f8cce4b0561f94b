"""A process that sends webhooks and dies: `python -m … URL SECRET STEP`.

It dies as by `kill -9`, before or after one of the things that it does.
"""

import asyncio
import os
import signal
import sys
from typing import Any, Final

from persistence.people.hooks.deliveries import Deliveries, Outcome, TakenHook
from persistence.postgres.pool import Pool
from server.people.hooks.secret_box import SecretBox
from server.people.hooks.sender import HookSender

STEPS: Final = ("taken", "answered", "noted", "given back")


class Doomed(Deliveries):
    """Ends its process at a step."""

    def __init__(self, pool: Pool, step: str) -> None:
        super().__init__(pool)
        self._step = step

    async def take(self, *args: Any) -> list[TakenHook]:
        """Take, and perhaps no more."""
        taken = await super().take(*args)
        self._reach("taken")
        return taken

    async def note(self, hook: str, delivery: str, outcome: Outcome) -> None:
        """Note, perhaps not before the end, perhaps as the last thing."""
        self._reach("answered")
        await super().note(hook, delivery, outcome)
        self._reach("noted")

    async def give_back(self, hook: TakenHook) -> None:
        """Give back as the last thing."""
        await super().give_back(hook)
        self._reach("given back")

    def _reach(self, step: str) -> None:
        if step == self._step:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, secret: str, step: str) -> None:
    """Send until that step."""
    pool = await Pool.open(url)
    deliveries = Doomed(pool, step)
    await HookSender(deliveries, SecretBox([secret]), private=True).settle()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
