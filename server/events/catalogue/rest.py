"""Events: made, listed, shown, edited, deleted.

What an event is set to and how many seats are left comes from its committed board;
everything that changes it is a command to its actor, answered after the commit.
"""

from collections.abc import Hashable
from typing import Any, Final

from aiohttp import web
from msgspec import json

from inventory.settings import Settings
from persistence.events.rows import Details, EventRow, ImageRow
from server.events.catalogue.bodies import (
    Counts,
    EventCreate,
    EventDocument,
    EventSummary,
    ImageDocument,
    NewEvent,
    OwnerDocument,
    capacity_of,
    settings_fields,
)
from server.events.catalogue.row_cache import ROWS
from server.events.catalogue.service import (
    EVENT_SERVICE,
    FoundEvent,
    MadeEvent,
    ManagedEvent,
)
from server.live.actors.registry import ServedEvent
from server.live.cluster.membership.members import MEMBERS
from server.live.fanout.board import Board
from server.transport.http import etags
from server.transport.http.problems import (
    EVENT_NOT_FOUND,
    KEY_REUSED,
    LIMIT_REACHED,
)
from server.transport.http.response_cache import CACHES
from server.transport.rest.call import Call
from server.transport.rest.notes import note_objects
from server.transport.rest.route import EVENT, WRITES, Route


async def find_event(call: Call, deleted: bool = False) -> FoundEvent:
    """Return the event of the request's path, as the caller may see it."""
    event = call.path("event", EVENT_NOT_FOUND)
    return await call[EVENT_SERVICE].find(call.identity, event, deleted)


async def find_managed_event(call: Call, deleted: bool = False) -> ManagedEvent:
    """Return the event of the request's path to somebody who manages it."""
    event = call.path("event", EVENT_NOT_FOUND)
    return await call[EVENT_SERVICE].find_managed(call.who, event, deleted)


async def answer_event(call: Call, event: FoundEvent) -> web.Response:
    """Answer a write with the event as it is now."""
    shown, revision = await show(call, event)
    return call.answer(shown, revision=revision)


async def show(call: Call, event: FoundEvent) -> tuple[EventDocument, int]:
    """Return an event as clients see it, and its revision."""
    row = await call[EVENT_SERVICE].find_row(event.id)
    board = event.board
    counts = Counts(**board.counts())
    shown = EventDocument(
        **_summary_fields(row, board.settings),
        **_told(row.details),
        # Not the row's, which is a few seconds old.
        registrations=counts.booked,
        version=board.version,
        counts=counts,
        owner=_owner_of(call.request.app, event.local),
    )
    # Where the row is older than the board, or the other way round, it is less than
    # the event's: nobody edits what was shown so.
    return shown, board.settings.revision + row.details_revision


def _owner_of(app: web.Application, served: ServedEvent) -> OwnerDocument:
    """Return which process owns an event that is served here."""
    members = app[MEMBERS]
    process = served.elsewhere or members.me
    return OwnerDocument(process, members.address(process), served.board.epoch)


def event_stamp(app: web.Application, served: ServedEvent) -> Hashable:
    """Return what determines the document of an event, whose settings have versions."""
    board, members = served.board, app[MEMBERS]
    owner = served.elsewhere or members.me
    address = members.address(owner)
    row = app[ROWS].stamp(board.event)
    return board.history_id, board.epoch, board.version, owner, address, row


def is_public(board: Board) -> bool:
    """Return whether everybody sees this event alike: its answers may be kept."""
    settings = board.settings
    return settings.sale_state != "draft" and not settings.deleted


async def create_event(call: Call) -> web.Response:
    """Make an event at a venue, or one with just a capacity."""
    who, key = call.who, call.key
    body, found = await call.faulty_body(EventCreate)

    def sold_by(organisation: str) -> None:
        note_objects(call.request, organisation=organisation)

    made = await call[EVENT_SERVICE].create(who, body, found, key, sold_by=sold_by)
    return answer_made(call, made)


def answer_made(call: Call, made: MadeEvent) -> web.Response:
    """Answer with an event that was made."""
    document = NewEvent(
        **_summary_fields(made.row, made.settings),
        **_told(made.row.details),
        registrations=0,
    )
    headers = {"Location": f"/v1/events/{made.row.event}"}
    return call.answer(document, status=201, headers=headers)


async def show_event(call: Call) -> web.Response:
    """Show one event, with what is left of it."""
    event = await find_event(call)
    cache = call[CACHES].events
    known = cache.get(event.id, event_stamp(call.request.app, event.local))
    if known is None:
        shown, revision = await show(call, event)
        body = json.encode(shown)
        # It may have moved on while its row was looked up; after that nobody waited.
        if not is_public(event.board):
            return call.read(body, revision=revision)
        stamp = event_stamp(call.request.app, event.local)
        tag = etags.of_body(body, revision)
        known = cache.put(event.id, body, tag, stamp)
    return call.read(known.body, known.etag)


def summary_of(row: EventRow, settings: Settings) -> EventSummary:
    """Return a stored event as lists show it."""
    fields = _summary_fields(row, settings)
    return EventSummary(**fields, registrations=row.registrations)


def _summary_fields(row: EventRow, settings: Settings) -> dict[str, Any]:
    details = row.details
    capacity = capacity_of(row, settings)
    return {
        "id": row.event,
        "venue": row.venue,
        "venue_name": row.venue_name or None,
        "capacity": capacity,
        "places": row.places if capacity is None else capacity,
        "organisation": row.organisation,
        "created_at": row.created_at,
        "category": details.category,
        "tags": details.tags,
        "image": image_of(row.image),
        **settings_fields(settings),
    }


def _told(details: Details) -> dict[str, Any]:
    """Return what only the document of one event tells."""
    return {
        "description": details.description,
        "fees": details.fees,
        "tax": details.tax,
        "late": details.late,
    }


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


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/events",
        handler=create_event,
        name="create_event",
        who=(
            "Needs the token of an account: of an owner or leader, where an "
            "`organisation` is named, else of an organiser."
        ),
        summary="Make an event",
        tag="Events",
        access="customer",
        scope="events:write",
        body=EventCreate,
        answers=NewEvent,
        status=201,
        keyed=True,
        problems=(*WRITES, KEY_REUSED, LIMIT_REACHED),
    ),
    Route(
        method="GET",
        path="/v1/events/{event}",
        handler=show_event,
        name="show_event",
        budget="cheap",
        summary="Show an event and what is left of it",
        tag="Events",
        access="anyone",
        scope="events:read",
        answers=EventDocument,
        cached=True,
        problems=EVENT,
    ),
)
