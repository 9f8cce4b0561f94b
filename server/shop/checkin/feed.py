"""Counts of gates, told to those who watch them: once a second, where they changed.

They are read from the tables, so that it makes no difference which process a gate scans
at, and only of events that somebody watches here: all of them in one statement.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Final

import structlog
from aiohttp import web
from msgspec import Meta, Struct, field

from inventory.commands import EventId
from persistence.errors import Unavailable
from persistence.shop.checkin.counts import ListCounts
from server.base.jobs import Job
from server.live.fanout.frames import Frame
from server.live.fanout.writer import Writer

LOOK_S: Final = 1.0
WATCHED_MAX: Final = 20
"""Events whose gates one connection watches."""

ListId = Annotated[str, Meta(min_length=1, max_length=100)]

log = structlog.get_logger()


class WatchGate(Frame, tag="watch_gate"):
    """Hear how an event's check-in goes: of all its lists, or of one.

    Asked again, it replaces what was asked before for this event.
    """

    event: EventId
    list: ListId | None = None


class UnwatchGate(Frame, tag="unwatch_gate"):
    """Hear of an event's check-in no longer."""

    event: EventId


class GateFrame(Struct, tag_field="op", tag="gate"):
    """How many are `in` now, went `out`, and entered in the last minute.

    `double` are entries with a ticket whose holder was in, `revoked` those with one
    that was good no longer.
    """

    event: str
    list: str
    come: int = field(name="in")
    out: int
    double: int
    revoked: int
    per_min: int


class GateFeed:
    """Those who watch gates in this process."""

    def __init__(
        self, counts: Callable[[list[str]], Awaitable[Sequence[ListCounts]]]
    ) -> None:
        self._counts = counts
        self._watchers: dict[Writer, dict[str, str | None]] = {}
        self._told: dict[Writer, dict[tuple[str, str], ListCounts]] = {}

    def watch(self, writer: Writer, event: str, name: str | None) -> bool:
        """Tell somebody of an event from now on; False where it watches too many."""
        watched = self._watchers.setdefault(writer, {})
        if event not in watched and len(watched) >= WATCHED_MAX:
            return False
        watched[event] = name
        self._forget(writer, event)
        return True

    def unwatch(self, writer: Writer, event: str) -> None:
        """Tell somebody of an event no longer."""
        watched = self._watchers.get(writer, {})
        watched.pop(event, None)
        self._forget(writer, event)
        if not watched:
            self.leave(writer)

    def leave(self, writer: Writer) -> None:
        """Tell somebody nothing any more."""
        self._watchers.pop(writer, None)
        self._told.pop(writer, None)

    async def look(self) -> None:
        """Tell all who watch what changed. Raises `Unavailable`."""
        events = {event for some in self._watchers.values() for event in some}
        if not events:
            return
        counts = await self._counts(sorted(events))
        for writer, watched in list(self._watchers.items()):
            # Who takes nothing hears of it when it does: only the last counts matter.
            if not writer.roomy():
                continue
            told = self._told.setdefault(writer, {})
            for one in counts:
                place = one.event_id, one.list_id
                wanted = watched.get(one.event_id, "") in (None, one.list_id)
                if wanted and told.get(place) != one:
                    told[place] = one
                    writer.send(_frame_of(one))

    async def run(self, job: Job) -> None:
        """Look once a second, for ever: each process tells its own who watch."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                with job:
                    await self.look()
            except Unavailable as error:
                log.debug("gates are not counted", reason=str(error))

    def _forget(self, writer: Writer, event: str) -> None:
        """Tell somebody of an event anew, whatever it was told."""
        told = self._told.get(writer, {})
        for place in [place for place in told if place[0] == event]:
            del told[place]


def _frame_of(one: ListCounts) -> GateFrame:
    return GateFrame(
        event=one.event_id,
        list=one.list_id,
        come=one.come,
        out=one.gone,
        double=one.double,
        revoked=one.revoked,
        per_min=one.per_min,
    )


GATE_FEED: Final = web.AppKey("gate feed", GateFeed)
"""Tells those who watch gates what these count."""
