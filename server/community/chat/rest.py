"""Rooms over REST: listed, read, talked in, and moderated."""

from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from inventory.faults import Faults
from inventory.names import TEXT_PATTERN
from server.community.chat.documents import (
    ListedRoom,
    MessageDocument,
    RoomDocument,
    author_of,
    document_of,
    is_for,
    listed_of,
)
from server.community.chat.frames import Number, Text
from server.community.chat.problems import (
    BANNED,
    MESSAGE_NOT_FOUND,
    MESSAGE_SETTLED,
    MUTED,
    NOBODY_THERE,
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
SEQ_MAX: Final = 2**53
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


class Silence(Body):
    """For how long somebody may say nothing: `seconds`, or `banned` for good.

    With `seconds` of 0, and not banned, they may speak again.
    """

    seconds: Annotated[int, Meta(ge=0, le=MUTE_S_MAX)] = 0
    banned: bool = False


class RoomPatch(Body):
    """What to change; what is absent stays.

    In a slow room each says one thing in `slow_s` seconds; what comes sooner, and what
    has one of the `words`, waits to be let through.
    """

    slow_s: Annotated[int, Meta(ge=0, le=3_600)] | UnsetType = UNSET
    words: Annotated[list[Word], Meta(max_length=100)] | UnsetType = UNSET
    closed: bool | UnsetType = UNSET

    def check(self, faults: Faults) -> None:
        """Add that nothing is changed."""
        if self.slow_s is self.words is self.closed is UNSET:
            faults.add("slow_s", "Name something to change.")


class Messages(Struct):
    """What was said, in order; `to` is what to ask for `after` next."""

    items: list[MessageDocument]
    to: int


class Rooms(Struct):
    """Rooms, the latest said first."""

    items: list[ListedRoom]


class CaseDocument(Struct):
    """A message that somebody has to look at, and why people reported it."""

    message: MessageDocument
    reasons: list[str]


class Cases(Struct):
    """What waits for who moderates, the oldest first; 200 at most."""

    items: list[CaseDocument]


class SilenceDocument(Struct):
    """How somebody is silenced."""

    user: str
    banned: bool
    muted_until: str | None


async def list_rooms(call: Call) -> web.Response:
    """List the caller's rooms, or those about an event for who runs it."""
    event = call.request.query.get("event")
    found = await call[CHAT_SERVICE].list_of(call.who, event)
    return call.read(Rooms([listed_of(one) for one in found]))


async def show_room(call: Call) -> web.Response:
    """Show a room, and what the caller is in it."""
    who = await _enter(call)
    return call.read(_document(who), revision=who.room.revision)


async def edit_room(call: Call) -> web.Response:
    """Make a room slow, hold words, close it."""
    who, body = await _moderate(call), await call.body(RoomPatch)
    fields = ((name, getattr(body, name)) for name in body.__struct_fields__)
    given = {name: value for name, value in fields if value is not UNSET}
    if "words" in given:
        given["words"] = [one.casefold() for one in given["words"]]
    room = await call[CHAT_SERVICE].edit_room(who, given, call.seen)
    note_objects(call.request, room=room.room)
    edited = Participant(room, who.user, who.name, who.staff, who.member)
    return call.answer(_document(edited), revision=room.revision)


async def list_messages(call: Call) -> web.Response:
    """List what was said before or after something; without either, the last."""
    who, query = await _enter(call), call.request.query
    limit, store = read_limit(query), call[CHAT_SERVICE].messages
    room = who.room.room
    if "after" in query:
        number = read_number("after", query["after"])
        found = await store.after(room, number, limit)
        to = found[-1].changed if found else number
    else:
        before = read_number("before", query.get("before", str(SEQ_MAX)))
        found = await store.before(room, before, limit)
        found.reverse()
        to = who.room.seq
    return call.read(
        Messages(
            [
                document_of(one, who.staff)
                for one in found
                if is_for(one, who.user, who.staff)
            ],
            to,
        )
    )


async def show_room_message(call: Call) -> web.Response:
    """Show a message."""
    who = await _enter(call)
    message = await call[CHAT_SERVICE].find(who, _seq(call))
    return call.read(document_of(message, who.staff), revision=message.changed)


async def say_in_room(call: Call) -> web.Response:
    """Say something; the same key again is the same message."""
    key, who = call.key, await _enter(call)
    body = await call.body(MessageCreate)
    named = new_id("msg", who.user, key)
    message = await call[CHAT_SERVICE].say(who, named, body.text, body.reply_to)
    note_nothing(call.request)
    return call.answer(
        document_of(message, who.staff), status=201, revision=message.changed
    )


async def edit_message(call: Call) -> web.Response:
    """Say something else instead, within 15 minutes."""
    who, seq = await _enter(call), _seq(call)
    body = await call.body(MessageEdit)
    message = await call[CHAT_SERVICE].edit(who, seq, body.text, call.seen)
    note_nothing(call.request)
    return call.answer(document_of(message, who.staff), revision=message.changed)


async def delete_message(call: Call) -> web.Response:
    """Delete one's own message."""
    who, seq = await _enter(call), _seq(call)
    await call[CHAT_SERVICE].settle(who, seq, "deleted", call.seen)
    note_nothing(call.request)
    return call.done()


async def report_message(call: Call) -> web.Response:
    """Ask those who moderate to look at a message."""
    who, seq = await _enter(call), _seq(call)
    body = await call.body(ReportCreate)
    await call[CHAT_SERVICE].report(who, seq, body.reason)
    note_objects(call.request, room=who.room.room, message=str(seq))
    return call.done()


async def show_message(call: Call) -> web.Response:
    """Let a message through that is held, or leave one that was reported."""
    return await _settle(call, "shown")


async def remove_message(call: Call) -> web.Response:
    """Remove a message for good."""
    return await _settle(call, "removed")


async def list_cases(call: Call) -> web.Response:
    """List what waits for who moderates: what is held, and what is reported."""
    who = await _moderate(call)
    found = await call[CHAT_SERVICE].cases(who)
    items = [
        CaseDocument(document_of(one.message, True), list(one.reasons)) for one in found
    ]
    return call.read(Cases(items))


async def silence_member(call: Call) -> web.Response:
    """Mute somebody, put them out of a room, or pardon them."""
    who, user = await _moderate(call), call.path("user", NOBODY_THERE)
    body = await call.body(Silence)
    member = await call[CHAT_SERVICE].silence(who, user, body.seconds, body.banned)
    note_objects(call.request, room=who.room.room, user=user)
    until = member.muted_until
    return call.answer(
        SilenceDocument(
            user, member.banned, None if until is None else until.isoformat()
        )
    )


async def _settle(call: Call, state: Literal["shown", "removed"]) -> web.Response:
    who, seq = await _moderate(call), _seq(call)
    message = await call[CHAT_SERVICE].settle(who, seq, state)
    note_objects(call.request, room=who.room.room, message=str(seq))
    return call.answer(document_of(message, True))


async def _enter(call: Call) -> Participant:
    return await call[CHAT_SERVICE].enter(call.who, call.path("room", ROOM_NOT_FOUND))


async def _moderate(call: Call) -> Participant:
    name = call.path("room", ROOM_NOT_FOUND)
    return await call[CHAT_SERVICE].moderate(call.who, name)


def _seq(call: Call) -> int:
    """Return the number that the path names."""
    text = call.path("message", MESSAGE_NOT_FOUND)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 17 else 0


def _document(who: Participant) -> RoomDocument:
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


_READ: Final = (ROOM_NOT_FOUND, BANNED, UNAVAILABLE)
_WRITE: Final = (*WRITES, ROOM_NOT_FOUND, BANNED)
_SAY: Final = (*_WRITE, MESSAGE_NOT_FOUND, MUTED, TOO_FAST, ROOM_CLOSED, KEY_REUSED)
_ACT: Final = (*_READ, MESSAGE_NOT_FOUND)
_NUMBER: Final = {"type": "integer", "minimum": 0}
MODERATORS: Final = "Who runs the event."

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/rooms",
        handler=list_rooms,
        name="list_rooms",
        summary="List the caller's rooms, or those about an event for who runs it",
        tag=TAG,
        access="buyer",
        cached=True,
        query=(
            Query(
                "event", {"type": "string"}, "Those about this event, for its staff."
            ),
        ),
        answers=Rooms,
        problems=(EVENT_NOT_FOUND, UNAVAILABLE),
    ),
    Route(
        method="GET",
        path=ONE,
        handler=show_room,
        name="show_room",
        summary="Show a room, and what the caller is in it",
        tag=TAG,
        access="buyer",
        opened=True,
        cached=True,
        answers=RoomDocument,
        problems=_READ,
    ),
    Route(
        method="PATCH",
        path=ONE,
        handler=edit_room,
        name="edit_room",
        summary="Make a room slow, hold words, close it",
        tag=TAG,
        keyed=True,
        access="buyer",
        who=MODERATORS,
        body=RoomPatch,
        answers=RoomDocument,
        problems=(*_WRITE, PRECONDITION_FAILED),
    ),
    Route(
        method="GET",
        path=f"{ONE}/messages",
        handler=list_messages,
        name="list_messages",
        summary="List what was said before or after something; else the last",
        tag=TAG,
        access="buyer",
        opened=True,
        cached=True,
        query=(
            Query("after", _NUMBER, "What was said or changed after this number."),
            Query("before", _NUMBER, "What was said before this message."),
            PAGING[0],
        ),
        answers=Messages,
        problems=(*_READ, BAD_FIELD),
    ),
    Route(
        method="POST",
        path=f"{ONE}/messages",
        handler=say_in_room,
        name="say_in_room",
        summary="Say something; the same key again is the same message",
        tag=TAG,
        access="buyer",
        opened=True,
        keyed=True,
        body=MessageCreate,
        answers=MessageDocument,
        status=201,
        problems=_SAY,
    ),
    Route(
        method="GET",
        path=MESSAGE,
        handler=show_room_message,
        name="show_room_message",
        summary="Show a message",
        tag=TAG,
        access="buyer",
        opened=True,
        cached=True,
        answers=MessageDocument,
        problems=_ACT,
    ),
    Route(
        method="PATCH",
        path=MESSAGE,
        handler=edit_message,
        name="edit_message",
        summary="Say something else instead, within 15 minutes",
        tag=TAG,
        keyed=True,
        access="buyer",
        opened=True,
        body=MessageEdit,
        answers=MessageDocument,
        problems=(*_WRITE, MESSAGE_NOT_FOUND, MESSAGE_SETTLED, PRECONDITION_FAILED),
    ),
    Route(
        method="DELETE",
        path=MESSAGE,
        handler=delete_message,
        name="delete_message",
        summary="Delete one's own message",
        tag=TAG,
        keyed=True,
        access="buyer",
        opened=True,
        status=204,
        problems=(*_ACT, BAD_FIELD, PRECONDITION_FAILED),
    ),
    Route(
        method="POST",
        path=f"{MESSAGE}/report",
        handler=report_message,
        name="report_message",
        summary="Ask those who moderate to look at a message",
        tag=TAG,
        keyed=True,
        access="buyer",
        opened=True,
        body=ReportCreate,
        status=204,
        problems=(*_WRITE, MESSAGE_NOT_FOUND),
    ),
    Route(
        method="POST",
        path=f"{MESSAGE}/show",
        handler=show_message,
        name="show_message",
        summary="Let a held message through, or leave one that was reported",
        tag=TAG,
        keyed=True,
        access="buyer",
        who=MODERATORS,
        answers=MessageDocument,
        problems=_ACT,
    ),
    Route(
        method="POST",
        path=f"{MESSAGE}/remove",
        handler=remove_message,
        name="remove_message",
        summary="Remove a message for good",
        tag=TAG,
        keyed=True,
        access="buyer",
        who=MODERATORS,
        answers=MessageDocument,
        problems=_ACT,
    ),
    Route(
        method="GET",
        path=f"{ONE}/cases",
        handler=list_cases,
        name="list_cases",
        summary="List what is held, and what is reported",
        tag=TAG,
        access="buyer",
        who=MODERATORS,
        cached=True,
        answers=Cases,
        problems=_READ,
    ),
    Route(
        method="POST",
        path=f"{ONE}/members/{{user}}/mute",
        handler=silence_member,
        name="silence_member",
        summary="Mute somebody, put them out of a room, or pardon them",
        tag=TAG,
        keyed=True,
        access="buyer",
        who=MODERATORS,
        body=Silence,
        answers=SilenceDocument,
        problems=(*_WRITE, NOBODY_THERE),
    ),
)
