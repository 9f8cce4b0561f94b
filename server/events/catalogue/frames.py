"""The frames `watch_events` and `unwatch_events`: live events for open pages."""

from typing import Final

from inventory.replies import Ok
from server.base.identity import Identity
from server.events.catalogue.feed import EventAppeared, EventUpdated, EventWithdrawn
from server.live.fanout.event_feed import Capacity, UnwatchEvents, WatchEvents
from server.live.websocket.session import Session
from server.transport.capability.frame_row import FrameRow


class Listening:
    """A connection that hears of events, until it closes."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def close(self) -> None:
        """Hear no more."""
        self._session.hub.feed.leave(self._session.writer)


def watch_events(session: Session, caller: Identity, frame: WatchEvents) -> None:
    """Hear of events from now on."""
    session.keep(Listening)
    session.hub.feed.listen(session.writer, frame)
    session.answer(frame.id, Ok())


def unwatch_events(session: Session, caller: Identity, frame: UnwatchEvents) -> None:
    """Hear of events no longer."""
    session.hub.feed.leave(session.writer)
    session.answer(frame.id, Ok())


FRAMES: Final = (
    FrameRow(
        kind=WatchEvents,
        handle=watch_events,
        scope="events:read",
        sends=(EventAppeared, EventUpdated, EventWithdrawn, Capacity),
    ),
    FrameRow(kind=UnwatchEvents, handle=unwatch_events, scope="events:read"),
)
