"""Venues: taken from a map or a published chart, listed, shown."""

import asyncio
from typing import Annotated, Any, Final

from aiohttp import web
from msgspec import Meta, Struct

from inventory.faults import Fault, Faults, below
from inventory.names import TEXT_PATTERN
from inventory.venue.chart import read_chart
from inventory.venue.errors import ChartError
from inventory.venue.map import Category, VenueMap
from inventory.venue.own import read_map
from inventory.zones import is_zone
from persistence.events.catalog import VenueRow
from persistence.events.venue_edits import Coordinates
from server.base.refusals.refusals import add_faults, refuse_faults
from server.events.venues.problems import VENUE_NOT_FOUND
from server.events.venues.service import VENUE_SERVICE, NewVenue, VenueMaker
from server.live.actors.registry import CATALOG
from server.transport.http.problems import (
    BAD_FIELD,
    KEY_REUSED,
    LIMIT_REACHED,
    UNAVAILABLE,
    bad_fields,
)
from server.transport.rest.bodies import CHART_BYTES_MAX, Body, decode_faulty, read_body
from server.transport.rest.call import Call
from server.transport.rest.fields import NO_ZONE, Id, Name, Zone
from server.transport.rest.idempotency import hash_request
from server.transport.rest.notes import note_objects
from server.transport.rest.paging import Page, read_limit, total_of
from server.transport.rest.route import PAGING, WRITES, Route

ADDRESS_LENGTH_MAX: Final = 500
MAP_SCHEMA: Final = "/v1/venues/map-schema"

Address = Annotated[
    str,
    Meta(min_length=1, max_length=ADDRESS_LENGTH_MAX, pattern=TEXT_PATTERN),
]
OwnMap = Annotated[
    dict[str, Any],
    Meta(
        description="A map in our own format, whose JSON Schema is at "
        "`/v1/venues/map-schema`.",
        extra_json_schema={"externalDocs": {"url": MAP_SCHEMA}},
    ),
]
Chart = Annotated[
    dict[str, Any], Meta(description="A seats.io chart, as it is published.")
]


class Place(Struct, forbid_unknown_fields=True):
    """Where something is on earth, in degrees of WGS 84."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]


class VenueCreate(Body, omit_defaults=True):
    """A new venue: its name, and either our own map or a seats.io chart.

    Whoever is no organiser names the organisation that it is for, which one owns or
    leads. Events of anybody may be at any venue.
    """

    name: Name
    map: OwnMap | None = None
    chart: Chart | None = None
    exclusive: bool = False
    """Whether it takes one event at a time; without it nobody minds."""
    organisation: Id | None = None
    timezone: Zone | None = None
    """Of the events there that name none."""
    address: Address | None = None
    coordinates: Place | None = None

    def check(self, faults: Faults) -> None:
        """Add where there is neither a map nor a chart, or both."""
        if (self.map is None) == (self.chart is None) and not faults.is_faulty("chart"):
            faults.add("map", "Give exactly one of map and chart.")
        if isinstance(self.timezone, str) and not is_zone(self.timezone):
            faults.add("timezone", NO_ZONE)


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


CHARTS: Final = web.AppKey("charts", asyncio.Semaphore)
"""How many charts are read at the same time: each may take much memory."""


async def create_venue(call: Call) -> web.Response:
    """Make a venue from a map or a chart."""
    key, venues = call.key, call[VENUE_SERVICE]
    # Before the body, which is dear to read.
    await venues.require_maker(call.who)
    body = await read_body(call.request, CHART_BYTES_MAX)
    # A stadium takes a tenth of a second, which no sale has to wait for.
    async with call[CHARTS]:
        wanted, request_hash = await asyncio.to_thread(_decode_venue, body)
    maker = await venues.maker_for(call.who, wanted.organisation)
    async with call[CHARTS]:
        venue_map = await asyncio.to_thread(_read_map, wanted)
    note_seller(call, maker)
    new = NewVenue(
        name=wanted.name,
        map=venue_map,
        exclusive=wanted.exclusive,
        timezone=wanted.timezone,
        address=wanted.address,
        coordinates=coordinates_of(wanted.coordinates),
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


async def show_venue(call: Call) -> web.Response:
    """Show one venue."""
    row = await call[VENUE_SERVICE].find(call.path("venue", VENUE_NOT_FOUND))
    return call.read(document_of(row), revision=row.revision)


def _decode_venue(body: bytes) -> tuple[VenueCreate, bytes]:
    """Return what a body asks for, and the hash of that; raises `Refusal`."""
    wanted, found = decode_faulty(body, VenueCreate)
    if found and not (found.is_faulty("map") or found.is_faulty("chart")):
        # It is refused anyway, so all that is wrong is told.
        try:
            _read_either(wanted.map, wanted.chart)
        except ChartError as error:
            add_faults(found, _faults_of(wanted.chart, error))
    refuse_faults(found)
    return wanted, hash_request(wanted)


def _read_map(wanted: VenueCreate) -> VenueMap:
    """Return the map that a body holds; raises `ProblemError`."""
    return map_of(wanted.map, wanted.chart)


def map_of(drawn: object, chart: object) -> VenueMap:
    """Return the map that was given, in one format or the other."""
    try:
        return _read_either(drawn, chart)
    except ChartError as error:
        raise bad_fields(_faults_of(chart, error)) from error


def _read_either(drawn: object, chart: object) -> VenueMap:
    """Return the map that a body holds; raises `ChartError`."""
    return read_map(drawn) if chart is None else read_chart(chart)


def _faults_of(chart: object, error: ChartError) -> list[Fault]:
    """Return what is wrong with a map or a chart, by its path in the body."""
    top = "map" if chart is None else "chart"
    return [
        Fault(below(top, fault.field) if fault.field else top, fault.detail)
        for fault in error.faults
    ]


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
    )


def coordinates_of(place: Place | None) -> Coordinates | None:
    """Return a place as it is stored."""
    return None if place is None else Coordinates(place.lat, place.lon)


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
