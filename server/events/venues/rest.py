"""Venues: taken from a map or a published chart, listed, shown."""

import asyncio
from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from inventory.venue.chart import read_chart
from inventory.venue.errors import ChartError
from inventory.venue.map import Category, VenueMap
from inventory.venue.own import read_map
from persistence.errors import TooMany
from persistence.events.catalog import VenueRow
from server.base.access import may_make_some
from server.events.venues.problems import VENUE_NOT_FOUND
from server.live.actors.registry import CATALOG
from server.people.organisations.membership import seller_of
from server.people.organisations.service import ORGANISATION_SERVICE
from server.transport.http.problems import (
    BAD_FIELD,
    KEY_REUSED,
    LIMIT_REACHED,
    UNAVAILABLE,
    FieldError,
    ProblemError,
    bad_field,
    refuse_denied,
)
from server.transport.rest.bodies import CHART_BYTES_MAX, decode, read_body
from server.transport.rest.call import Call
from server.transport.rest.fields import Id, Name
from server.transport.rest.idempotency import hash_request, new_id
from server.transport.rest.notes import note_objects
from server.transport.rest.paging import Page, read_limit
from server.transport.rest.route import PAGING, WRITES, Route


class VenueCreate(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A new venue: its name, and either our own map or a seats.io chart.

    Whoever is no organiser names the organisation that it is for, which one owns or
    leads. Events of anybody may be at any venue.
    """

    name: Name
    map: dict[str, Any] | None = None
    chart: dict[str, Any] | None = None
    exclusive: bool = False
    """Whether it takes one event at a time; without it nobody minds."""
    organisation: Id | None = None


class VenueDocument(Struct):
    """A venue; its map is shown with its events."""

    id: str
    name: str
    seats: int
    areas: int
    categories: list[Category]
    exclusive: bool
    organisation: str | None


CHARTS: Final = web.AppKey("charts", asyncio.Semaphore)
"""How many charts are read at the same time: each may take much memory."""


async def create_venue(call: Call) -> web.Response:
    """Make a venue from a map or a chart."""
    user, key = call.who.user, call.key
    organisations = call[ORGANISATION_SERVICE].organisations
    leads = call.organizer or await organisations.leads_any(user)
    # Before the body, which is dear to read.
    refuse_denied(may_make_some(call.who, leads))
    body = await read_body(call.request, CHART_BYTES_MAX)
    # A stadium takes a tenth of a second, which no sale has to wait for.
    async with call[CHARTS]:
        wanted, request_hash = await asyncio.to_thread(_decode_venue, body)
    organisation = await seller_of(call, wanted.organisation)
    async with call[CHARTS]:
        venue_map = await asyncio.to_thread(_read_map, wanted)
    if organisation is not None:
        note_objects(call.request, organisation=organisation)
    try:
        row = await call[CATALOG].create_venue(
            new_id("ven", user, key),
            wanted.name,
            venue_map,
            created_by=user,
            request_hash=request_hash,
            exclusive=wanted.exclusive,
            organisation=organisation,
        )
    except TooMany as error:
        raise ProblemError(LIMIT_REACHED) from error
    except KeyError as error:
        raise bad_field("organisation", "There is no such organisation.") from error
    if row.request_hash != request_hash:
        raise ProblemError(KEY_REUSED)
    headers = {"Location": f"/v1/venues/{row.venue_id}"}
    return call.answer(document_of(row), status=201, headers=headers)


async def list_venues(call: Call) -> web.Response:
    """List the venues, oldest first."""
    query = call.request.query
    rows, cursor = await call[CATALOG].list_venues(
        limit=read_limit(query), cursor=query.get("cursor")
    )
    return call.read(Page([document_of(row) for row in rows], cursor))


async def show_venue(call: Call) -> web.Response:
    """Show one venue."""
    row = await call[CATALOG].find_venue(call.path("venue", VENUE_NOT_FOUND))
    if row is None:
        raise ProblemError(VENUE_NOT_FOUND)
    return call.read(document_of(row))


def _decode_venue(body: bytes) -> tuple[VenueCreate, bytes]:
    """Return what a body asks for, and the hash of that; raises `ProblemError`."""
    wanted = decode(body, VenueCreate)
    if (wanted.map is None) == (wanted.chart is None):
        raise bad_field("map", "Give exactly one of map and chart.")
    return wanted, hash_request(wanted)


def _read_map(wanted: VenueCreate) -> VenueMap:
    """Return the map that a body holds; raises `ProblemError`."""
    try:
        if wanted.chart is not None:
            return read_chart(wanted.chart)
        return read_map(wanted.map)
    except ChartError as error:
        inside = "map" if wanted.chart is None else "chart"
        errors = [
            FieldError(
                f"{inside}.{fault.field}" if fault.field else inside, fault.detail
            )
            for fault in error.faults
        ]
        raise ProblemError(BAD_FIELD, errors[0].detail, errors=errors) from error


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
        problems=(*WRITES, KEY_REUSED, LIMIT_REACHED),
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
