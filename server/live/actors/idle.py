"""Unloads events that nobody uses: their actors, boards and maps.

An event with watchers, here or in another process, with a live hold, or with something
that it must do by itself soon, stays. What is unloaded is loaded again by its next use.
"""

import asyncio
from typing import Final

from inventory.ports import Clock
from server.base import limits
from server.base.jobs import Job
from server.live.actors.registry import EventRegistry, LocalEvent

LOOK_S: Final = 5.0


class IdleEvents:
    """Looks now and then which events of a process are not used any more."""

    def __init__(self, registry: EventRegistry, clock: Clock) -> None:
        self.unloaded = 0
        self._registry = registry
        self._clock = clock

    async def run(self, job: Job) -> None:
        """Unload what is idle, for ever."""
        while True:
            with job:
                await self.sweep()
            await asyncio.sleep(LOOK_S)

    async def sweep(self) -> None:
        """Unload what was idle for so long."""
        registry = self._registry
        crowded = registry.venues.bytes() > limits.VENUES_LOADED_BYTES
        idle_s = limits.EVENT_IDLE_CROWDED_S if crowded else limits.EVENT_IDLE_S
        for served in registry.owned():
            now = self._clock.monotonic()
            if self._is_used(served):
                served.used_at = now
            elif now - served.used_at >= idle_s and await registry.unload(served):
                self.unloaded += 1

    def _is_used(self, served: LocalEvent) -> bool:
        """Return whether an event was used since the last look, or is to stay."""
        actor = served.actor
        used = served.used or actor.used or bool(served.hub.watchers)
        served.used = actor.used = False
        until_ms = self._clock.now_ms() + 2 * limits.OPENING_AHEAD_MS
        return used or not actor.is_idle(until_ms) or self._registry.is_followed(served)
