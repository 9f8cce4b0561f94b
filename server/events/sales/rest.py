"""One command over REST: the websocket's command object, answered by its reply."""

from typing import Final

import msgspec
from aiohttp import web

from inventory.commands import Block, Book, Cancel, ClientCommand, Unblock
from inventory.replies import BookOk, ExtendOk, HoldingOk, HoldOk, Refused, TakenOk
from server.base.access import may_command, missing_event
from server.base.refusals.refusals import refuse_denied
from server.events.catalogue.rest import FoundEvent, find_event
from server.live.actors.registry import ask
from server.live.fanout.frames import FrameError, parse_command
from server.people.organisations.membership import MEMBERSHIPS
from server.transport.http.problems import (
    BAD_FIELD,
    BAD_FRAME,
    EVENT_NOT_FOUND,
    FORBIDDEN,
    HOLD_EXPIRED,
    KEY_REUSED,
    OVERLOADED,
    PAYMENT_REQUIRED,
    REFUSALS,
    SEAT_NOT_FREE,
    UNKNOWN_OP,
    ProblemError,
    bad_field,
    bad_fields,
    refusal,
)
from server.transport.rest.call import Call
from server.transport.rest.notes import note_details
from server.transport.rest.route import WRITES, Route

FRAME_ERRORS: Final = {kind.code: kind for kind in (BAD_FRAME, UNKNOWN_OP, BAD_FIELD)}


async def run_command(call: Call) -> web.Response:
    """Give one command to the event, as the caller, and answer with its reply."""
    who = call.who
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
    blocks = isinstance(command, Block | Unblock)
    # Before the event is looked for, as the order of refusals has it.
    refuse_denied(may_command(who, blocks=blocks))
    event = await _find_event(call, blocks)
    organizer = await _is_run_by(call, command, event)
    reply = await ask(event.local, command, who.user, organizer, command.key)
    if isinstance(reply, Refused):
        raise refusal(reply)
    return call.answer(msgspec.structs.replace(reply, id=command.id))


async def _find_event(call: Call, blocks: bool) -> FoundEvent:
    """Return the event of a command, deleted or not: a replay gets its answer."""
    try:
        return await find_event(call, deleted=True)
    except ProblemError as error:
        if error.kind is EVENT_NOT_FOUND:
            denial = missing_event(call.who, blocks=blocks)
            raise ProblemError(REFUSALS[denial.code], denial.detail) from error
        raise


async def _is_run_by(call: Call, command: ClientCommand, event: FoundEvent) -> bool:
    """Return whether the caller manages the event, where that makes a difference.

    Holding and booking, which buyers do all day, ask no database who does.
    """
    unpaid = isinstance(command, Book) and event.board.settings.payment == "required"
    if not unpaid and not isinstance(command, Block | Unblock | Cancel):
        return False
    return await call[MEMBERSHIPS].manages(
        call.identity, event.organisation, event.maker
    )


COMMANDS: Final = (
    *WRITES,
    UNKNOWN_OP,
    FORBIDDEN,
    PAYMENT_REQUIRED,
    EVENT_NOT_FOUND,
    SEAT_NOT_FREE,
    HOLD_EXPIRED,
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
