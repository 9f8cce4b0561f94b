"""Events: made, listed, shown, edited, deleted.

What an event is set to and how many seats are left comes from its committed board;
everything that changes it is a command to its actor, answered after the commit.
"""

import asyncio
from collections.abc import Hashable
from typing import Any
from weakref import WeakValueDictionary

from aiohttp import web
from msgspec import UNSET, Struct, json, structs

from inventory.commands import ChangeSale, Configure, DeleteEvent
from inventory.replies import Refused
from inventory.settings import Settings
from inventory.venue.own import capacity_map
from persistence.event_details import DetailsChange
from persistence.event_rows import EventRow, ImageRow
from persistence.organisations import TooMany
from persistence.venue_times import VenueTaken
from server import limits
from server.context import Context
from server.realtime.board import Board
from server.rest.call import Call
from server.rest.creation import hash_request, new_id
from server.rest.event_bodies import (
    Counts,
    EventCreate,
    EventDocument,
    EventPatch,
    EventSummary,
    ImageDocument,
    NewEvent,
    OwnerDocument,
    check_settings,
    completing,
    details_change,
    details_of,
    patched,
    settings_fields,
    settings_of,
)
from server.rest.notes import note_objects
from server.rest.problems import ProblemError, bad_field, refusal
from server.rest.standing import belongs, manages, seller_of
from server.shards import EventNotFound, EventUnavailable, ServedEvent, ask

_edits: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
"""One edit at a time for an event: each is made from what the one before it left."""


class FoundEvent(Struct):
    """An event that is there: its actor's address, and its id."""

    id: str
    local: ServedEvent

    @property
    def board(self) -> Board:
        """What is committed of it."""
        return self.local.board


async def find_event(call: Call, deleted: bool = False) -> FoundEvent:
    """Return the event of the request's path, activated, as the caller may see it.

    A deleted one is found only where that is asked for; a draft of an organisation only
    by those who belong to it.
    """
    event = await load_event(call, deleted)
    if await is_hidden(call, event):
        raise ProblemError("event_not_found")
    return event


async def is_hidden(call: Call, event: FoundEvent) -> bool:
    """Tell whether this is a draft of an organisation that is not the caller's."""
    seller = event.local.seller
    return (
        seller is not None
        and event.board.settings.sale_state == "draft"
        and not await belongs(call, seller.organisation)
    )


async def find_managed_event(call: Call, deleted: bool = False) -> FoundEvent:
    """Return the event of the request's path to somebody who manages it."""
    event = await find_event(call, deleted)
    seller = event.local.seller
    if not await manages(call, None if seller is None else seller.organisation):
        raise ProblemError("forbidden")
    return event


async def load_event(call: Call, deleted: bool = False) -> FoundEvent:
    """Return the event of the request's path, activated, whoever asks."""
    event = call.path("event")
    try:
        local = await call.context.shards.find(event)
    except EventNotFound as error:
        raise ProblemError("event_not_found") from error
    except EventUnavailable as error:
        raise ProblemError("unavailable") from error
    if local.board.settings.deleted and not deleted:
        raise ProblemError("event_not_found")
    return FoundEvent(event, local)


async def ask_organizer(
    call: Call,
    event: FoundEvent,
    command: ChangeSale | Configure | DeleteEvent,
    request_hash: bytes | None = None,
) -> None:
    """Give an event a command of whoever manages it; raises its refusal.

    The event comes from `find_managed_event`, which asked whether the caller does.
    """
    user = call.who.user
    reply = await ask(event.local, command, user, True, call.key, request_hash)
    if isinstance(reply, Refused):
        raise refusal(reply)
    if isinstance(reply.version, int):
        # Where another process owns the event, its news may come after its answer.
        await event.local.hub.reach(reply.version, limits.LOAD_S_MAX)


async def show(call: Call, event: FoundEvent) -> EventDocument:
    """Return an event as clients see it."""
    row = await find_row(call, event.id)
    board = event.board
    counts = Counts(**board.counts())
    return EventDocument(
        **_summary_fields(row, board.settings),
        description=row.details.description,
        # Not the row's, which is a few seconds old.
        registrations=counts.booked,
        version=board.version,
        counts=counts,
        owner=_owner_of(call.context, event.local),
    )


def _owner_of(context: Context, served: ServedEvent) -> OwnerDocument:
    """Return which process owns an event that is served here."""
    members = context.members
    process = served.elsewhere or members.me
    return OwnerDocument(process, members.address(process), served.board.epoch)


def event_stamp(context: Context, served: ServedEvent) -> Hashable:
    """Return what determines the document of an event, whose settings have versions."""
    board, members = served.board, context.members
    owner = served.elsewhere or members.me
    address = members.address(owner)
    row = context.rows.stamp(board.event)
    return board.history_id, board.epoch, board.version, owner, address, row


def is_public(board: Board) -> bool:
    """Tell whether everybody sees this event alike, so that its answers may be kept."""
    settings = board.settings
    return settings.sale_state != "draft" and not settings.deleted


async def create_event(call: Call) -> web.Response:
    """Make an event at a venue, or one with just a capacity."""
    user, key = call.who.user, call.key
    body = await call.body(EventCreate)
    organisation = await seller_of(call, body.organisation)
    settings = completing(settings_of(body), call.context.activities.now_ms())
    details = details_of(body)
    catalog = call.context.catalog
    if body.venue is None:
        assert body.capacity is not None
        categories = {c.key for c in capacity_map(body.capacity).categories}
    else:
        venue = await catalog.find_venue(body.venue)
        if venue is None:
            raise bad_field("venue", "There is no such venue.")
        categories = {category.key for category in venue.categories}
    check_settings(settings, categories)
    request_hash = hash_request(body)
    if organisation is not None:
        note_objects(call.request, organisation=organisation)
    try:
        row = await catalog.create_event(
            new_id("evt", user, key),
            settings,
            venue=body.venue,
            capacity=body.capacity,
            created_by=user,
            request_hash=request_hash,
            organisation=organisation,
            details=details,
        )
    except TooMany as error:
        raise ProblemError("limit_reached") from error
    except KeyError as error:
        # Nobody deletes venues.
        raise bad_field("organisation", "There is no such organisation.") from error
    except VenueTaken as error:
        raise ProblemError("venue_taken") from error
    if row.request_hash != request_hash:
        raise ProblemError("key_reused")
    # What this request says and not the row: where it is made again after a while, it
    # still gets the answer that it got at first.
    first = structs.replace(row, details=details, image=None)
    return answer_made(call, first, settings)


def answer_made(call: Call, row: EventRow, settings: Settings) -> web.Response:
    """Answer with an event that was made."""
    made = NewEvent(
        **_summary_fields(row, settings),
        description=row.details.description,
        registrations=0,
    )
    headers = {"Location": f"/v1/events/{row.event}"}
    return call.answer(made, status=201, headers=headers)


async def show_event(call: Call) -> web.Response:
    """Show one event, with what is left of it."""
    event = await find_event(call)
    cache = call.context.caches.events
    known = cache.get(event.id, event_stamp(call.context, event.local))
    if known is None:
        body = json.encode(await show(call, event))
        # It may have moved on while its row was looked up; after that nobody waited.
        if not is_public(event.board):
            return call.read(body)
        stamp = event_stamp(call.context, event.local)
        known = cache.put(event.id, body, stamp=stamp)
    return call.read(known.body, known.etag)


async def edit_event(call: Call) -> web.Response:
    """Change some of an event's settings, and of what the catalogue tells of it."""
    event = await find_managed_event(call)
    patch = await call.body(EventPatch)
    request_hash = hash_request(["edit", patch])
    lock = _edits.setdefault(event.id, asyncio.Lock())
    async with lock:
        change = details_change(patch)
        is_new = await _is_new_edit(call, event.id, request_hash)
        settings = patched(event.board.settings, patch)
        if patch.capacity is not UNSET and (await find_row(call, event.id)).venue:
            raise bad_field("capacity", "The places of a venue stay as they are drawn.")
        if patch.starts_at is not UNSET or patch.ends_at is not UNSET:
            settings = completing(settings, call.context.activities.now_ms())
        # Without a word about the catalogue it is a command, though it change nothing.
        if change is None or settings != event.board.settings:
            check_settings(settings, event.board.venue.categories)
            await _configure(call, event, settings, request_hash)
        if change is not None and is_new:
            await _tell_otherwise(call, event.id, change, request_hash)
    return call.answer(await show(call, event))


async def _is_new_edit(call: Call, event: str, request_hash: bytes) -> bool:
    """Tell whether an edit was not made before, under its key."""
    if call.key is None:
        return True
    known = await call.context.catalog.details.find_key(event, call.who.user, call.key)
    if known is not None and known.request_hash != request_hash:
        raise ProblemError("key_reused")
    # Where only the actor knows the key, the other half was not reached at that time.
    return known is None or not known.made


async def _configure(
    call: Call, event: FoundEvent, settings: Settings, request_hash: bytes
) -> None:
    """Let the actor replace the settings, in a venue that has the time for it."""
    times, now, taken = call.context.catalog.times, event.board.settings, None
    try:
        if (settings.starts_at_ms, settings.ends_at_ms) != (
            now.starts_at_ms,
            now.ends_at_ms,
        ):
            taken = await times.take(event.id, settings)
    except VenueTaken as error:
        raise ProblemError("venue_taken") from error
    command = Configure(id=0, event=event.id, settings=settings)
    try:
        await ask_organizer(call, event, command, request_hash)
    except ProblemError as error:
        if taken is not None and error.code != "outcome_unknown":
            await times.settle(taken)
        raise
    if taken is not None:
        await times.settle(taken)


async def _tell_otherwise(
    call: Call, event: str, change: DetailsChange, request_hash: bytes
) -> None:
    """Change what the catalogue tells, in every process."""
    context, user, key = call.context, call.who.user, call.key
    await context.catalog.details.edit(
        event, change, user=user, key=key, request_hash=request_hash
    )
    context.rows.edited(event)
    context.caches.settings_changed()


async def delete_event(call: Call) -> web.Response:
    """Withdraw an event that nobody has booked."""
    # Found even where it is deleted: the same request again gets the same answer.
    event = await find_managed_event(call, deleted=True)
    await ask_organizer(call, event, DeleteEvent(id=0, event=event.id))
    await call.context.images.hide(event.id)
    call.context.rows.edited(event.id)
    return call.done()


def summary_of(row: EventRow, settings: Settings) -> EventSummary:
    """Return a stored event as lists show it."""
    fields = _summary_fields(row, settings)
    return EventSummary(**fields, registrations=row.registrations)


def _summary_fields(row: EventRow, settings: Settings) -> dict[str, Any]:
    details = row.details
    return {
        "id": row.event,
        "venue": row.venue,
        "capacity": capacity_of(row, settings),
        "organisation": row.organisation,
        "created_at": row.created_at,
        "category": details.category,
        "tags": details.tags,
        "image": image_of(row.image),
        **settings_fields(settings),
    }


def capacity_of(row: EventRow, settings: Settings) -> int | None:
    """Return how many places an event with just a capacity has by now."""
    return None if row.capacity is None else settings.capacity or row.capacity


def image_of(row: ImageRow | None) -> ImageDocument | None:
    """Return an image as clients see it."""
    if row is None:
        return None
    url = f"/v1/images/{row.image}"
    return ImageDocument(
        id=row.image,
        url=url,
        small_url=f"{url}?size=small",
        width=row.width,
        height=row.height,
        caption=row.caption,
        uploaded_by=row.uploaded_by,
        uploaded_at=row.uploaded_at,
    )


async def find_row(call: Call, event: str) -> EventRow:
    """Return an event's row, for what stands beside its board."""
    row = await call.context.rows.find(event)
    if row is None:
        raise ProblemError("event_not_found")
    return row


async def find_shown_row(call: Call, event: str) -> EventRow:
    """Return the row of an event that was not deleted."""
    row = await find_row(call, event)
    if row.settings.deleted:
        raise ProblemError("event_not_found")
    return row


async def may_see(call: Call, event: str) -> bool:
    """Tell whether the caller may see all who booked or registered for an event."""
    organisation = (await find_row(call, event)).organisation
    if organisation is None:
        return call.organizer
    return await belongs(call, organisation)
