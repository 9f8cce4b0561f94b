"""One command over REST: the websocket's command object, answered by its reply."""

from typing import Final

import msgspec
from aiohttp import web

from inventory.commands import ClientCommand
from inventory.replies import BookOk, ExtendOk, HoldingOk, HoldOk, TakenOk
from server.events.sales.service import SALES_SERVICE
from server.live.actors.origins import ORIGINS
from server.live.fanout.frames import FrameError, parse_command
from server.transport.http.problems import (
    BAD_FIELD,
    BAD_FRAME,
    BELONGS_TO_ORDER,
    EVENT_NOT_FOUND,
    FORBIDDEN,
    HELD_TOO_OFTEN,
    HOLD_EXPIRED,
    HOLD_PLEDGED,
    KEY_REUSED,
    OVERLOADED,
    PAYMENT_REQUIRED,
    SEAT_NOT_FREE,
    UNKNOWN_OP,
    ProblemError,
    bad_field,
    bad_fields,
)
from server.transport.rest.call import Call
from server.transport.rest.guard import GUEST_BOOK
from server.transport.rest.notes import note_details
from server.transport.rest.route import WRITES, Route

FRAME_ERRORS: Final = {kind.code: kind for kind in (BAD_FRAME, UNKNOWN_OP, BAD_FIELD)}


async def run_command(call: Call) -> web.Response:
    """Give one command to the event, as the caller, and answer with its reply."""
    frame = await call.body(dict[str, object])
    header_key = call.key
    if header_key is not None and frame.setdefault("key", header_key) != header_key:
        raise bad_field("key", "Not the one of the Idempotency-Key header.")
    try:
        command = parse_command(frame, call.path("event", EVENT_NOT_FOUND), frame_id=0)
    except FrameError as error:
        if error.faults:
            raise bad_fields(error.faults) from error
        raise ProblemError(FRAME_ERRORS[error.code], error.detail) from error
    note_details(call.request, op=str(frame["op"]))
    origins = call.find(ORIGINS)
    origin = None if origins is None else origins.of(call.client)
    reply = await call[SALES_SERVICE].run(call.who, command, origin)
    book = call.find(GUEST_BOOK)
    if book is not None and call.who.role == "guest" and isinstance(reply, HoldOk):
        book.note(call.who.user)
    return call.answer(msgspec.structs.replace(reply, id=command.id))


COMMANDS: Final = (
    *WRITES,
    UNKNOWN_OP,
    FORBIDDEN,
    PAYMENT_REQUIRED,
    EVENT_NOT_FOUND,
    HELD_TOO_OFTEN,
    SEAT_NOT_FREE,
    HOLD_EXPIRED,
    HOLD_PLEDGED,
    BELONGS_TO_ORDER,
    KEY_REUSED,
    OVERLOADED,
)

COMMAND_REPLIES: Final = (HoldOk, ExtendOk, TakenOk, BookOk, HoldingOk)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/events/{event}/commands",
        handler=run_command,
        name="run_command",
        budget="commands",
        summary="Hold, book, release …: one command, one reply",
        tag="Seats",
        access="buyer",
        scope="events:write",
        body=ClientCommand,
        answers=COMMAND_REPLIES,
        keyed=True,
        problems=COMMANDS,
    ),
)
