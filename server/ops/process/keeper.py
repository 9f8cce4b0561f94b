"""Keeps a program running that we started: our own Postgres, our own Valkey.

It looks twice a second whether the program lives, which also takes it off the system's
list where it does not, and starts it again, with pauses that grow while it dies again.
What must be there and cannot be started for a minute ends the server, with the reason:
whoever looks after the server may know what to do, and an empty shell helps nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from persistence.embedded import (
    EmbeddedPostgres,
    EmbeddedPostgresError,
    EmbeddedValkey,
    EmbeddedValkeyError,
)

LOOK_EVERY_S: Final = 0.5
PAUSE_S_MIN: Final = 0.1
PAUSE_S_MAX: Final = 5.0
SETTLED_S: Final = 30.0
"""What lived so long did not die of its start: it is started again at once."""

GIVE_UP_S: Final = 60.0
"""From a death that long without a start that went well, the server ends."""

EXPECTED: Final = (EmbeddedPostgresError, EmbeddedValkeyError)

log = structlog.get_logger()


class Keeper:
    """Keeps one program running.

    `lives` tells whether it runs, `restart` starts it again and raises one of
    `EXPECTED` where it cannot.
    """

    def __init__(
        self,
        name: str,
        lives: Callable[[], bool],
        restart: Callable[[], Awaitable[object]],
        *,
        needed: bool,
    ) -> None:
        self._name = name
        self._lives = lives
        self._restart = restart
        self._needed = needed
        self._pause_s = PAUSE_S_MIN

    async def run(self) -> None:
        """Look after it for ever.

        Raises what `restart` raised last, where it is needed and stays away.
        """
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self._lives():
                continue
            lived_s = loop.time() - started_at
            if lived_s >= SETTLED_S:
                self._pause_s = PAUSE_S_MIN
            log.error(
                "what we started died", program=self._name, lived_s=round(lived_s, 1)
            )
            await self._bring_back()
            started_at = loop.time()

    async def _bring_back(self) -> None:
        loop = asyncio.get_running_loop()
        died_at = loop.time()
        while True:
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(2 * self._pause_s, PAUSE_S_MAX)
            try:
                await self._restart()
            except EXPECTED as error:
                if self._needed and loop.time() - died_at >= GIVE_UP_S:
                    raise
                log.error(
                    "it cannot be started again",
                    program=self._name,
                    reason=str(error),
                    again_in_s=self._pause_s,
                )
            else:
                away_s = round(loop.time() - died_at, 2)
                log.info("it was started again", program=self._name, after_s=away_s)
                return


def keep_postgres(postgres: EmbeddedPostgres) -> Keeper:
    """Return what keeps our database running; without it nothing can be sold."""
    return Keeper(
        "Postgres",
        lambda: postgres.pid is not None,
        postgres.restart,
        needed=True,
    )


def keep_valkey(valkey: EmbeddedValkey) -> Keeper:
    """Return what keeps our bus running; owners sell to their clients without it."""

    async def restart() -> None:
        valkey.start()

    return Keeper("Valkey", lambda: valkey.pid is not None, restart, needed=False)
