"""The frames `watch_gate` and `unwatch_gate`: how check-in goes, as it goes."""

from typing import TYPE_CHECKING, Final

from inventory.replies import Ok, refuse
from persistence.errors import Unavailable
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal
from server.live.websocket.session import Session
from server.shop.checkin.feed import (
    GATE_FEED,
    WATCHED_MAX,
    GateFrame,
    UnwatchGate,
    WatchGate,
)
from server.shop.checkin.service import CHECKIN_SERVICE
from server.transport.capability.frame_row import FrameRow
from server.transport.rest.story import EVENT_ID

if TYPE_CHECKING:
    from inventory.rejections import Code


class Watching:
    """A connection that watches gates, until it closes."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def close(self) -> None:
        """Watch no more."""
        self._session.app[GATE_FEED].leave(self._session.writer)


def watch_gate(session: Session, caller: Identity, frame: WatchGate) -> None:
    """Watch the gates of an event, where that is the caller's."""
    session.spawn(_watch(session, caller, frame))


async def _watch(session: Session, caller: Identity, frame: WatchGate) -> None:
    try:
        await session.app[CHECKIN_SERVICE].find_event(caller, frame.event)
    except Unavailable:
        session.answer(frame.id, refuse("unavailable"))
        return
    except Refusal as refusal:
        hidden = refusal.code == "event_not_found"
        code: Code = "event_not_found" if hidden else "forbidden"
        session.answer(frame.id, refuse(code, refusal.detail))
        return
    session.keep(Watching)
    if session.app[GATE_FEED].watch(session.writer, frame.event, frame.list):
        session.answer(frame.id, Ok())
    else:
        detail = f"One connection watches the gates of {WATCHED_MAX} events at most."
        session.answer(frame.id, refuse("overloaded", detail))


def unwatch_gate(session: Session, caller: Identity, frame: UnwatchGate) -> None:
    """Watch the gates of an event no longer."""
    session.app[GATE_FEED].unwatch(session.writer, frame.event)
    session.answer(frame.id, Ok())


FRAMES: Final = (
    FrameRow(
        kind=WatchGate,
        handle=watch_gate,
        scope="checkin",
        sends=(GateFrame,),
        examples=({"op": "watch_gate", "id": 20, "event": EVENT_ID},),
    ),
    FrameRow(
        kind=UnwatchGate,
        handle=unwatch_gate,
        scope="checkin",
        examples=({"op": "unwatch_gate", "id": 21, "event": EVENT_ID},),
    ),
)
