"""The frames `watch` and `unwatch`: an event's board, and what changes on it."""

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from msgspec import UNSET, Struct, UnsetType

from inventory.commands import EventId
from inventory.replies import Ok, refuse
from server.base import limits
from server.base.identity import Identity
from server.live.actors.registry import EventNotFound, EventUnavailable, ServedEvent
from server.live.fanout.frames import Beat, Delta, Frame, Sale, Snapshot
from server.transport.capability.frame_row import FrameRow

if TYPE_CHECKING:
    from server.live.websocket.session import Session


class Since(Struct, forbid_unknown_fields=True):
    """Where a client stands."""

    history_id: str
    version: int


class Watch(Frame, tag="watch"):
    """Follow an event, from `since` on where that is possible."""

    event: EventId
    since: Since | None = None


class Unwatch(Frame, tag="unwatch"):
    """Follow an event no longer."""

    event: EventId


class WatchOk(Ok, tag="ok"):
    """Whether the next delta goes on from `since`.

    `address` is told where another process owns the event and can be reached directly:
    commands take no detour there.
    """

    resumed: bool
    address: str | UnsetType = UNSET


class Watching:
    """The events that one connection watches."""

    __slots__ = ("_session", "events")

    def __init__(self, session: "Session") -> None:
        self._session = session
        self.events: set[str] = set()

    def close(self) -> None:
        """Watch nothing any more."""
        hub, writer = self._session.hub, self._session.writer
        for event in self.events:
            hub.events[event].unwatch(writer)


def watch(session: "Session", caller: Identity, frame: Watch) -> None:
    """Follow an event as soon as it is loaded."""
    session.with_event(
        caller, frame.id, frame.event, lambda local: _watch(session, frame, local)
    )


def _watch(session: "Session", frame: Watch, local: ServedEvent) -> None:
    """Answer first, then send the snapshot or go on from `since`."""
    watched = session.keep(Watching).events
    board = local.board
    since = frame.since
    if len(watched) >= limits.WATCHES_PER_CONNECTION_MAX and frame.event not in watched:
        session.answer(frame.id, refuse("overloaded", "Too many events watched."))
        return
    resumed = (
        since is not None
        and since.history_id == board.history_id
        and since.version >= 0
        and board.reaches(since.version)
    )
    reply = WatchOk(resumed=resumed, version=board.version)
    address = local.address
    if address is not None:
        reply.address = address
    session.answer(frame.id, reply)
    watched.add(frame.event)
    cursor = since.version if since is not None and resumed else None
    local.hub.watch(session.writer, cursor)


def unwatch(session: "Session", caller: Identity, frame: Unwatch) -> None:
    """Follow an event no longer, after a `watch` that waits for it."""
    if session.is_waiting() and frame.event not in session.registry.active:
        session.spawn(_unwatch_later(session, caller, frame))
    else:
        _unwatch(session, caller, frame)


async def _unwatch_later(session: "Session", caller: Identity, frame: Unwatch) -> None:
    with suppress(EventNotFound, EventUnavailable):
        await session.registry.find_for(caller, frame.event, deleted=False)
    _unwatch(session, caller, frame)


def _unwatch(session: "Session", caller: Identity, frame: Unwatch) -> None:
    reply = Ok()
    watched = session.keep(Watching).events
    # Also where the event has no owner at this moment: its watchers stay.
    event = session.hub.events.get(frame.event)
    if event is not None:
        event.unwatch(session.writer)
        served = session.registry.active.get(frame.event)
        # A draft of others looks like no event, which has no version.
        if frame.event in watched or (served and not served.is_hidden_from(caller)):
            reply.version = event.board.version
    watched.discard(frame.event)
    session.answer(frame.id, reply)


FRAMES: Final = (
    FrameRow(
        kind=Watch,
        handle=watch,
        scope="events:read",
        reply=WatchOk,
        sends=(Snapshot, Delta, Beat, Sale),
    ),
    FrameRow(kind=Unwatch, handle=unwatch, scope="events:read"),
)
