"""Who on this process watches which event, and telling them what changed.

Purpose: give every publication to every watcher of its event, and private news (a hold
ran out) to every session of its user.

Concurrency: one loop, no task per watcher. A watcher is a cursor, not a queue: what it
missed is merged when it is sent, so one slow client costs the others nothing and memory
is bounded by construction. Flushes run in slices of `FANOUT_SLICE_S` and take at most
`FANOUT_SHARE_MAX` of the loop, so that the actor keeps its turn.

Invariants: a watcher's next delta begins where its last frame ended; nothing is sent
that is not committed; a flush brings all watchers to one version, so that its frames
are encoded once for all who stood at the same one, and they go on together.

Imports: board, live, wire and limits; never a session's or an actor's insides.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Final, NamedTuple, TypeAlias

from aiohttp import web

from inventory.ports import BoardState, Expiry, Publication
from inventory.settings import Settings
from inventory.venue.map import Venue
from server.base import limits
from server.live.fanout.board import Board
from server.live.fanout.event_feed import EventFeed
from server.live.fanout.frames import Codec, Expired, Sale
from server.live.fanout.writer import Writer

Step: TypeAlias = tuple[int, bool, Codec]
"""What a frame depends on: the cursor it goes on from, whether that was promised, and
how it is encoded."""


class Told(NamedTuple):
    """A frame, and the step of whoever got it."""

    frame: bytes
    step: Step


class Watcher:
    """One session that follows one event, and how far it was told."""

    __slots__ = ("step", "writer")

    def __init__(self, writer: Writer, cursor: int, *, resumed: bool) -> None:
        self.writer = writer
        self.step: Step = (cursor, resumed, writer.codec)

    @property
    def cursor(self) -> int:
        """The version that it was told."""
        return self.step[0]


class EventHub:
    """The watchers of one event on this process, and the board they watch.

    Implements `inventory.ports.Publisher` for the event's actor.
    """

    def __init__(
        self, hub: "Hub", event: str, venue: Venue, settings: Settings
    ) -> None:
        self.hub = hub
        self.board = Board(event, venue, settings, "")
        self.watchers: dict[Writer, Watcher] = {}
        self.told_at = hub.now()
        self.level: int | None = None
        """How full the event is; None where that is for others to tell."""
        self._sale_version = 0
        self._awaited: list[tuple[int, asyncio.Future[None]]] = []
        self._flush: Iterator[None] | None = None
        self._again = False
        self._left_at = 0.0
        self._began_at = 0.0
        self._spent_s = 0.0
        self._next_at = 0.0

    def reset(self, state: BoardState) -> None:
        """Take the state that the owner (re)loaded."""
        board = self.board
        before, anew = board.settings, not board.epoch
        if board.history_id != state.history_id:
            # What was committed may have been rewritten: everyone starts over.
            board.history_id = state.history_id
            board.past.clear()
            board.letters.clear()
            for watcher in self.watchers.values():
                watcher.step = (-1, *watcher.step[1:])
        if before.sale_state != state.settings.sale_state:
            self._sale_version = state.version
        board.reset(state, self.hub.now())
        if before != state.settings:
            self.hub.settings_changed()
        self.hub.feed.loaded(self, before, anew=anew)
        self.hub.moved(self.board.event)
        self.wake()

    def publish(self, publication: Publication) -> None:
        """Take one committed batch and tell the watchers soon."""
        before = self.board.settings
        self.board.apply(publication, self.hub.now())
        if self.board.settings.sale_state != before.sale_state:
            self._sale_version = publication.to
        if publication.settings is not None:
            self.hub.settings_changed()
        for expiry in publication.expired:
            self.hub.tell_expired(self.board.event, expiry)
        self.hub.feed.published(self, before)
        if publication.turns or publication.turns_over:
            self.hub.turned(self.board.event, publication)
        if publication.marks:
            self.hub.moved(self.board.event)
        self.wake()

    async def reach(self, version: int, within_s: float) -> bool:
        """Wait until the board has come to a version that was told elsewhere."""
        if self.board.version < version:
            arrival = self.hub.loop.create_future()
            self._awaited.append((version, arrival))
            await asyncio.wait([arrival], timeout=within_s)
            self._awaited = [one for one in self._awaited if one[1] is not arrival]
        return self.board.version >= version

    def watch(self, writer: Writer, cursor: int | None) -> None:
        """Follow from `cursor`; None for a snapshot, which is sent at once."""
        board = self.board
        resumed = cursor is not None
        if cursor is None:
            writer.write(board.snapshot(writer.codec))
            cursor = board.version
        self.watchers[writer] = Watcher(writer, cursor, resumed=resumed)
        if cursor < board.version:
            self.wake()

    def unwatch(self, writer: Writer) -> None:
        """Follow no longer."""
        self.watchers.pop(writer, None)

    def beat(self, now: float) -> None:
        """Tell everyone the version when nothing else was sent for a while."""
        if (
            now - self.told_at >= limits.BEAT_S
            and self.watchers
            and self._flush is None
        ):
            self.told_at = now
            self._flush = self._beating()
            self._slice()

    def wake(self) -> None:
        """See that a flush comes: at once after a while, seldom for many watchers."""
        for version, arrival in self._awaited:
            if version <= self.board.version and not arrival.done():
                arrival.set_result(None)
        if self._flush is not None:
            self._again = True
            return
        if not self.watchers:
            return
        self._flush = self._flushing()
        delay_s = self._next_at - self.hub.now()
        if delay_s < 0.001:
            self.hub.loop.call_soon(self._slice)
        else:
            self.hub.loop.call_later(delay_s, self._slice)

    def wake_stragglers(self) -> None:
        """Flush again for those who had no room before and have some now."""
        version = self.board.version
        if any(
            watcher.cursor < version and watcher.writer.roomy()
            for watcher in self.watchers.values()
        ):
            self.wake()

    def _slice(self) -> None:
        """Go on with the flush for a slice, then leave the loop to others."""
        flush = self._flush
        if flush is None:
            return
        began = monotonic()
        if not self._spent_s:
            self._began_at = self.hub.now()
        # A loop that is busy comes round seldom: then a slice is longer, in proportion.
        waited_s = began - self._left_at
        slice_s = max(
            limits.FANOUT_SLICE_S,
            min(limits.FANOUT_SLICE_S_MAX, waited_s * limits.FANOUT_SHARE_BUSY),
        )
        for _ in flush:
            if monotonic() - began > slice_s:
                break
        else:
            self._flush = None
            self._spend(monotonic() - began)
            self._rest()
            return
        self._left_at = monotonic()
        self._spend(self._left_at - began)
        self.hub.loop.call_soon(self._slice)

    def _spend(self, took_s: float) -> None:
        self._spent_s += took_s
        self.hub.fanout_s += took_s

    def _rest(self) -> None:
        """Leave the next flush for later: all of them take a share of the time only."""
        interval_s = max(
            min(limits.FLUSH_S_MAX, len(self.watchers) * limits.FLUSH_S_PER_WATCHER),
            self._spent_s / limits.FANOUT_SHARE_MAX,
        )
        self._spent_s = 0.0
        self._next_at = self._began_at + interval_s
        if self._again:
            self._again = False
            self.wake()

    def _flushing(self) -> Iterator[None]:
        """Bring every watcher with room to now; yields every few watchers.

        Now is when the flush begins: what is committed while it runs is for the next.
        """
        board = self.board
        history, version = board.history_id, board.version
        self.told_at = self.hub.now()
        frames = self._frames()
        late: dict[tuple[Step, int], Told] = {}
        last: Step | None = None
        told: Told | None = None
        for count, watcher in enumerate(list(self.watchers.values())):
            if not count & 15:
                yield
                if board.history_id != history:
                    return  # another flush follows, which tells of the new one
            writer, step = watcher.writer, watcher.step
            if (
                step[0] >= version
                or not writer.roomy()
                or self.watchers.get(writer) is not watcher
            ):
                continue
            # Most watchers took the same step before, the very same object.
            if step is not last or told is None:
                last, told = step, frames.get(step)
            if told is None:
                told = late.get((step, board.version))
                if told is None:
                    told = late[step, board.version] = self._tell(step)
                last = None
            writer.write(told.frame)
            watcher.step = told.step
            self.hub.deliveries += 1

    def _frames(self) -> dict[Step, Told]:
        """Encode what most watchers missed, in one go: the board must not move on.

        Who is not among them gets a frame of their own, later.
        """
        version = self.board.version
        # Those who take nothing stand at steps of their own: they wait, unencoded.
        steps = Counter(
            watcher.step for watcher in self.watchers.values() if watcher.writer.roomy()
        )
        began = monotonic()
        frames: dict[Step, Told] = {}
        for step, _ in steps.most_common():
            if step[0] < version:
                frames[step] = self._tell(step)
            if monotonic() - began > limits.FANOUT_SLICE_S:
                break
        return frames

    def _tell(self, step: Step) -> Told:
        """Encode what a watcher at this step missed."""
        cursor, resumed, codec = step
        board = self.board
        frame = b""
        if cursor < self._sale_version:
            frame = codec.pack(Sale(board.event, board.settings.sale_state))
        if board.remembers(cursor):
            frame += board.delta(cursor, codec, promised=resumed)
        else:
            frame += board.snapshot(codec)
        return Told(frame, (board.version, False, codec))

    def _beating(self) -> Iterator[None]:
        """Tell the version to all who have it; yields every few watchers."""
        board = self.board
        version = board.version
        frames: dict[Codec, bytes] = {}
        for count, watcher in enumerate(list(self.watchers.values())):
            if not count & 15:
                yield
                if board.version != version:
                    return  # they are told more than that
            writer = watcher.writer
            if watcher.cursor == version and writer.roomy():
                if writer.codec not in frames:
                    frames[writer.codec] = board.beat(writer.codec)
                writer.write(frames[writer.codec])


class Hub:
    """All event hubs and all sessions of this process."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.now = loop.time
        self.events: dict[str, EventHub] = {}
        self.writers: set[Writer] = set()
        self.by_user: dict[str, set[Writer]] = {}
        self.feed = EventFeed()
        self.deliveries = 0
        self.fanout_s = 0.0
        self.settings_changed: Callable[[], None] = _nobody_minds
        """Called when what some event is set to was committed."""
        self.moved: Callable[[str], None] = _nobody_follows
        """Called with an event when something of it was committed that has a mark."""
        self.turned: Callable[[str, Publication], None] = _nobody_waits
        """Called with an event and what was committed, where that has turns."""

    def add_event(self, event: str, venue: Venue, settings: Settings) -> EventHub:
        """Return the hub of an event that this process is about to serve.

        One that was served before keeps its watchers, and what they saw.
        """
        hub = self.events.get(event)
        if hub is None:
            hub = self.events[event] = EventHub(self, event, venue, settings)
        return hub

    def drop(self, event: str) -> None:
        """Forget an event that is not served any more, unless somebody watches it."""
        hub = self.events.get(event)
        if hub is not None and not hub.watchers:
            del self.events[event]

    def signed_in(self, writer: Writer, user: str) -> None:
        """Remember whose session this is."""
        self.by_user.setdefault(user, set()).add(writer)

    def left(self, writer: Writer, user: str | None) -> None:
        """Forget a session."""
        self.writers.discard(writer)
        if user is not None and user in self.by_user:
            self.by_user[user].discard(writer)
            if not self.by_user[user]:
                del self.by_user[user]

    def sign_out(self, user: str, subject: str) -> None:
        """Close the sockets of a session; or of a user's that belong to none."""
        for writer in list(self.by_user.get(user, ())):
            if (writer.session or user) == subject:
                writer.close(4001, "you have been signed out", 0)

    def let_go(self, user: str) -> None:
        """Close what a user follows a draft with, whom it may be hidden from now.

        Of whatever organisation: each may come back, and is looked at anew then.
        """
        writers = list(self.by_user.get(user, ()))
        if not writers:
            return
        drafts = [
            event
            for event in self.events.values()
            if event.board.settings.sale_state == "draft"
        ]
        for writer in writers:
            if any(writer in event.watchers for event in drafts):
                writer.close(4001, "you belong to an organisation no more", 0)

    def tell_expired(self, event: str, expiry: Expiry) -> None:
        """Tell a user, and nobody else, that a hold ran out."""
        frame = Expired(event, expiry.hold, expiry.seats, expiry.areas)
        for writer in self.by_user.get(expiry.user, ()):
            writer.write(writer.codec.pack(frame))

    async def run(self) -> None:
        """Once a second: beats, pings, and an end to connections that stall."""
        pinged_at = self.now()
        while True:
            await asyncio.sleep(1.0)
            now = self.now()
            ping = now - pinged_at >= limits.PING_S
            if ping:
                pinged_at = now
            for event in list(self.events.values()):
                event.beat(now)
            for count, writer in enumerate(list(self.writers)):
                writer.tend(now, ping=ping)
                if not count & 255:
                    await asyncio.sleep(0)
            for event in list(self.events.values()):
                event.wake_stragglers()


def _nobody_minds() -> None:
    """Nothing here was made from any event's settings."""


def _nobody_follows(event: str) -> None:
    """Nothing here is done because of what was committed."""


def _nobody_waits(event: str, publication: Publication) -> None:
    """Nobody here is told of turns."""


HUB: Final = web.AppKey("hub", Hub)
