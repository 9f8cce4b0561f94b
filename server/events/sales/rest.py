"""One command over REST: the websocket's command object, answered by its reply."""

import msgspec
from aiohttp import web

from inventory.commands import Block, Book, Cancel, ClientCommand, Unblock
from inventory.replies import Refused
from server.events.catalogue.rest import FoundEvent, is_hidden, load_event
from server.live.actors.registry import ask
from server.live.fanout.frames import FrameError, parse_command
from server.people.activity.middleware import note_details
from server.people.api_keys.api_keys import Machine
from server.people.organisations.membership import manages
from server.transport.http.problems import FieldError, ProblemError, bad_field, refusal
from server.transport.rest.call import Call


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
    blocks = isinstance(command, Block | Unblock)
    if isinstance(who, Machine) and not blocks:
        raise ProblemError("forbidden", "An API key may block and unblock only.")
    if blocks and who.role == "guest":
        # Before the event is looked for, as the order of refusals has it.
        raise ProblemError("forbidden")
    event = await _find_event(call, blocks)
    organizer = await _is_run_by(call, command, event)
    reply = await ask(event.local, command, who.user, organizer, command.key)
    if isinstance(reply, Refused):
        raise refusal(reply)
    return call.answer(msgspec.structs.replace(reply, id=command.id))


async def _find_event(call: Call, blocks: bool) -> FoundEvent:
    """Return the event of a command, deleted or not: a replay gets its answer."""
    try:
        event = await load_event(call, deleted=True)
        if await is_hidden(call, event):
            raise ProblemError("event_not_found")
    except ProblemError as error:
        if error.code == "event_not_found" and blocks and not call.organizer:
            raise ProblemError("forbidden") from error
        raise
    return event


async def _is_run_by(call: Call, command: ClientCommand, event: FoundEvent) -> bool:
    """Tell whether the caller manages the event, where that makes a difference.

    Holding and booking, which buyers do all day, ask no database who does.
    """
    local = event.local
    if local.seller is None:
        return call.who.organizer
    unpaid = isinstance(command, Book) and event.board.settings.payment == "required"
    if not unpaid and not isinstance(command, Block | Unblock | Cancel):
        return False
    return await manages(call, local.seller.organisation)
