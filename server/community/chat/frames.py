"""The frames of rooms on the websocket: enter, say, see, leave."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from msgspec import Meta

from inventory.commands import Key
from inventory.names import TEXT_PATTERN
from inventory.replies import Ok, Refused, Reply, refuse
from persistence.errors import Unavailable
from server.base.identity import Identity
from server.base.refusals.refusals import ProblemType, Refusal
from server.community.chat.broadcast import Listener
from server.community.chat.documents import (
    MessageDocument,
    author_of,
    document_of,
    documents_of,
)
from server.community.chat.service import CHAT_SERVICE, ChatService, Participant
from server.live.fanout.frames import Frame
from server.live.websocket.session import Session
from server.transport.capability.frame_row import FrameRow
from server.transport.rest.story import EVENT_ID

ROOM_LENGTH_MAX: Final = 140
TEXT_MAX: Final = 1_000
SHOWN_FIRST: Final = 50
READ_MAX: Final = 200
ROOMS_MAX: Final = 20
"""In so many rooms one connection may be."""

ROOM: Final = f"event:{EVENT_ID}"

NUMBER_MAX: Final = 2**53
"""As a browser can count."""

RoomName = Annotated[str, Meta(min_length=1, max_length=ROOM_LENGTH_MAX)]
Text = Annotated[str, Meta(min_length=1, max_length=TEXT_MAX, pattern=TEXT_PATTERN)]
Number = Annotated[int, Meta(ge=0, le=NUMBER_MAX)]


class JoinRoom(Frame, tag="join_room"):
    """Enter a room, and hear there from now on what comes after the answer's messages.

    With `after` these are what was said or changed after that number, 200 at most; else
    the last 50 that were said.
    """

    room: RoomName
    after: Number | None = None


class LeaveRoom(Frame, tag="leave_room"):
    """Hear no more of a room."""

    room: RoomName


class Say(Frame, tag="say"):
    """Say something in a room that was entered here; with the same `key` it is once."""

    room: RoomName
    text: Text
    key: Key
    reply_to: Number | None = None


class Seen(Frame, tag="seen"):
    """Note how far one has seen, for all of one's devices."""

    room: RoomName
    seq: Number


class JoinRoomOk(Ok, tag="ok"):
    """The room as it is: `to` is the number of the last thing that is told here.

    Where that is lower than `seq`, the rest is asked for with `after`.
    """

    seq: int
    to: int
    messages: list[MessageDocument]
    me: str
    staff: bool
    seen: int
    closed: bool
    slow_s: int


class SayOk(Ok, tag="ok"):
    """The message as it is: `held` is seen by nobody else before it is let through."""

    message: MessageDocument


class Talking:
    """The rooms that one connection is in."""

    __slots__ = ("_session", "rooms")

    def __init__(self, session: Session) -> None:
        self._session = session
        self.rooms: dict[str, Participant] = {}

    def close(self) -> None:
        """Leave them all."""
        broadcast = self._session.app[CHAT_SERVICE].broadcast
        for room in self.rooms:
            broadcast.leave(room, self._session.writer)


Work = Callable[[Session, ChatService, Identity, Any], Awaitable[Reply]]


def handler(work: Work) -> Callable[[Session, Identity, Any], None]:
    """Return what answers a frame by what some work returns, beside other frames."""

    def handle(session: Session, caller: Identity, frame: Any) -> None:
        session.spawn(_answer(session, caller, frame, work))

    return handle


async def _answer(session: Session, caller: Identity, frame: Any, work: Work) -> None:
    try:
        reply = await work(session, session.app[CHAT_SERVICE], caller, frame)
    except Unavailable:
        reply = refuse("unavailable")
    except Refusal as refusal:
        reply = _refused(refusal)
    session.answer(frame.id, reply)


def _refused(refusal: Refusal) -> Refused:
    kind = refusal.kind
    if not isinstance(kind, ProblemType):
        return refuse(kind, refusal.detail)
    refused = Refused(code=kind.code, detail=refusal.detail, transient=kind.transient)
    if kind.retry_after_s is not None:
        refused.retry_after_ms = 1_000 * kind.retry_after_s
    return refused


async def join_room(
    session: Session, chat: ChatService, caller: Identity, frame: JoinRoom
) -> Reply:
    """Enter a room."""
    kept, writer = session.keep(Talking), session.writer
    if len(kept.rooms) >= ROOMS_MAX and frame.room not in kept.rooms:
        return refuse("overloaded", f"A connection is in {ROOMS_MAX} rooms at most.")
    who = await chat.enter(caller, frame.room)
    listener = Listener(writer, who.user, who.name, who.staff)
    chat.broadcast.join(frame.room, who.room.seq, listener)
    kept.rooms[frame.room] = who
    if frame.after is None:
        found = await chat.messages.before(frame.room, NUMBER_MAX, SHOWN_FIRST)
        found.reverse()
        # Changes after that number are told once more, which changes nothing.
        to = who.room.seq
    else:
        found = await chat.messages.after(frame.room, frame.after, READ_MAX)
        to = found[-1].changed if found else max(frame.after, who.room.seq)
    if writer.is_over():
        chat.broadcast.leave(frame.room, writer)
    # Once the reply is sent.
    session.hub.loop.call_soon(chat.broadcast.begin, frame.room, listener, to)
    return JoinRoomOk(
        seq=who.room.seq,
        to=to,
        messages=documents_of(found, who.user, who.staff),
        me=author_of(frame.room, who.user),
        staff=who.staff,
        seen=who.member.seen,
        closed=who.room.closed,
        slow_s=who.room.slow_s,
    )


async def leave_room(
    session: Session, chat: ChatService, caller: Identity, frame: LeaveRoom
) -> Reply:
    """Leave a room."""
    session.keep(Talking).rooms.pop(frame.room, None)
    chat.broadcast.leave(frame.room, session.writer)
    return Ok()


async def say(
    session: Session, chat: ChatService, caller: Identity, frame: Say
) -> Reply:
    """Say something."""
    who = session.keep(Talking).rooms.get(frame.room)
    if who is None or not chat.broadcast.has(frame.room, session.writer):
        who = await chat.enter(caller, frame.room)
    message = await chat.say(who, frame.key, frame.text, frame.reply_to)
    return SayOk(message=document_of(message, who.staff))


async def seen(
    session: Session, chat: ChatService, caller: Identity, frame: Seen
) -> Reply:
    """Note how far one has seen."""
    who = session.keep(Talking).rooms.get(frame.room)
    if who is None:
        who = await chat.enter(caller, frame.room)
    await chat.rooms.see(frame.room, who.user, who.name, frame.seq)
    return Ok()


FRAMES: Final[tuple[FrameRow[Any], ...]] = (
    FrameRow(
        kind=JoinRoom,
        handle=handler(join_room),
        reply=JoinRoomOk,
        examples=({"op": "join_room", "id": 70, "room": ROOM},),
    ),
    FrameRow(
        kind=Say,
        handle=handler(say),
        reply=SayOk,
        examples=(
            {
                "op": "say",
                "id": 71,
                "room": ROOM,
                "text": "Is anybody coming by train?",
                "key": "train",
            },
        ),
    ),
    FrameRow(
        kind=Seen,
        handle=handler(seen),
        examples=({"op": "seen", "id": 72, "room": ROOM, "seq": 1},),
    ),
    FrameRow(
        kind=LeaveRoom,
        handle=handler(leave_room),
        examples=({"op": "leave_room", "id": 73, "room": ROOM},),
    ),
)
