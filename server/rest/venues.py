"""Venues: taken from a map or a published chart, listed, shown."""

import asyncio
from typing import Any

from aiohttp import web
from msgspec import Struct

from inventory.venue.chart import read_chart
from inventory.venue.errors import ChartError
from inventory.venue.map import Category, VenueMap
from inventory.venue.own import read_map
from persistence.catalog import VenueRow
from server.rest.bodies import CHART_BYTES_MAX, decode, read_body
from server.rest.call import Call
from server.rest.creation import hash_request, new_id
from server.rest.event_bodies import Name
from server.rest.paging import Page, read_limit
from server.rest.problems import ProblemError, bad_field


class VenueCreate(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A new venue: its name, and either our own map or a seats.io chart."""

    name: Name
    map: dict[str, Any] | None = None
    chart: dict[str, Any] | None = None
    exclusive: bool = False
    """Whether it takes one event at a time; without it nobody minds."""


class VenueDocument(Struct):
    """A venue; its map is shown with its events."""

    id: str
    name: str
    seats: int
    areas: int
    categories: list[Category]
    exclusive: bool


class ReadVenue(Struct):
    """What a body held: checked, but not yet stored."""

    name: str
    venue_map: VenueMap
    request_hash: bytes
    exclusive: bool


async def create_venue(call: Call) -> web.Response:
    """Make a venue from a map or a chart."""
    user, key = call.who.user, call.key
    body = await read_body(call.request, CHART_BYTES_MAX)
    # A stadium takes a tenth of a second, which no sale has to wait for.
    async with call.context.charts:
        venue = await asyncio.to_thread(read_venue, body)
    row = await call.context.catalog.create_venue(
        new_id("ven", user, key),
        venue.name,
        venue.venue_map,
        created_by=user,
        request_hash=venue.request_hash,
        exclusive=venue.exclusive,
    )
    if row.request_hash != venue.request_hash:
        raise ProblemError("key_reused")
    headers = {"Location": f"/v1/venues/{row.venue_id}"}
    return call.answer(document_of(row), status=201, headers=headers)


async def list_venues(call: Call) -> web.Response:
    """List the venues, oldest first."""
    query = call.request.query
    rows, cursor = await call.context.catalog.list_venues(
        limit=read_limit(query), cursor=query.get("cursor")
    )
    return call.read(Page([document_of(row) for row in rows], cursor))


async def show_venue(call: Call) -> web.Response:
    """Show one venue."""
    row = await call.context.catalog.find_venue(call.path("venue"))
    if row is None:
        raise ProblemError("venue_not_found")
    return call.read(document_of(row))


def read_venue(body: bytes) -> ReadVenue:
    """Return the venue in a body; raises `ProblemError`."""
    decoded = decode(body, VenueCreate)
    if (decoded.map is None) == (decoded.chart is None):
        raise bad_field("map", "Give exactly one of map and chart.")
    try:
        if decoded.chart is not None:
            venue_map = read_chart(decoded.chart)
        else:
            venue_map = read_map(decoded.map)
    except ChartError as error:
        raise bad_field(error.field, error.detail) from error
    return ReadVenue(decoded.name, venue_map, hash_request(decoded), decoded.exclusive)


def document_of(row: VenueRow) -> VenueDocument:
    """Return a venue as clients see it."""
    return VenueDocument(
        row.venue_id, row.name, row.seats, row.areas, row.categories, row.exclusive
    )
