"""What those who manage an event do to its line, each a command in its journal."""

from typing import Final, Literal

from aiohttp import web
from msgspec import Struct

from inventory.commands import SetLine
from inventory.ports import Clock
from persistence.errors import Revisions, refuse_stale
from persistence.events.line.lines import LineCounts, LineRow, Lines
from persistence.events.line.lists import ListRow, Lists
from persistence.events.line.looks import Looks
from server.base.identity import Identity
from server.base.refusals.refusals import CommandRefused, Refusal
from server.events.catalogue.service import EventService, FoundEvent, ManagedEvent
from server.events.line.opening import LineOpening
from server.events.line.rules import TellablePhase, order_is_known, phase_of
from server.events.line.service import order
from server.live.fanout.event_feed import room_of

NOBODY: Final = LineCounts(0, 0, 0)
COUNTED_S: Final = 1.0
"""How long entries that were counted are told to anybody."""

COUNTED_MAX: Final = 1_000

Act = Literal["pause", "resume", "close"]


class ShownLine(Struct, frozen=True):
    """The line of an event as anybody may see it."""

    event: FoundEvent
    row: LineRow | None
    phase: TellablePhase
    counts: LineCounts
    listed: ListRow | None = None
    """The list of its draw, once that is fixed."""


class LineControl:
    """Shows lines, opens them, and lets managers change how they go on.

    Raises `Unavailable`, and `Refusal`.
    """

    def __init__(
        self,
        events: EventService,
        opening: LineOpening,
        lines: Lines,
        lists: Lists,
        clock: Clock,
    ) -> None:
        self._events = events
        self._opening = opening
        self._lines = lines
        self._rows = Looks(lines.several)
        self._lists = lists
        self._clock = clock
        self._counts: dict[str, tuple[float, LineCounts]] = {}

    async def show(self, who: Identity | None, event: str) -> ShownLine:
        """Return a line: nothing of it asks the event's owner.

        Its entries are counted once a second, however many ask.
        """
        found = await self._events.find(who, event)
        row = await self._rows.find(event)
        counts = NOBODY if row is None else await self._counted(row)
        listed = await self._listed(row)
        return ShownLine(found, row, self.phase(found, row), counts, listed)

    async def open(self, who: Identity, event: str) -> ShownLine:
        """Open the line of an event, for anybody to join."""
        found = await self._events.find_managed(who, event)
        await self._opening.open(found)
        return await self._shown(found)

    async def act(self, who: Identity, event: str, act: Act) -> ShownLine:
        """Pause a line, resume it, or close it for good."""
        found = await self._events.find_managed(who, event)
        row = await self._opened(event)
        if act == "close":
            await self._close(found, who, row)
        else:
            await self._set(found, who, SetLine(id=0, event=event, act=act))
            if row.paused != (act == "pause"):
                await self._lines.note_change(event, paused=act == "pause")
        return await self._shown(found)

    async def managed(self, who: Identity, event: str) -> ManagedEvent:
        """Return an event to somebody who manages it."""
        return await self._events.find_managed(who, event)

    async def change(
        self,
        event: ManagedEvent,
        command: SetLine | None,
        paused: bool | None,
        seen: Revisions = None,
    ) -> ShownLine:
        """Change how a line goes on, and whether it does. Raises `Stale`."""
        row = await self._opened(event.id)
        refuse_stale(row.revision, seen)
        if command is not None:
            await self._set(event, event.who, command)
        if paused is not None:
            act: Act = "pause" if paused else "resume"
            await self._set(event, event.who, SetLine(id=0, event=event.id, act=act))
        await self._lines.note_change(event.id, paused)
        return await self._shown(event)

    async def _close(self, event: FoundEvent, who: Identity, row: LineRow) -> None:
        """Close a line, its row first: whoever is told that they are in is in it.

        It goes on where its order is known and not drawn: what came out is not thrown
        away. `wrong_state` then.
        """
        is_over = row.phase == "over"
        if not is_over and order_is_known(row, self._clock.now_ms()):
            raise Refusal("wrong_state", "Its order is known: draw it first.")
        closed = await self._lines.move(row, "over")
        if closed.phase != "over":
            # Its list was closed meanwhile.
            row, closed = closed, await self._lines.move(closed, "over")
        try:
            await self._set(event, who, SetLine(id=0, event=event.id, act="close"))
        except CommandRefused as refused:
            if refused.code == "wrong_state":
                # The round came out in between; or did, and whoever asked then died.
                await self._lines.move(closed, "late" if is_over else row.phase)
            # The sale ended it before.
            if refused.code != "line_over":
                raise
        if row.phase != "over":
            await self._lines.note_change(event.id)

    def phase(self, event: FoundEvent, row: LineRow | None) -> TellablePhase:
        """Return the phase of a line as it is now."""
        board = event.board
        return phase_of(row, board.settings, *room_of(board), self._clock.now_ms())

    async def phase_of(self, event: FoundEvent) -> TellablePhase:
        """Return the phase of an event's line as it is now."""
        return self.phase(event, await self._rows.find(event.id))

    async def _shown(self, event: FoundEvent) -> ShownLine:
        row = await self._lines.find(event.id)
        counts = NOBODY if row is None else await self._lines.counts(row)
        listed = await self._listed(row)
        return ShownLine(event, row, self.phase(event, row), counts, listed)

    async def _listed(self, row: LineRow | None) -> ListRow | None:
        if row is None or row.mode != "draw" or row.root is None:
            return None
        return await self._lists.find(row.event_id, row.draw)

    async def _counted(self, row: LineRow) -> LineCounts:
        now = self._clock.monotonic()
        known = self._counts.get(row.event_id)
        if known is None or now - known[0] > COUNTED_S:
            if len(self._counts) >= COUNTED_MAX:
                self._counts.clear()
            known = now, await self._lines.counts(row)
            self._counts[row.event_id] = known
        return known[1]

    async def _opened(self, event: str) -> LineRow:
        row = await self._lines.find(event)
        if row is None or row.phase == "opening":
            raise Refusal("line_not_open")
        return row

    async def _set(self, event: FoundEvent, who: Identity, command: SetLine) -> None:
        await order(event, who.user, command, organizer=True)


LINE_CONTROL: Final = web.AppKey("line control", LineControl)
