"""Venues: taken from a map or a published chart, listed, shown."""

from functools import partial
from typing import Final

from aiohttp import web
from msgspec import Struct

from inventory.venue.map import Category
from persistence.events.catalog import VenueRow
from persistence.events.venue_edits import Coordinates
from server.base.access import drafts_of
from server.events.venues.bodies import VenueCreate
from server.events.venues.problems import VENUE_NOT_FOUND
from server.events.venues.reader import READER, coordinates_of, drawn_of
from server.events.venues.service import VENUE_SERVICE, NewVenue, VenueMaker
from server.live.actors.registry import CATALOG
from server.transport.http.problems import (
    BAD_FIELD,
    KEY_REUSED,
    LIMIT_REACHED,
    OVERLOADED,
    UNAVAILABLE,
)
from server.transport.rest.bodies import CHART_BYTES_MAX, read_body
from server.transport.rest.call import Call
from server.transport.rest.notes import note_objects
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.route import PAGING, WRITES, Route


class VenueDocument(Struct):
    """A venue; its map is shown with its events."""

    id: str
    name: str
    seats: int
    areas: int
    categories: list[Category]
    exclusive: bool
    organisation: str | None
    timezone: str | None
    address: str | None
    coordinates: Coordinates | None
    planners: list[str]
    """Organisations that may plan there beside its own, while it is exclusive."""


async def create_venue(call: Call) -> web.Response:
    """Make a venue from a map or a chart."""
    key, venues = call.key, call[VENUE_SERVICE]
    # Before the body, which is dear to read.
    await venues.require_maker(call.who)
    reader = call[READER]
    reader.refuse_more()
    read = await reader.new(await read_body(call.request, CHART_BYTES_MAX))
    wanted, request_hash = read.wanted, read.request_hash
    maker = await venues.maker_for(call.who, wanted.organisation)
    drawn = drawn_of(read)
    note_seller(call, maker)
    new = NewVenue(
        name=wanted.name,
        map=drawn,
        exclusive=wanted.exclusive,
        timezone=wanted.timezone,
        address=wanted.address,
        coordinates=coordinates_of(wanted.coordinates),
        planners=wanted.planners,
    )
    row = await venues.create(maker, new, key, request_hash)
    headers = {"Location": f"/v1/venues/{row.venue_id}"}
    return call.answer(document_of(row), status=201, headers=headers)


def note_seller(call: Call, maker: VenueMaker) -> None:
    """Note whose a venue is to be, where that is an organisation."""
    if maker.organisation is not None:
        note_objects(call.request, organisation=maker.organisation)


async def list_venues(call: Call) -> web.Response:
    """List the venues, oldest first."""
    query = call.request.query
    rows, cursor = await call[CATALOG].list_venues(
        limit=read_limit(query), cursor=query.get("cursor")
    )
    total = await total_of(query, call[CATALOG].count_venues)
    return call.read(Page([document_of(row) for row in rows], cursor, total))


async def list_my_venues(call: Call) -> web.Response:
    """List the venues that the caller runs, oldest first; administrators run all."""
    query, run_by = call.request.query, drafts_of(call.who)
    rows, cursor = await call[CATALOG].list_venues(
        limit=read_limit(query), cursor=query.get("cursor"), run_by=run_by
    )
    total = await total_of(query, partial(call[CATALOG].count_venues, run_by))
    return call.read(Page([document_of(row) for row in rows], cursor, total))


async def show_venue(call: Call) -> web.Response:
    """Show one venue."""
    row = await call[VENUE_SERVICE].find(call.path("venue", VENUE_NOT_FOUND))
    return call.read(document_of(row), revision=row.revision)


def document_of(row: VenueRow) -> VenueDocument:
    """Return a venue as clients see it."""
    return VenueDocument(
        row.venue_id,
        row.name,
        row.seats,
        row.areas,
        row.categories,
        row.exclusive,
        row.organisation,
        row.timezone,
        row.address,
        row.coordinates,
        row.planners,
    )


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/venues",
        handler=create_venue,
        name="create_venue",
        who=(
            "Needs the token of an account: of an owner or leader, where an "
            "`organisation` is named, else of an organiser."
        ),
        summary="Make a venue from a map or a seats.io chart",
        tag="Venues",
        # For an organisation by who leads it, which the handler asks.
        access="customer",
        body=VenueCreate,
        answers=VenueDocument,
        status=201,
        keyed=True,
        problems=(*WRITES, KEY_REUSED, LIMIT_REACHED, OVERLOADED),
    ),
    Route(
        method="GET",
        path="/v1/venues",
        handler=list_venues,
        name="list_venues",
        summary="List the venues",
        tag="Venues",
        access="anyone",
        scope="events:read",
        answers=Page[VenueDocument],
        cached=True,
        query=PAGING,
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
    Route(
        method="GET",
        path="/v1/me/venues",
        handler=list_my_venues,
        name="list_my_venues",
        summary="List the venues that the caller runs",
        tag="Venues",
        access="customer",
        answers=Page[VenueDocument],
        cached=True,
        query=PAGING,
        problems=(BAD_FIELD, UNAVAILABLE),
    ),
    Route(
        method="GET",
        path="/v1/venues/{venue}",
        handler=show_venue,
        name="show_venue",
        summary="Show a venue",
        tag="Venues",
        access="anyone",
        scope="events:read",
        answers=VenueDocument,
        cached=True,
        problems=(VENUE_NOT_FOUND, UNAVAILABLE),
    ),
)
