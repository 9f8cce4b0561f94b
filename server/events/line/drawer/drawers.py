"""Which draws this process runs: those of the events that it owns.

Concurrency: one task for an event whose list is about to close, or whose draw is not
done, in the process that owns it; none for the others. Each looks once a second. An
event that nobody owns then is given an owner.
"""

import asyncio
from typing import Final

import msgspec
import structlog
from aiohttp import web

from inventory.ports import Clock
from persistence.errors import Unavailable
from persistence.events.line.lists import Lists
from server.base.jobs import Job
from server.base.refusals.refusals import Refusal
from server.events.line.drawer.drawer import Drawer, NotNow, OutOfRounds, Over
from server.live.actors.registry import (
    EventNotFound,
    EventRegistry,
    EventUnavailable,
    LocalEvent,
)
from server.transport.bus.bus import Bus
from server.transport.children.workshop import Busy, Failed

TOPIC: Final = "line draws"
LOOK_S: Final = 1.0
AHEAD_MS: Final = 5_000
"""So long before a list closes its draw has a task."""

ADOPT_MS: Final = 20_000
"""So long before it closes its event has an owner."""

AGAIN_S: Final = 0.5
STUCK_S: Final = 10.0
"""When a draw is looked at again that only people can help."""

log = structlog.get_logger()
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(str).decode


class Drawers:
    """Runs the draws of this process's events."""

    def __init__(
        self,
        drawer: Drawer,
        lists: Lists,
        registry: EventRegistry,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self.drawn = 0
        """Draws that this process brought to their end."""
        self._drawer = drawer
        self._lists = lists
        self._registry = registry
        self._bus = bus
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        bus.subscribe(TOPIC, self._hear, lambda: None)

    def ask(self, event: str) -> None:
        """Have whoever owns an event look at its draw now."""
        self.wake(event)
        self._bus.publish(TOPIC, _encode(event))

    def wake(self, event: str) -> None:
        """Run the draw of an event, if it is ours."""
        local = self._registry.active.get(event)
        if event not in self._tasks and isinstance(local, LocalEvent):
            task = asyncio.create_task(self._run(event, local), name=f"draw {event}")
            self._tasks[event] = task
            task.add_done_callback(lambda _: self._tasks.pop(event, None))

    async def run(self, job: Job) -> None:
        """Look once a second which lists close, and which draws were left."""
        while True:
            try:
                with job:
                    now_ms = self._clock.now_ms()
                    for event in await self._lists.due(now_ms + AHEAD_MS):
                        self.wake(event)
            except Unavailable as error:
                log.warning("nothing is drawn", reason=str(error))
            await asyncio.sleep(LOOK_S)

    async def adopt(self) -> None:
        """Have events owned whose list is about to close.

        Raises `Unavailable`. In one process of all at a time.
        """
        for event in await self._lists.due(self._clock.now_ms() + ADOPT_MS):
            try:
                served = await self._registry.find(event)
            except (EventNotFound, EventUnavailable):
                log.warning("a line is not drawn", event_id=event)
                continue
            # Else whoever needs no sale yet lets it go before the list closes.
            served.used = True

    async def close(self) -> None:
        """Draw no more; whoever goes on finds what was done."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _hear(self, data: bytes) -> None:
        try:
            self.wake(_decode(data))
        except msgspec.MsgspecError as error:
            log.info("which line to draw cannot be read", error=str(error))

    async def _run(self, event: str, local: LocalEvent) -> None:
        """Run a draw to its end, or until it cannot go on; it is looked at again."""
        try:
            await self._drawer.run(event, local)
        except Over:
            return
        except (Unavailable, NotNow, Busy, Failed) as error:
            log.warning("a draw is begun again", event_id=event, reason=repr(error))
            await asyncio.sleep(AGAIN_S)
        except (OutOfRounds, Refusal) as error:
            log.error("a draw needs somebody", event_id=event, reason=repr(error))
            await asyncio.sleep(STUCK_S)
        else:
            self.drawn += 1
            log.info("a line was drawn", event_id=event)


DRAWERS: Final = web.AppKey("drawers", Drawers)
