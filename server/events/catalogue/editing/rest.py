"""Events are edited and withdrawn, by who saw them as they are.

What an event is set to its actor changes; what the catalogue tells of it is changed
beside the journal. Each counts its own changes, and the event's revision is both added
up: of those who have seen the same revision one edits the event, and the others are
refused. Only where one edits the settings and another the catalogue in the very same
moment both may: neither overwrites what the other has changed.
"""

from typing import Final

from aiohttp import web

from inventory.commands import Configure, DeleteEvent
from inventory.rules.settings import merged
from inventory.settings import SettingsPatch
from persistence.errors import Revisions
from persistence.events.venue_times import VenueTaken
from server.base.refusals.refusals import Refusal
from server.events.catalogue.bodies import (
    EventDocument,
    EventPatch,
    details_change,
    settings_patch,
)
from server.events.catalogue.checks import refuse_edit, taken_by
from server.events.catalogue.problems import VENUE_TAKEN
from server.events.catalogue.rest import ON_WITHDRAWN, answer_event, find_managed_event
from server.events.catalogue.row_cache import ROWS
from server.events.catalogue.service import EVENT_SERVICE, ManagedEvent
from server.live.actors.registry import CATALOG
from server.transport.http.problems import (
    EVENT_NOT_FOUND,
    KEY_REUSED,
    OVERLOADED,
    TICKETS_SOLD,
    WRONG_STATE,
    ProblemError,
)
from server.transport.http.response_cache import CACHES
from server.transport.rest.call import Call
from server.transport.rest.idempotency import hash_request
from server.transport.rest.route import EVENT, WRITES, Route


async def edit_event(call: Call) -> web.Response:
    """Change some of an event's settings, and of what the catalogue tells of it."""
    event = await find_managed_event(call)
    patch, found = await call.faulty_body(EventPatch)
    wanted, request_hash = settings_patch(patch), hash_request(["edit", patch])
    is_new = not found and await _is_new_edit(call, event.id, request_hash)
    refuse_edit(
        event.board, await call[EVENT_SERVICE].find_row(event.id), wanted, found
    )
    change = details_change(patch)
    seen, details_seen = call.seen, None
    # Without a word about the catalogue it is a command, though it change nothing.
    if change is None or wanted != SettingsPatch():
        if seen is not None:
            details_seen = await _details_revision(call, event.id)
            seen = tuple(revision - details_seen for revision in seen)
        await _configure(call, event, wanted, request_hash, seen)
        seen = None
    if change is not None and is_new:
        await call[CATALOG].details.edit(
            event.id,
            change,
            user=call.who.user,
            key=call.key,
            request_hash=request_hash,
            seen=seen,
            seen_details=details_seen,
        )
        # In every process.
        call[ROWS].edited(event.id)
        call[CACHES].settings_changed()
    return await answer_event(call, event)


async def _details_revision(call: Call, event: str) -> int:
    """Return the revision of what the catalogue tells, as it is now.

    The settings, whose actor knows only its own, are edited by who saw all the rest.
    """
    row = await call[CATALOG].find_event(event)
    if row is None:
        raise ProblemError(EVENT_NOT_FOUND)
    return row.details_revision


async def _is_new_edit(call: Call, event: str, request_hash: bytes) -> bool:
    """Return whether an edit was not made before, under its key."""
    if call.key is None:
        return True
    known = await call[CATALOG].details.find_key(event, call.who.user, call.key)
    if known is not None and known.request_hash != request_hash:
        raise ProblemError(KEY_REUSED)
    # Where only the actor knows the key, the other half was not reached at that time.
    return known is None or not known.made


async def _configure(
    call: Call,
    event: ManagedEvent,
    patch: SettingsPatch,
    request_hash: bytes,
    seen: Revisions,
) -> None:
    """Let the actor change the settings, in a venue that has the time for it."""
    times, taken = call[CATALOG].times, None
    try:
        if patch.names("starts_at_ms", "ends_at_ms"):
            taken = await times.take(event.id, merged(event.board.settings, patch))
    except VenueTaken as error:
        raise await taken_by(call, error) from error
    command = Configure(id=0, event=event.id, patch=patch, seen=seen)
    try:
        await call[EVENT_SERVICE].order(event, command, call.key, request_hash)
    except Refusal as error:
        if taken is not None and error.code != "outcome_unknown":
            await times.settle(taken)
        raise
    if taken is not None:
        await times.settle(taken)


async def delete_event(call: Call) -> web.Response:
    """Withdraw an event that nobody has booked."""
    # Found even where it is deleted: the same request again gets the same answer.
    event = await find_managed_event(call, deleted=True)
    seen = call.seen
    if seen is not None:
        details = await _details_revision(call, event.id)
        seen = tuple(revision - details for revision in seen)
    command = DeleteEvent(id=0, event=event.id, seen=seen)
    await call[EVENT_SERVICE].order(event, command, call.key)
    for forget in call[ON_WITHDRAWN]:
        await forget(event.id)
    call[ROWS].edited(event.id)
    return call.done()


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="PATCH",
        path="/v1/events/{event}",
        handler=edit_event,
        name="edit_event",
        summary="Change an event's settings",
        tag="Events",
        access="manager",
        scope="events:write",
        body=EventPatch,
        answers=EventDocument,
        keyed=True,
        problems=(
            *WRITES,
            *EVENT,
            WRONG_STATE,
            VENUE_TAKEN,
            KEY_REUSED,
            OVERLOADED,
        ),
    ),
    Route(
        method="DELETE",
        path="/v1/events/{event}",
        handler=delete_event,
        name="delete_event",
        summary="Withdraw an event that nobody has booked",
        tag="Events",
        access="manager",
        scope="events:write",
        status=204,
        keyed=True,
        problems=(*EVENT, TICKETS_SOLD, KEY_REUSED, OVERLOADED),
    ),
)
