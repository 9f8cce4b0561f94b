"""One command over REST: the websocket's command object, answered by its reply."""

import msgspec
from aiohttp import web

from inventory.commands import Block, Unblock
from inventory.replies import Refused
from server.realtime.wire import FrameError, parse_command
from server.rest.call import Call
from server.rest.events import find_event
from server.rest.notes import note_details
from server.rest.problems import FieldError, ProblemError, bad_field, refusal
from server.shards import ask


async def run_command(call: Call) -> web.Response:
    """Give one command to the event, as the caller, and answer with its reply."""
    who = call.who
    frame = await call.body(dict[str, object])
    header_key = call.key
    if header_key is not None and frame.setdefault("key", header_key) != header_key:
        raise bad_field("key", "Not the one of the Idempotency-Key header.")
    try:
        command = parse_command(frame, call.path("event"), frame_id=0)
    except FrameError as error:
        errors = [FieldError(error.field, error.detail)] if error.field else None
        raise ProblemError(error.code, error.detail, errors=errors) from error
    note_details(call.request, op=str(frame["op"]))
    if isinstance(command, Block | Unblock) and not who.organizer:
        # Before the event is looked for, as the order of refusals has it.
        raise ProblemError("forbidden")
    event = await find_event(call, deleted=True)
    reply = await ask(event.local, command, who.user, who.organizer, command.key)
    if isinstance(reply, Refused):
        raise refusal(reply)
    return call.answer(msgspec.structs.replace(reply, id=command.id))
