"""Events: made, listed, shown, edited, deleted.

What an event is set to and how many seats are left comes from its committed board;
everything that changes it is a command to its actor, answered after the commit.
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final

from aiohttp import web
from msgspec import Struct, json, structs

from inventory.commands import ChangeSale, Configure, DeleteEvent
from inventory.replies import Refused
from inventory.rules.settings import completing
from inventory.settings import Settings
from persistence.errors import TooMany
from persistence.events.rows import EventRow, ImageRow
from persistence.events.venue_times import VenueTaken
from server.base import limits
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
from server.live.actors.registry import (
    CATALOG,
    REGISTRY,
    EventNotFound,
    EventUnavailable,
    ServedEvent,
    ask,
)
from server.live.cluster.membership.members import MEMBERS
from server.live.fanout.board import Board
from server.people.organisations.membership import MEMBERSHIPS
from server.transport.http import etags
from server.transport.http.problems import (
    EVENT_NOT_FOUND,
    KEY_REUSED,
    LIMIT_REACHED,
    UNAVAILABLE,
    ProblemError,
    bad_field,
    refusal,
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


class FoundEvent(Struct):
    """An event that is there: its actor's address, and its id."""

    id: str
    local: ServedEvent

    @property
    def board(self) -> Board:
        """What is committed of it."""
        return self.local.board

    @property
    def organisation(self) -> str | None:
        """The organisation that it belongs to."""
        seller = self.local.seller
        return None if seller is None else seller.organisation

    @property
    def maker(self) -> str:
        """Who made it, and has it where no organisation does."""
        return self.local.maker


async def find_event(call: Call, deleted: bool = False) -> FoundEvent:
    """Return the event of the request's path, activated, as the caller may see it.

    A deleted one is found only where that is asked for; a draft only by those who run
    the event.
    """
    event = await load_event(call, deleted)
    state = event.board.settings.sale_state
    if await call[MEMBERSHIPS].is_hidden(
        call.identity, event.organisation, event.maker, state
    ):
        raise ProblemError(EVENT_NOT_FOUND)
    return event


async def find_managed_event(call: Call, deleted: bool = False) -> FoundEvent:
    """Return the event of the request's path to somebody who manages it."""
    event = await find_event(call, deleted)
    if event.board.settings.deleted and not await call[MEMBERSHIPS].manages(
        call.identity, event.organisation, event.maker
    ):
        # To all others it is gone.
        raise ProblemError(EVENT_NOT_FOUND)
    await call[MEMBERSHIPS].require_manager(
        call.identity, event.organisation, event.maker
    )
    return event


async def load_event(call: Call, deleted: bool = False) -> FoundEvent:
    """Return the event of the request's path, activated, whoever asks."""
    event = call.path("event", EVENT_NOT_FOUND)
    try:
        local = await call[REGISTRY].find(event)
    except EventNotFound as error:
        raise ProblemError(EVENT_NOT_FOUND) from error
    except EventUnavailable as error:
        raise ProblemError(UNAVAILABLE) from error
    if local.board.settings.deleted and not deleted:
        raise ProblemError(EVENT_NOT_FOUND)
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
    reply = await ask(event.local, command, call.who.user, True, call.key, request_hash)
    if isinstance(reply, Refused):
        raise refusal(reply)
    if isinstance(reply.version, int):
        # Where another process owns the event, its news may come after its answer.
        await event.local.hub.reach(reply.version, limits.LOAD_S_MAX)


async def answer_event(call: Call, event: FoundEvent) -> web.Response:
    """Answer a write with the event as it is now."""
    shown, revision = await show(call, event)
    return call.answer(shown, revision=revision)


async def show(call: Call, event: FoundEvent) -> tuple[EventDocument, int]:
    """Return an event as clients see it, and its revision."""
    row = await find_row(call, event.id)
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


async def find_row(call: Call, event: str) -> EventRow:
    """Return an event's row, for what stands beside its board."""
    row = await call[ROWS].find(event)
    if row is None:
        raise ProblemError(EVENT_NOT_FOUND)
    return row


async def find_shown_row(call: Call, event: str) -> EventRow:
    """Return the row of an event that was not deleted, as the caller may see it."""
    row = await find_row(call, event)
    whose, state = (row.organisation, row.created_by), row.settings.sale_state
    if row.settings.deleted or await call[MEMBERSHIPS].is_hidden(
        call.identity, *whose, state
    ):
        raise ProblemError(EVENT_NOT_FOUND)
    return row


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
