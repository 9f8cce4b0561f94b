"""Events: made, listed, shown, edited, deleted.

What an event is set to and how many seats are left comes from its committed board;
everything that changes it is a command to its actor, answered after the commit.
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final

from aiohttp import web
from msgspec import json, structs

from inventory.rules.settings import completing
from inventory.settings import Settings
from persistence.errors import TooMany
from persistence.events.rows import EventRow, ImageRow
from persistence.events.venue_times import VenueTaken
from server.events.catalogue.bodies import (
    Counts,
    EventCreate,
    EventDocument,
    EventSummary,
    ImageDocument,
    NewEvent,
    OwnerDocument,
    details_of,
    settings_fields,
    settings_of,
)
from server.events.catalogue.checks import (
    categories_of,
    refuse_new,
    taken_by,
    unknown_times,
)
from server.events.catalogue.problems import VENUE_TAKEN
from server.events.catalogue.row_cache import ROWS
from server.events.catalogue.service import EVENT_SERVICE, FoundEvent, ManagedEvent
from server.live.actors.registry import CATALOG, ServedEvent
from server.live.cluster.membership.members import MEMBERS
from server.live.fanout.board import Board
from server.people.organisations.membership import MEMBERSHIPS
from server.transport.http import etags
from server.transport.http.problems import (
    EVENT_NOT_FOUND,
    KEY_REUSED,
    LIMIT_REACHED,
    ProblemError,
    bad_field,
)
from server.transport.http.response_cache import CACHES
from server.transport.rest.call import Call
from server.transport.rest.idempotency import hash_request, new_id
from server.transport.rest.notes import note_objects
from server.transport.rest.route import EVENT, WRITES, Route

ON_WITHDRAWN: Final[web.AppKey[list[Callable[[str], Awaitable[None]]]]] = web.AppKey(
    "on withdrawn", list
)
"""What others do when an event was deleted."""


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
        description=row.details.description,
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
    user, key = call.who.user, call.key
    body, found = await call.faulty_body(EventCreate)
    # Who sends what is no event hears that first, whomever it is to belong to.
    organisation = (
        None
        if found
        else await call[MEMBERSHIPS].seller_of(call.who, body.organisation)
    )
    catalog, event = call[CATALOG], new_id("evt", user, key)
    timezone = body.timezone
    if not isinstance(timezone, str):
        timezone = await catalog.zone_for(event, body.venue, organisation)
    settings = completing(settings_of(body, timezone))
    categories = await categories_of(call, body, settings, found)
    await refuse_new(call, event, settings, categories, found, unknown_times(found))
    details = details_of(body)
    request_hash = hash_request(body)
    if organisation is not None:
        note_objects(call.request, organisation=organisation)
    try:
        row = await catalog.create_event(
            event,
            settings,
            venue=body.venue,
            capacity=body.capacity,
            created_by=user,
            request_hash=request_hash,
            organisation=organisation,
            details=details,
        )
    except TooMany as error:
        raise ProblemError(LIMIT_REACHED, limit=error.limit) from error
    except KeyError as error:
        raise bad_field(error.args[0], f"There is no such {error.args[0]}.") from error
    except VenueTaken as error:
        raise await taken_by(call, error) from error
    if row.request_hash != request_hash:
        raise ProblemError(KEY_REUSED)
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
        problems=(*WRITES, KEY_REUSED, LIMIT_REACHED, VENUE_TAKEN),
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
