"""EventFeed events: who hears of events as they appear, change, go, and fill up.

Purpose: a page that lists events need not ask again and again. Whoever sends
`watch_events` is told what becomes of all events, or of those of an organisation, or of
named ones.

These are hints, and the list of events is the truth. A hint is made once, by the
process that owns the event (or edited its entry in the catalogue), and told to all
others over the bus, which may lose it; one for a client without room is dropped; what
happens while an event changes its owner may be told by nobody. Nobody at all is told of
drafts: an event appears when it is published.

Cost: a batch adds an event to a set, and no more. All else is done `LOOK_S` later, once
for whatever happened meanwhile, in slices that leave the loop to others.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
import structlog
from msgspec import Meta, Struct

from inventory.commands import EventId
from inventory.settings import Settings
from persistence.errors import Unavailable
from server.base import limits
from server.live.fanout.board import Board
from server.live.fanout.frames import Codec, Frame
from server.live.fanout.writer import Writer
from server.transport.bus.bus import Bus

TOPIC: Final = "live events"
LOOK_S: Final = 0.25
HINTS_WAITING_MAX: Final = 1_024
"""Hints that wait to be told here; beyond them the oldest are dropped."""

EVENTS_HEARD_MAX: Final = 100
"""So many events can be named in one `watch_events`, and fit into its frame."""

LEVELS: Final = (80, 95, 100)
"""Per cent of an event that are taken when those who listen are warned."""

HYSTERESIS: Final = 2
"""An event has to fall so far below a level before that is told again."""

Kind = Literal["new_event", "event_updated", "event_deleted"]
Describe = Callable[[str], Awaitable[dict[str, Any] | None]]
"""Returns an event as the list shows it, in plain values; raises `Unavailable`."""

log = structlog.get_logger()


class FedEvent(Protocol):
    """What is looked at here: an event's committed board, and how full it was."""

    board: Board
    level: int | None
    """The level that was told last; None where that is for others to tell."""


class WatchEvents(Frame, tag="watch_events"):
    """Hear of events that appear, change, go or fill up: of all, or only of these.

    Asked again, it replaces what was asked before.
    """

    organisation: EventId | None = None
    events: (
        Annotated[list[EventId], Meta(min_length=1, max_length=EVENTS_HEARD_MAX)] | None
    ) = None


class UnwatchEvents(Frame, tag="unwatch_events"):
    """Hear of events no longer."""


class Capacity(Struct, tag_field="op", tag="capacity"):
    """So many per cent of the event are taken: 80, 95, or 100 where nothing is free.

    `capacity` is what may be sold: all seats and places but the blocked ones. Told once
    when the level is reached, and again after the event fell well below it.
    """

    event: str
    level: int
    free: int
    capacity: int


class Hint(Struct, frozen=True):
    """One frame on its way, and whom it concerns.

    Its values are plain ones: both codecs say them alike.
    """

    event: str
    organisation: str | None
    frame: dict[str, Any]


class Said(Struct, array_like=True):
    """A hint as processes tell it to each other."""

    sender: str
    hint: Hint


class Interest(Struct, frozen=True):
    """Which events a session wants to hear of; None is any."""

    organisation: str | None
    events: frozenset[str] | None

    def covers(self, hint: Hint) -> bool:
        """Return whether a hint is about one of them."""
        if self.events is not None and hint.event not in self.events:
            return False
        return self.organisation is None or self.organisation == hint.organisation


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Said).decode


class EventFeed:
    """The live events of one process.

    `owns` tells whether this process speaks for an event, `organisation_of` whose that
    is.
    """

    def __init__(self) -> None:
        self.listeners: dict[Writer, Interest] = {}
        self.told = 0
        self.dropped = 0
        """Hints that a client had no room for, or that came too fast."""
        self.describe: Describe | None = None
        self.owns: Callable[[str], bool] = _everything
        self.organisation_of: Callable[[str], str | None] = _nobody
        self._tell: Callable[[Hint], None] = _alone
        self._moved: set[FedEvent] = set()
        self._changed: dict[FedEvent, Settings] = {}
        """Events whose settings changed, and what they were before that."""
        self._edited: set[FedEvent] = set()
        self._hints: deque[Hint] = deque()

    def listen(self, writer: Writer, wanted: WatchEvents) -> None:
        """Tell a session of events from now on; what it wanted before is forgotten."""
        events = None if wanted.events is None else frozenset(wanted.events)
        self.listeners[writer] = Interest(wanted.organisation, events)

    def leave(self, writer: Writer) -> None:
        """Tell a session no more."""
        self.listeners.pop(writer, None)

    def published(self, event: FedEvent, before: Settings) -> None:
        """Take note of a committed batch: on the path of every command."""
        self._moved.add(event)
        if event.board.settings is not before:
            self._changed.setdefault(event, before)

    def loaded(self, event: FedEvent, before: Settings, *, anew: bool) -> None:
        """Take note of a state that was (re)loaded; `anew`: nothing was known here."""
        if anew or event.level is None:
            event.level = level_of(event.board)
        if not anew:
            self.published(event, before)

    def edited(self, event: FedEvent) -> None:
        """Tell that what the catalogue says of an event was edited here."""
        self._edited.add(event)

    def connect(self, bus: Bus, me: str) -> None:
        """Tell the other processes what is told here, and hear it from them."""

        def hear(data: bytes) -> None:
            try:
                said = _decode(data)
            except msgspec.DecodeError:
                # Of another version: the list says it in words that all know.
                log.debug("a hint that nobody here understands")
                return
            # What is said is heard by whoever says it, too.
            if said.sender != me:
                self._queue(said.hint)

        def tell(hint: Hint) -> None:
            bus.publish(TOPIC, _encode(Said(me, hint)))

        self._tell = tell
        # What is lost meanwhile is in the list of events.
        bus.subscribe(TOPIC, hear, _alone_again)

    async def run(self) -> None:
        """Look at what happened, and tell of it, for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        """Tell what happened since the last look."""
        slice_ = _Slice()
        edited, self._edited = self._edited, set()
        changed, self._changed = self._changed, {}
        moved, self._moved = self._moved, set()
        for event, before in changed.items():
            if self.owns(event.board.event):
                kind = kind_of(before, event.board.settings)
                if kind is not None:
                    edited.discard(event)
                    await self._announce(event, kind)
        for event in edited:
            if _is_public(event.board.settings):
                await self._announce(event, "event_updated")
        for event in moved:
            self._measure(event)
            await slice_.rest()
        while self._hints:
            await self._deliver(self._hints.popleft(), slice_)

    async def _announce(self, event: FedEvent, kind: Kind) -> None:
        """Tell everybody what became of an event."""
        if not self.listeners and self._tell is _alone:
            return
        name = event.board.event
        frame: dict[str, Any] = {"op": kind, "event": name}
        if kind != "event_deleted":
            assert self.describe is not None
            try:
                shown = await self.describe(name)
            except Unavailable as error:
                log.warning("a hint was not told", about=name, reason=str(error))
                return
            if shown is None or not _is_public(event.board.settings):
                return
            frame |= shown
        self._say(frame)

    def _measure(self, event: FedEvent) -> None:
        """Tell the levels that an event has reached."""
        board = event.board
        if not self.owns(board.event):
            # Whoever becomes its owner begins with the state that it finds.
            event.level = None
            return
        before, free, capacity = event.level, *room_of(board)
        event.level = now = next_level(before or 0, free, capacity)
        if before is None or not is_for_sale(board.settings):
            return
        for level in LEVELS:
            if before < level <= now:
                told = Capacity(board.event, level, free, capacity)
                self._say(msgspec.to_builtins(told))

    def _say(self, frame: dict[str, Any]) -> None:
        """Tell a frame here and in the other processes."""
        event = frame["event"]
        hint = Hint(event, self.organisation_of(event), frame)
        self._queue(hint)
        self._tell(hint)

    def _queue(self, hint: Hint) -> None:
        if not self.listeners:
            return
        if len(self._hints) >= HINTS_WAITING_MAX:
            self._hints.popleft()
            self.dropped += 1
        self._hints.append(hint)

    async def _deliver(self, hint: Hint, slice_: "_Slice") -> None:
        """Write a hint to all who want it and have room."""
        frames: dict[Codec, bytes] = {}
        for count, (writer, interest) in enumerate(list(self.listeners.items())):
            if not count & 15:
                await slice_.rest()
            if not interest.covers(hint):
                continue
            if writer.is_over() or not writer.roomy():
                self.dropped += 1
                continue
            codec = writer.codec
            if codec not in frames:
                frames[codec] = codec.pack(hint.frame)
            writer.write(frames[codec])
            self.told += 1


class _Slice:
    """Leaves the loop to others after a while, for longer than it was taken."""

    def __init__(self) -> None:
        self._began = monotonic()

    async def rest(self) -> None:
        """Go on, or pause where the slice is used up."""
        took_s = monotonic() - self._began
        if took_s > limits.FANOUT_SLICE_S:
            await asyncio.sleep(took_s * (1 / limits.FANOUT_SHARE_MAX - 1))
            self._began = monotonic()


def kind_of(before: Settings, now: Settings) -> Kind | None:
    """Return what a change of settings is to those who see no drafts."""
    if not _is_public(now):
        return "event_deleted" if now.deleted and _is_public(before) else None
    if not _is_public(before):
        return "new_event"
    return None if before == now else "event_updated"


def is_for_sale(settings: Settings) -> bool:
    """Return whether anybody wants to know how full this event is."""
    return settings.sale_state in {"scheduled", "on_sale", "paused"} and _is_public(
        settings
    )


def room_of(board: Board) -> tuple[int, int]:
    """Return how many seats and places are free, and how many may be sold at all."""
    letters = board.letters
    free, blocked = letters.count(b"f"), letters.count(b"x")
    total = len(letters)
    for free_, held, booked, blocked_ in board.areas:
        free += free_
        blocked += blocked_
        total += free_ + held + booked + blocked_
    return free, total - blocked


def level_of(board: Board) -> int:
    """Return the level that an event has reached, 0 for none."""
    return next_level(0, *room_of(board))


def next_level(before: int, free: int, capacity: int) -> int:
    """Return the level of an event that was at `before`."""
    taken = capacity - free
    if not capacity:
        return 0
    reached = max((one for one in LEVELS if taken * 100 >= one * capacity), default=0)
    # Down only where it is well below: else it would be told for each seat that comes
    # free and goes again.
    kept = max(
        (
            one
            for one in LEVELS
            if one <= before and taken * 100 >= (one - HYSTERESIS) * capacity
        ),
        default=0,
    )
    return max(reached, kept)


def _is_public(settings: Settings) -> bool:
    return settings.sale_state != "draft" and not settings.deleted


def _everything(event: str) -> bool:
    """Alone, a process speaks for all events."""
    return True


def _nobody(event: str) -> None:
    """Where there are no organisations, no event belongs to one."""


def _alone(hint: Hint) -> None:
    """Alone, there is nobody to tell."""


def _alone_again() -> None:
    """Nothing is done about what was lost."""
