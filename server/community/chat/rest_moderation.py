"""What those who run an event do in its rooms: set them, look at cases, silence."""

from functools import partial
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from inventory.faults import Faults
from inventory.names import TEXT_PATTERN
from server.community.chat.documents import (
    MessageDocument,
    RoomDocument,
    document_of,
)
from server.community.chat.problems import (
    NOBODY_THERE,
    ROOM_NOT_FOUND,
)
from server.community.chat.rest import (
    ACT,
    MESSAGE,
    ONE,
    READ,
    WRITE,
    read,
    room_document,
    seq_of,
    write,
)
from server.community.chat.service import CHAT_SERVICE, Participant
from server.transport.http.problems import (
    PRECONDITION_FAILED,
)
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.notes import note_objects
from server.transport.rest.route import Route

MUTE_S_MAX: Final = 30 * 86_400

Word = Annotated[str, Meta(min_length=2, max_length=40, pattern=TEXT_PATTERN)]


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
    return call.answer(room_document(edited), revision=room.revision)


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
    who, seq = await _moderate(call), seq_of(call)
    message = await call[CHAT_SERVICE].settle(who, seq, state)
    note_objects(call.request, room=who.room.room, message=str(seq))
    return call.answer(document_of(message, True))


async def _moderate(call: Call) -> Participant:
    name = call.path("room", ROOM_NOT_FOUND)
    return await call[CHAT_SERVICE].moderate(call.who, name)


_read: Final = partial(read, opened=False, who="Who runs the event.")
_write: Final = partial(write, opened=False, who="Who runs the event.")

ROUTES: Final[tuple[Route, ...]] = (
    _write(
        method="PATCH",
        path=ONE,
        handler=edit_room,
        name="edit_room",
        summary="Make a room slow, hold words, close it",
        body=RoomPatch,
        answers=RoomDocument,
        problems=(*WRITE, PRECONDITION_FAILED),
    ),
    _write(
        method="POST",
        path=f"{MESSAGE}/show",
        handler=show_message,
        name="show_message",
        summary="Let a held message through, or leave one that was reported",
        answers=MessageDocument,
        problems=ACT,
    ),
    _write(
        method="POST",
        path=f"{MESSAGE}/remove",
        handler=remove_message,
        name="remove_message",
        summary="Remove a message for good",
        answers=MessageDocument,
        problems=ACT,
    ),
    _read(
        path=f"{ONE}/cases",
        handler=list_cases,
        name="list_cases",
        summary="List what is held, and what is reported",
        answers=Cases,
        problems=READ,
    ),
    _write(
        method="POST",
        path=f"{ONE}/members/{{user}}/mute",
        handler=silence_member,
        name="silence_member",
        summary="Mute somebody, put them out of a room, or pardon them",
        body=Silence,
        answers=SilenceDocument,
        problems=(*WRITE, NOBODY_THERE),
    ),
)
