"""Brings who came late to the event, in steps, beside its owner.

Purpose: rows become places. What came within a step is in an order that chance gave, so
that a quarter of a second of network is worth nothing. Whom the event can serve then it
serves by itself.

Concurrency: one task for an event that has something to feed, in the process that owns
it; none for the others. Any process says over the bus who joined where. That may be
lost: so each looks, once a second, for rows that nobody fed.

Invariants: a row is ranked once, in the commit that feeds it; steps and ranks go on
from those that rows have, so that whoever feeds next needs no memory of this one.
"""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Final

import msgspec
import structlog
from aiohttp import web

from inventory import limits
from inventory.commands import FeedLine
from inventory.line import draw
from inventory.line.wishes import told_bytes
from inventory.replies import Refused
from persistence.errors import Unavailable
from persistence.events.line.feeding import Feeding, LateRow
from persistence.events.line.lines import LineRow, Lines
from server.base.jobs import Job
from server.base.metrics import Histogram
from server.events.line.service import wish_of
from server.live.actors.registry import (
    EventNotFound,
    EventRegistry,
    EventUnavailable,
    LocalEvent,
    ask,
)
from server.transport.bus.bus import Bus

TOPIC: Final = "line joined"
STEP_S: Final = 0.2
"""How long a step gathers: with what follows it is a quarter of a second."""

TELL_S: Final = 0.05
"""So long joins gather until other processes hear of them."""

LOOK_S: Final = 1.0
LEFT_BEHIND_S: Final = 3.0
"""Rows that wait so long have no owner who feeds them."""

AGAIN_S: Final = 0.5
LAG_BUCKETS_S: Final = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
if TYPE_CHECKING:
    from inventory.line.wishes import Wish

log = structlog.get_logger()
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[str]).decode


class Feeders:
    """Feeds the events that this process owns, and tells of those that others do."""

    def __init__(
        self, feeding: Feeding, lines: Lines, registry: EventRegistry, bus: Bus
    ) -> None:
        self.fed = 0
        """Places that this process fed."""
        self.lag = Histogram(
            "onsale_line_feed_lag_seconds",
            "How long the first of a step had waited for a rank when it was fed.",
            LAG_BUCKETS_S,
        )
        self._feeding = feeding
        self._lines = lines
        self._registry = registry
        self._bus = bus
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._untold: set[str] = set()
        bus.subscribe(TOPIC, self._hear, lambda: None)

    def joined(self, event: str) -> None:
        """Take note that somebody joined here: whoever owns the event hears of it."""
        if isinstance(self._registry.active.get(event), LocalEvent):
            self.wake(event)
            return
        if not self._untold:
            asyncio.get_running_loop().call_later(TELL_S, self._tell)
        self._untold.add(event)

    def wake(self, event: str) -> None:
        """Feed an event soon, if it is ours."""
        if event in self._tasks:
            self._again.add(event)
        elif isinstance(self._registry.active.get(event), LocalEvent):
            task = asyncio.create_task(self._feed(event), name=f"feed {event}")
            self._tasks[event] = task
            task.add_done_callback(lambda _: self._ended(event))

    async def run(self, job: Job) -> None:
        """Look once a second for what nobody heard of."""
        while True:
            try:
                with job:
                    for event in await self._feeding.unfed(STEP_S):
                        self.wake(event)
            except Unavailable as error:
                log.warning("nobody is fed", reason=str(error))
            await asyncio.sleep(LOOK_S)

    async def adopt(self) -> None:
        """Have events owned where somebody joined and nobody feeds them.

        Raises `Unavailable`. In one process of all at a time.
        """
        for event in await self._feeding.unfed(LEFT_BEHIND_S):
            try:
                await self._registry.find(event)
            except (EventNotFound, EventUnavailable):
                log.warning("who joined is not fed", event_id=event)
                continue
            self.joined(event)

    async def close(self) -> None:
        """Feed no more; what is under way is ended."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _tell(self) -> None:
        events, self._untold = sorted(self._untold), set()
        self._bus.publish(TOPIC, _encode(events))

    def _hear(self, data: bytes) -> None:
        try:
            events = _decode(data)
        except msgspec.DecodeError as error:
            log.info("who joined cannot be read", error=str(error))
            return
        for event in events:
            self.wake(event)

    def _ended(self, event: str) -> None:
        del self._tasks[event]
        if event in self._again:
            self._again.discard(event)
            self.wake(event)

    async def _feed(self, event: str) -> None:
        """Feed step after step, until nobody waits to be fed."""
        try:
            more = True
            while more:
                await asyncio.sleep(STEP_S)
                self._again.discard(event)
                local = self._registry.active.get(event)
                more = isinstance(local, LocalEvent) and await self.step(event, local)
        except Unavailable as error:
            log.warning("a line is not fed", event_id=event, reason=str(error))
            await asyncio.sleep(AGAIN_S)

    async def step(self, event: str, local: LocalEvent) -> bool:
        """Feed one step; return whether there may be more.

        Raises `Unavailable`. What the event does not take is found again later.
        """
        line = await self._lines.find(event)
        if line is None or line.order_key is None or line.phase != "late":
            return False
        rows = await self._feeding.take(event, line.draw, line.entries or 0)
        if not rows:
            return False
        begun = monotonic()
        took = await self._bring(local, line, line.order_key, one_step(rows))
        if took:
            self.lag.add(rows[0].age_s + monotonic() - begun)
        return took

    async def _bring(
        self, local: LocalEvent, line: LineRow, key: bytes, rows: list[LateRow]
    ) -> bool:
        """Bring the rows of a step to the event; return whether it took them all."""
        by_stub = {row.stub: row for row in rows}
        ordered = [by_stub[stub] for stub in draw.late_order_of(key, by_stub)]
        rank = rows[0].after + 1
        for start in range(0, len(ordered), limits.LINE_FEED_MAX):
            some = ordered[start : start + limits.LINE_FEED_MAX]
            command = command_for(line, some, rank + start)
            reply = await ask(local, command, "", False, None, system=True)
            if isinstance(reply, Refused):
                # Somebody else feeds it by now, or the line is over: the rows tell.
                log.warning(
                    "a step was not taken", event_id=line.event_id, code=reply.code
                )
                return False
            self.fed += len(some)
        return True


def one_step(rows: list[LateRow]) -> list[LateRow]:
    """Return the first of some rows whose wishes can be told of in one change.

    Nearly always all of them. The others are taken again for the next step: a step is
    in one order, which only full changes go on in.
    """
    told: set[str] = set()
    size = 0
    for at, row in enumerate(rows):
        if row.wish is None or row.wish in told:
            continue
        told.add(row.wish)
        wish = wish_of(row.wish)
        size += 0 if wish is None else told_bytes([wish])
        if size > limits.LINE_WISHES_BYTES_MAX:
            return rows[:at]
    return rows


def command_for(line: LineRow, rows: Sequence[LateRow], first_rank: int) -> FeedLine:
    """Return the command that feeds rows, which are in their order."""
    wishes: dict[Wish, int] = {}
    classes = bytearray()
    for row in rows:
        wish = wish_of(row.wish)
        number = 0 if wish is None else wishes.setdefault(wish, len(wishes) + 1)
        classes += number.to_bytes(2, "big")
    return FeedLine(
        id=0,
        event=line.event_id,
        draw=line.draw,
        first_rank=first_rank,
        users=[row.user_id for row in rows],
        stubs=b"".join([row.stub for row in rows]),
        classes=bytes(classes),
        wishes=list(wishes),
        step=rows[0].step,
    )


FEEDERS: Final = web.AppKey("feeders", Feeders)
