"""Venues: changed, copied, deleted, previewed; and the schema of their maps."""

from typing import Any, Final

import msgspec
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from inventory.venue.schema import map_schema
from server.events.venues.bodies import MAP_SCHEMA, VenuePatch
from server.events.venues.map_cache import MAPS, MapDocument
from server.events.venues.problems import VENUE_IN_USE, VENUE_NOT_FOUND
from server.events.venues.reader import READER
from server.events.venues.rest import VenueDocument, document_of, note_seller
from server.events.venues.service import VENUE_SERVICE
from server.live.actors.registry import CATALOG
from server.transport.http import etags
from server.transport.http.problems import (
    KEY_REUSED,
    LIMIT_REACHED,
    OVERLOADED,
    UNAVAILABLE,
    ProblemError,
)
from server.transport.rest.bodies import CHART_BYTES_MAX, read_body
from server.transport.rest.call import Call
from server.transport.rest.fields import Id, Name
from server.transport.rest.idempotency import hash_request
from server.transport.rest.route import WRITES, Route


class VenueDuplicate(Struct, forbid_unknown_fields=True):
    """What is to be different about the copy of a venue.

    It is for the same organisation, where the caller leads that and names none.
    """

    name: Name | UnsetType = UNSET
    organisation: Id | UnsetType = UNSET


async def edit_venue(call: Call) -> web.Response:
    """Change a venue."""
    name, venues = call.path("venue", VENUE_NOT_FOUND), call[VENUE_SERVICE]
    venue = await venues.find_managed(call.who, name)
    reader = call[READER]
    reader.refuse_more()
    change = await reader.change(await read_body(call.request, CHART_BYTES_MAX))
    after = await venues.edit(venue, change, call.seen)
    return call.answer(document_of(after), revision=after.revision)


async def delete_venue(call: Call) -> web.Response:
    """Delete a venue that no event uses."""
    venue = call.path("venue", VENUE_NOT_FOUND)
    await call[VENUE_SERVICE].delete(call.who, venue, call.seen)
    return call.done()


async def duplicate_venue(call: Call) -> web.Response:
    """Make a venue like another."""
    key, venues = call.key, call[VENUE_SERVICE]
    await venues.require_maker(call.who)
    row = await venues.find(call.path("venue", VENUE_NOT_FOUND))
    body = VenueDuplicate()
    if call.request.body_exists:
        body = await call.body(VenueDuplicate)
    wanted = body.organisation if isinstance(body.organisation, str) else None
    maker = await venues.copier_of(call.who, row, wanted)
    note_seller(call, maker)
    request_hash = hash_request(["duplicate", row.venue_id, body])
    name = body.name if isinstance(body.name, str) else None
    made = await venues.copy(maker, row, name, key, request_hash)
    headers = {"Location": f"/v1/venues/{made.venue_id}"}
    return call.answer(document_of(made), status=201, headers=headers)


async def show_venue_map(call: Call) -> web.Response:
    """Show what the map of an event would be in this venue."""
    row = await call[VENUE_SERVICE].find(call.path("venue", VENUE_NOT_FOUND))
    # Kept under a name of its own for each edit, whichever process made it.
    maps, name = call[MAPS], f"{row.venue_id} {row.revision}"
    encoded = maps.find(name)
    if encoded is None:
        found = await call[CATALOG].venues.find_map(row.venue_id)
        if found is None:
            raise ProblemError(VENUE_NOT_FOUND)
        drawn, revision = found
        encoded = await maps.of_stored(f"{row.venue_id} {revision}", drawn)
    return call.read(encoded.body, encoded.etag)


async def show_map_schema(call: Call) -> web.Response:
    """Show the JSON Schema of our own map format."""
    answer = call.read(_SCHEMA, etags.of_body(_SCHEMA))
    if answer.body is not None:
        answer.content_type = SCHEMA_TYPE
    return answer


SCHEMA_TYPE: Final = "application/schema+json"
_SCHEMA: Final = msgspec.json.encode(map_schema())

ONE: Final = (VENUE_NOT_FOUND, UNAVAILABLE)
MANAGERS: Final = (
    "Needs the token of an account: of an owner or leader of the venue's organisation; "
    "of the organiser who made it, where it has none."
)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path=MAP_SCHEMA,
        handler=show_map_schema,
        name="show_map_schema",
        summary="Show the JSON Schema of our own map format",
        tag="Venues",
        access="anyone",
        scope="events:read",
        answers=dict[str, Any],
        media_type=SCHEMA_TYPE,
        cached=True,
    ),
    Route(
        method="PATCH",
        path="/v1/venues/{venue}",
        handler=edit_venue,
        name="edit_venue",
        who=MANAGERS,
        summary="Change a venue; its map only while no event uses it",
        tag="Venues",
        access="customer",
        body=VenuePatch,
        answers=VenueDocument,
        keyed=True,
        problems=(*WRITES, *ONE, VENUE_IN_USE, OVERLOADED, LIMIT_REACHED),
    ),
    Route(
        method="DELETE",
        path="/v1/venues/{venue}",
        handler=delete_venue,
        name="delete_venue",
        who=MANAGERS,
        summary="Delete a venue that no event uses",
        tag="Venues",
        access="customer",
        status=204,
        keyed=True,
        problems=(*ONE, VENUE_IN_USE),
    ),
    Route(
        method="POST",
        path="/v1/venues/{venue}/duplicate",
        handler=duplicate_venue,
        name="duplicate_venue",
        who=(
            "Needs the token of an account: of an owner or leader, where an "
            "`organisation` is named or the venue's is led, else of an organiser."
        ),
        summary="Make a venue like this one, whose map may then be changed",
        tag="Venues",
        access="customer",
        body=VenueDuplicate,
        body_required=False,
        answers=VenueDocument,
        status=201,
        keyed=True,
        problems=(*WRITES, VENUE_NOT_FOUND, KEY_REUSED, LIMIT_REACHED),
    ),
    Route(
        method="GET",
        path="/v1/venues/{venue}/map",
        handler=show_venue_map,
        name="show_venue_map",
        budget="cheap",
        summary="Show the map that an event would have in this venue",
        tag="Venues",
        access="anyone",
        scope="events:read",
        answers=MapDocument,
        cached=True,
        problems=ONE,
    ),
)
