"""Rooms over REST: listed, read, talked in, and moderated."""

from functools import partial
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from inventory.names import TEXT_PATTERN
from server.community.chat.documents import (
    ListedRoom,
    MessageDocument,
    RoomDocument,
    author_of,
    document_of,
    documents_of,
    listed_of,
)
from server.community.chat.frames import NUMBER_MAX, Number, Text
from server.community.chat.problems import (
    BANNED,
    MESSAGE_NOT_FOUND,
    MESSAGE_SETTLED,
    MUTED,
    ROOM_CLOSED,
    ROOM_NOT_FOUND,
    TOO_FAST,
)
from server.community.chat.service import CHAT_SERVICE, Participant
from server.transport.http.problems import (
    BAD_FIELD,
    EVENT_NOT_FOUND,
    KEY_REUSED,
    PRECONDITION_FAILED,
    UNAVAILABLE,
)
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.idempotency import new_id
from server.transport.rest.notes import note_nothing, note_objects
from server.transport.rest.paging import read_limit, read_number
from server.transport.rest.route import PAGING, WRITES, Query, Route

TAG: Final = "Rooms"
ONE: Final = "/v1/rooms/{room}"
MESSAGE: Final = f"{ONE}/messages/{{message}}"
MUTE_S_MAX: Final = 30 * 86_400

Word = Annotated[str, Meta(min_length=2, max_length=40, pattern=TEXT_PATTERN)]
Reason = Annotated[str, Meta(min_length=1, max_length=300, pattern=TEXT_PATTERN)]


class MessageCreate(Body):
    """What is said, and which message it answers."""

    text: Text
    reply_to: Number | None = None


class MessageEdit(Body):
    """What is said instead."""

    text: Text


class ReportCreate(Body):
    """Why somebody should look at a message."""

    reason: Reason


class Messages(Struct):
    """What was said, in order; `to` is what to ask for `after` next."""

    items: list[MessageDocument]
    to: int


class Rooms(Struct):
    """Rooms, the latest said first."""

    items: list[ListedRoom]


async def list_rooms(call: Call) -> web.Response:
    """List the caller's rooms, or those about an event for who runs it."""
    event = call.request.query.get("event")
    found = await call[CHAT_SERVICE].list_of(call.who, event)
    return call.read(Rooms([listed_of(one) for one in found]))


async def show_room(call: Call) -> web.Response:
    """Show a room, and what the caller is in it."""
    who = await enter(call)
    return call.read(room_document(who), revision=who.room.revision)


async def list_messages(call: Call) -> web.Response:
    """List what was said before or after something; without either, the last."""
    who, query = await enter(call), call.request.query
    limit, store = read_limit(query), call[CHAT_SERVICE].messages
    room = who.room.room
    if "after" in query:
        number = read_number("after", query["after"])
        found = await store.after(room, number, limit)
        to = found[-1].changed if found else number
    else:
        before = read_number("before", query.get("before", str(NUMBER_MAX)))
        found = await store.before(room, before, limit)
        found.reverse()
        to = who.room.seq
    return call.read(Messages(documents_of(found, who.user, who.staff), to))


async def show_room_message(call: Call) -> web.Response:
    """Show a message."""
    who = await enter(call)
    message = await call[CHAT_SERVICE].find(who, seq_of(call))
    return call.read(document_of(message, who.staff), revision=message.changed)


async def say_in_room(call: Call) -> web.Response:
    """Say something; the same key again is the same message."""
    key, who = call.key, await enter(call)
    body = await call.body(MessageCreate)
    named = new_id("msg", who.user, key)
    message = await call[CHAT_SERVICE].say(who, named, body.text, body.reply_to)
    note_nothing(call.request)
    return call.answer(
        document_of(message, who.staff),
        status=201,
        headers={"Location": f"/v1/rooms/{who.room.room}/messages/{message.seq}"},
        revision=message.changed,
    )


async def edit_message(call: Call) -> web.Response:
    """Say something else instead, within 15 minutes."""
    who, seq = await enter(call), seq_of(call)
    body = await call.body(MessageEdit)
    message = await call[CHAT_SERVICE].edit(who, seq, body.text, call.seen)
    note_nothing(call.request)
    return call.answer(document_of(message, who.staff), revision=message.changed)


async def delete_message(call: Call) -> web.Response:
    """Delete one's own message."""
    who, seq = await enter(call), seq_of(call)
    await call[CHAT_SERVICE].settle(who, seq, "deleted", call.seen)
    note_nothing(call.request)
    return call.done()


async def report_message(call: Call) -> web.Response:
    """Ask those who moderate to look at a message."""
    who, seq = await enter(call), seq_of(call)
    body = await call.body(ReportCreate)
    await call[CHAT_SERVICE].report(who, seq, body.reason)
    note_objects(call.request, room=who.room.room, message=str(seq))
    return call.done()


async def enter(call: Call) -> Participant:
    """Let the caller into the room of the path."""
    return await call[CHAT_SERVICE].enter(call.who, call.path("room", ROOM_NOT_FOUND))


def seq_of(call: Call) -> int:
    """Return the number that the path names."""
    text = call.path("message", MESSAGE_NOT_FOUND)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 17 else 0


def room_document(who: Participant) -> RoomDocument:
    """Return a room, and what somebody is in it."""
    room = who.room
    document = RoomDocument(
        room=room.room,
        kind="event" if room.order_id is None else "order",
        event=room.event_id,
        order=room.order_id,
        seq=room.seq,
        slow_s=room.slow_s,
        closed=room.closed,
        me=author_of(room.room, who.user),
        staff=who.staff,
        seen=who.member.seen,
        muted_until=who.member.muted_until,
    )
    if who.staff:
        document.words = list(room.words)
    return document


READ: Final = (ROOM_NOT_FOUND, BANNED, UNAVAILABLE)
WRITE: Final = (*WRITES, ROOM_NOT_FOUND, BANNED)
_SAY: Final = (*WRITE, MESSAGE_NOT_FOUND, MUTED, TOO_FAST, ROOM_CLOSED, KEY_REUSED)
ACT: Final = (*READ, MESSAGE_NOT_FOUND)
_NUMBER: Final = {"type": "integer", "minimum": 0}

read: Final = partial(
    Route, method="GET", tag=TAG, access="buyer", opened=True, cached=True
)
write: Final = partial(Route, tag=TAG, access="buyer", opened=True, keyed=True)

ROUTES: Final[tuple[Route, ...]] = (
    read(
        opened=False,
        path="/v1/rooms",
        handler=list_rooms,
        name="list_rooms",
        summary="List the caller's rooms, or those about an event for who runs it",
        query=(
            Query(
                "event", {"type": "string"}, "Those about this event, for its staff."
            ),
        ),
        answers=Rooms,
        problems=(EVENT_NOT_FOUND, BAD_FIELD, UNAVAILABLE),
    ),
    read(
        path=ONE,
        handler=show_room,
        name="show_room",
        summary="Show a room, and what the caller is in it",
        answers=RoomDocument,
        problems=READ,
    ),
    read(
        path=f"{ONE}/messages",
        handler=list_messages,
        name="list_messages",
        summary="List what was said before or after something; else the last",
        query=(
            Query("after", _NUMBER, "What was said or changed after this number."),
            Query("before", _NUMBER, "What was said before this message."),
            PAGING[0],
        ),
        answers=Messages,
        problems=(*READ, BAD_FIELD),
    ),
    write(
        method="POST",
        path=f"{ONE}/messages",
        handler=say_in_room,
        name="say_in_room",
        summary="Say something; the same key again is the same message",
        body=MessageCreate,
        answers=MessageDocument,
        status=201,
        problems=_SAY,
    ),
    read(
        path=MESSAGE,
        handler=show_room_message,
        name="show_room_message",
        summary="Show a message",
        answers=MessageDocument,
        problems=ACT,
    ),
    write(
        method="PATCH",
        path=MESSAGE,
        handler=edit_message,
        name="edit_message",
        summary="Say something else instead, within 15 minutes",
        body=MessageEdit,
        answers=MessageDocument,
        problems=(*WRITE, MESSAGE_NOT_FOUND, MESSAGE_SETTLED, PRECONDITION_FAILED),
    ),
    write(
        method="DELETE",
        path=MESSAGE,
        handler=delete_message,
        name="delete_message",
        summary="Delete one's own message",
        status=204,
        problems=(*ACT, BAD_FIELD, PRECONDITION_FAILED),
    ),
    write(
        method="POST",
        path=f"{MESSAGE}/report",
        handler=report_message,
        name="report_message",
        summary="Ask those who moderate to look at a message",
        body=ReportCreate,
        status=204,
        problems=(*WRITE, MESSAGE_NOT_FOUND),
    ),
)
