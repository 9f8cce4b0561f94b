"""Events: made, listed, shown, edited, deleted.

What an event is set to and how many seats are left comes from its committed board;
everything that changes it is a command to its actor, answered after the commit.
"""

import asyncio
from collections.abc import Hashable
from datetime import datetime
from weakref import WeakValueDictionary

from aiohttp import web
from msgspec import Struct, json

from inventory.commands import ChangeSale, Configure, DeleteEvent
from inventory.replies import Refused
from inventory.settings import SaleState, Settings
from inventory.venue.own import capacity_map
from persistence.catalog import EventRow
from server import limits
from server.context import Context
from server.organisations.machines import Machine
from server.realtime.board import Board
from server.rest.bodies import convert, is_clean
from server.rest.call import Call
from server.rest.creation import hash_request, new_id
from server.rest.event_bodies import (
    Counts,
    EventCreate,
    EventDocument,
    EventPatch,
    EventSummary,
    OwnerDocument,
    check_settings,
    patched,
    read_time,
    settings_fields,
    settings_of,
)
from server.rest.paging import Page, read_limit
from server.rest.problems import ProblemError, bad_field, refusal
from server.rest.standing import belongs, manages
from server.rest.times import maybe_to_ms
from server.shards import EventNotFound, EventUnavailable, ServedEvent, ask

QUERY_LENGTH_MAX = 200
EVENTS_KNOWN_MAX = 4_096
LIST_S_MAX = 1.0
"""How old a buyer's list may be where its process did not hear of a change."""

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
    seller = event.local.seller
    if (
        seller is not None
        and event.board.settings.sale_state == "draft"
        and not await belongs(call, seller.organisation)
    ):
        raise ProblemError("event_not_found")
    return event


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
    return EventDocument(
        id=event.id,
        venue=row.venue,
        capacity=row.capacity,
        organisation=row.organisation,
        created_at=row.created_at,
        **settings_fields(board.settings),
        version=board.version,
        counts=Counts(**board.counts()),
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
    return board.history_id, board.epoch, board.version, owner, address


def is_public(board: Board) -> bool:
    """Tell whether everybody sees this event alike, so that its answers may be kept."""
    settings = board.settings
    return settings.sale_state != "draft" and not settings.deleted


async def create_event(call: Call) -> web.Response:
    """Make an event at a venue, or one with just a capacity."""
    user, key = call.who.user, call.key
    body = await call.body(EventCreate)
    organisation = await _seller_of(call, body)
    settings = settings_of(body)
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
    try:
        row = await catalog.create_event(
            new_id("evt", user, key),
            settings,
            venue=body.venue,
            capacity=body.capacity,
            created_by=user,
            request_hash=request_hash,
            organisation=organisation,
        )
    except KeyError as error:
        # Nobody deletes venues.
        raise bad_field("organisation", "There is no such organisation.") from error
    if row.request_hash != request_hash:
        raise ProblemError("key_reused")
    headers = {"Location": f"/v1/events/{row.event}"}
    # The settings of this request and not the row's: where it is made again after a
    # while, it still gets the answer that it got at first.
    return call.answer(summary_of(row, settings), status=201, headers=headers)


async def list_events(call: Call) -> web.Response:
    """List the events in order of their beginning."""
    lists = call.context.caches.lists
    name = call.request.rel_url.raw_query_string
    # Taken before the rows are: what changes while they come belongs to the next list.
    # By the second, because another process may have changed an event unheard.
    stamp = (lists.generation, int(call.context.hub.now() / LIST_S_MAX))
    # An organiser sees drafts, and looks for what it has just changed.
    known = None if call.organizer else lists.get(name, stamp)
    if known is not None:
        return call.read(known.body, known.etag)
    query = call.request.query
    status, starts_from, starts_to, text = (
        query.get(name) for name in ("status", "from", "to", "q")
    )
    if status is not None:
        convert({"status": status}, dict[str, SaleState])
    if text is not None and (len(text) > QUERY_LENGTH_MAX or not is_clean(text)):
        raise bad_field("q", f"At most {QUERY_LENGTH_MAX} plain characters.")
    rows, cursor = await call.context.catalog.list_events(
        status=status,
        from_ms=maybe_to_ms(_time_of("from", starts_from)),
        to_ms=maybe_to_ms(_time_of("to", starts_to)),
        text=text,
        # What is not announced yet is nobody's business but the organisers'.
        drafts=call.organizer,
        limit=read_limit(query),
        cursor=query.get("cursor"),
    )
    page = Page([summary_of(row, row.settings) for row in rows], cursor)
    if call.organizer:
        return call.read(page)
    made = lists.put(name, json.encode(page), stamp=stamp)
    return call.read(made.body, made.etag)


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
    """Change some of an event's settings."""
    event = await find_managed_event(call)
    patch = await call.body(EventPatch)
    lock = _edits.setdefault(event.id, asyncio.Lock())
    async with lock:
        settings = patched(event.board.settings, patch)
        check_settings(settings, event.board.venue.categories)
        command = Configure(id=0, event=event.id, settings=settings)
        await ask_organizer(call, event, command, hash_request(["edit", patch]))
    return call.answer(await show(call, event))


async def delete_event(call: Call) -> web.Response:
    """Withdraw an event that nobody has booked."""
    # Found even where it is deleted: the same request again gets the same answer.
    event = await find_managed_event(call, deleted=True)
    await ask_organizer(call, event, DeleteEvent(id=0, event=event.id))
    return web.Response(status=204, headers={"Cache-Control": "no-store"})


def summary_of(row: EventRow, settings: Settings) -> EventSummary:
    """Return a stored event as clients see it."""
    return EventSummary(
        id=row.event,
        venue=row.venue,
        capacity=row.capacity,
        organisation=row.organisation,
        created_at=row.created_at,
        **settings_fields(settings),
    )


async def _seller_of(call: Call, body: EventCreate) -> str | None:
    """Return the organisation that a new event is for, where the caller may make it."""
    who, wanted = call.who, body.organisation
    if isinstance(who, Machine):
        wanted = wanted or who.organisation
    if not await manages(call, wanted):
        detail = (
            "Name an organisation that you own or lead." if wanted is None else None
        )
        raise ProblemError("forbidden", detail)
    return wanted


def _time_of(field: str, text: str | None) -> datetime | None:
    return None if text is None else read_time(field, text)


async def find_row(call: Call, event: str) -> EventRow:
    """Return an event's row, for what never changes: venue, capacity, creation."""
    known = call.context.events
    row = known.get(event)
    if row is None:
        row = await call.context.catalog.find_event(event)
        if row is None:
            raise ProblemError("event_not_found")
        if len(known) >= EVENTS_KNOWN_MAX:
            del known[next(iter(known))]
        known[event] = row
    return row
