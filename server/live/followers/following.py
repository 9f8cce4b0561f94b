"""One follower, and what it does in this process: soon where something was committed.

Purpose: it goes on with the events that this process heard of, and once a second with
whatever else it is behind with. An event that it stumbles over waits longer each time
and holds up no other.
"""

import asyncio
from collections.abc import Iterable
from time import monotonic
from typing import Final

import structlog
from msgspec import Struct

from persistence.errors import Unavailable
from persistence.followers.follower import Follower
from persistence.followers.passes import Passes
from persistence.journal.stretches import Behind
from server.base.jobs import Job

LOOK_S: Final = 1.0
"""How often it is looked what is not followed yet, whoever committed it."""

AGAIN_S: Final = 0.05
"""How soon it goes on where something was left: what comes meanwhile is one stretch."""

BACKOFF_S_MIN: Final = 1.0
BACKOFF_S_MAX: Final = 60.0
TROUBLES_MAX: Final = 1_000

log = structlog.get_logger()


class Trouble(Struct):
    """An event that a follower cannot go on with."""

    kind: str
    failures: int
    until: float
    """It is left alone until then, by our monotonic clock."""


class Following:
    """One follower in one process."""

    def __init__(
        self,
        follower: Follower,
        passes: Passes,
        marks: int,
        after: str | None = None,
    ) -> None:
        self.follower = follower
        self.after = after
        """The follower whose effects it needs, and goes no farther than."""
        self.then: list[Following] = []
        """Those who come after this one."""
        self.behind = Behind([])
        """As of the last look."""
        self.followed = 0
        """Changes whose effects this process made."""
        self.troubles: dict[str, Trouble] = {}
        self._passes = passes
        self._marks = marks
        self._waiting: dict[str, None] = {}
        self._woken = asyncio.Event()
        self._look_at = 0.0

    def wake(self, events: Iterable[str]) -> None:
        """Go on with these events soon: something was committed."""
        self._waiting |= dict.fromkeys(events)
        self._woken.set()

    async def run(self, job: Job) -> None:
        """Follow for ever."""
        while True:
            try:
                with job:
                    await self.go_on()
            except Unavailable as error:
                name = self.follower.name
                log.warning("nothing is followed", follower=name, reason=str(error))
                await asyncio.sleep(LOOK_S)
            if self._waiting:
                await asyncio.sleep(AGAIN_S)
            else:
                await self._rest()

    async def go_on(self) -> None:
        """Let the follower have one stretch of each event that waits for it.

        Raises `Unavailable`; what was not followed then is found by the next look.
        """
        self._woken.clear()
        if monotonic() >= self._look_at:
            resting = [one for one in self.troubles if self._is_resting(one)]
            name = self.follower.name
            self.behind = await self._passes.behind(name, resting, self._marks)
            self._look_at = monotonic() + LOOK_S
            self._waiting |= dict.fromkeys(self.behind.events)
        events, self._waiting = self._waiting, {}
        for event in events:
            if not self._is_resting(event) and await self._step(event):
                self._waiting[event] = None

    async def _step(self, event: str) -> bool:
        """Let it have a stretch; return whether something is left."""
        try:
            passed = await self._passes.step(
                self.follower, event, self.after, self._marks
            )
        except Unavailable as error:
            # Perhaps it is only about this event, and the others can go on next time.
            self._stumbled(event, error)
            raise
        except Exception as error:
            self._stumbled(event, error)
            return False
        self.followed += passed.versions
        if passed.versions or not passed.more:
            self.troubles.pop(event, None)
        if passed.versions:
            for one in self.then:
                one.wake([event])
        return passed.more

    def _stumbled(self, event: str, error: Exception) -> None:
        """Leave an event alone for a while, and say so once until it goes on.

        Its cursor stays where it is, so it is the same changes that it stumbles over.
        """
        kind, known = type(error).__name__, self.troubles.get(event)
        failures = 1 if known is None else known.failures + 1
        if known is None or known.kind != kind:
            log.error(
                "a follower cannot go on",
                follower=self.follower.name,
                event_id=event,
                exc_info=error,
            )
        if known is None and len(self.troubles) >= TROUBLES_MAX:
            self.troubles.clear()
        wait_s = min(BACKOFF_S_MAX, BACKOFF_S_MIN * 2.0 ** min(failures - 1, 20))
        self.troubles[event] = Trouble(kind, failures, monotonic() + wait_s)

    def _is_resting(self, event: str) -> bool:
        trouble = self.troubles.get(event)
        return trouble is not None and trouble.until > monotonic()

    async def _rest(self) -> None:
        """Wait until something is committed here, or for the next look."""
        try:
            async with asyncio.timeout(max(0.0, self._look_at - monotonic())):
                await self._woken.wait()
        except TimeoutError:
            pass  # Then it is time to look.
