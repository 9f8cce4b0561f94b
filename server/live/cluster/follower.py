"""Keeps the boards of events that other processes own up to date.

What a process needs of such an event is fetched once, for all its watchers: first we
subscribe, then ask the owner for the state, then apply what was published since. A gap
is noticed by the next publication or beat, and mended in the same way.
"""

import asyncio
from collections.abc import Callable
from functools import partial

import msgspec
import structlog

from inventory.ports import BoardState, Publication
from server.base import limits
from server.live.cluster.messages import (
    EventBeat,
    Published,
    State,
    WantState,
    decode,
    encode,
    event_topic,
    process_topic,
)
from server.live.fanout.hub import EventHub
from server.transport.bus.bus import Bus

log = structlog.get_logger()


class Followed:
    """One event that another process owns, as it is known here."""

    __slots__ = (
        "buffer",
        "heard_at",
        "hub",
        "owner",
        "ready",
        "synced",
        "used",
        "used_at",
    )

    def __init__(self, hub: EventHub, owner: str, now: float) -> None:
        self.hub = hub
        self.owner = owner
        self.synced = False
        self.buffer: list[Publication] = []
        """What came while the state is awaited."""
        self.heard_at = now
        self.used = True
        self.used_at = now
        self.ready: asyncio.Future[None] = hub.hub.loop.create_future()
        """Done as soon as the board was up to date once."""


class Follower:
    """Follows events on behalf of this process's watchers and readers.

    `on_silence` hears of events whose owner says nothing for too long, `on_idle` of
    those that nobody here has used for a while.
    """

    def __init__(
        self,
        bus: Bus,
        me: str,
        on_silence: Callable[[str], None],
        on_idle: Callable[[str], None],
    ) -> None:
        self.followed: dict[str, Followed] = {}
        self.resyncs = 0
        self._bus = bus
        self._me = me
        self._on_silence = on_silence
        self._on_idle = on_idle
        self._loop = asyncio.get_running_loop()
        self._wanted: set[str] = set()

    def follow(self, owner: str, hub: EventHub) -> Followed:
        """Begin to follow an event, or go on under another owner."""
        event = hub.board.event
        one = self.followed.get(event)
        if one is None:
            one = self.followed[event] = Followed(hub, owner, self._loop.time())
            self._bus.subscribe(
                event_topic(event),
                partial(self._hear, one),
                partial(self._lose, one),
            )
        elif one.owner != owner:
            one.owner = owner
            self._lose(one)
        return one

    def leave(self, event: str) -> None:
        """Follow an event no longer; its hub keeps what it has."""
        one = self.followed.pop(event, None)
        if one is not None:
            self._wanted.discard(event)
            self._bus.unsubscribe(event_topic(event))
            one.ready.cancel()

    def take_state(self, message: State) -> None:
        """Take the state that an owner told."""
        one = self.followed.get(message.state.event)
        if one is not None:
            self._take(one, message)

    def sweep(self) -> None:
        """Once a second: ask again for what did not come; leave what nobody uses."""
        now = self._loop.time()
        for event, one in list(self.followed.items()):
            if one.used or one.hub.watchers:
                one.used, one.used_at = False, now
            if now - one.used_at > limits.FOLLOW_IDLE_S:
                self._on_idle(event)
            elif now - one.heard_at > limits.OWNER_SILENT_S:
                one.heard_at = now
                self._lose(one)
                self._on_silence(event)
            elif not one.synced:
                self._want(one)

    def _hear(self, one: Followed, data: bytes) -> None:
        """Take what was published of an event."""
        try:
            message = decode(data)
        except msgspec.DecodeError as error:
            log.warning("a message that is not ours", error=str(error))
            return
        if isinstance(message, Published):
            one.heard_at = self._loop.time()
            self._publish(one, message.publication)
        elif isinstance(message, EventBeat):
            self._beat(one, message)
        elif isinstance(message, State):
            self._take(one, message)

    def _publish(self, one: Followed, publication: Publication) -> None:
        if not one.synced:
            if len(one.buffer) < limits.FOLLOW_BUFFER_MAX:
                one.buffer.append(publication)
            return
        board = one.hub.board
        if publication.history_id == board.history_id:
            if publication.base == board.version:
                one.hub.publish(publication)
                return
            if publication.to <= board.version:
                return  # an old owner's late copy
        self._lose(one)

    def _beat(self, one: Followed, beat: EventBeat) -> None:
        board = one.hub.board
        one.heard_at = self._loop.time()
        missed = (beat.history_id, beat.version) != (board.history_id, board.version)
        late = beat.history_id == board.history_id and beat.version < board.version
        if one.synced and missed and not late:
            self._lose(one)

    def _take(self, one: Followed, message: State) -> None:
        state, board = message.state, one.hub.board
        one.heard_at = self._loop.time()
        if state.history_id == board.history_id and state.version < board.version:
            return  # an old owner's late answer
        one.owner = message.owner
        if not one.synced or _differs(state, one.hub):
            one.hub.reset(state)
        one.synced = True
        if not one.ready.done():
            one.ready.set_result(None)
        buffer, one.buffer = one.buffer, []
        for publication in buffer:
            self._publish(one, publication)

    def _lose(self, one: Followed) -> None:
        """What we know of an event may be old: ask its owner."""
        if one.synced:
            one.synced = False
            self.resyncs += 1
        one.buffer.clear()
        self._want(one)

    def _want(self, one: Followed) -> None:
        """Ask for a state, together with what else is wanted in this turn."""
        if not self._wanted:
            self._loop.call_soon(self._ask)
        self._wanted.add(one.hub.board.event)

    def _ask(self) -> None:
        wanted, self._wanted = self._wanted, set()
        by_owner: dict[str, list[str]] = {}
        for event in sorted(wanted & self.followed.keys()):
            by_owner.setdefault(self.followed[event].owner, []).append(event)
        for owner, events in by_owner.items():
            data = encode(WantState(self._me, events))
            self._bus.publish(process_topic(owner), data)


def _differs(state: BoardState, hub: EventHub) -> bool:
    board = hub.board
    return (state.history_id, state.version) != (board.history_id, board.version)
