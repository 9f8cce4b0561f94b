"""Venues: changed, copied, deleted, previewed; and the schema of their maps."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from inventory.faults import Faults
from inventory.venue.schema import map_schema
from inventory.zones import is_zone
from persistence.errors import TooMany
from persistence.events.catalog import VenueRow
from persistence.events.venue_edits import (
    VenueChange,
    VenueCrowded,
    VenueInUse,
    decode_map,
)
from server.base.access import may_make_some
from server.base.refusals.refusals import refuse_denied
from server.events.venues.map_cache import MAPS, MapDocument
from server.events.venues.problems import VENUE_IN_USE, VENUE_NOT_FOUND
from server.events.venues.rest import (
    CHARTS,
    MAP_SCHEMA,
    Address,
    Chart,
    OwnMap,
    Place,
    VenueDocument,
    coordinates_of,
    document_of,
    map_of,
)
from server.live.actors.registry import CATALOG
from server.people.organisations.membership import MEMBERSHIPS
from server.people.organisations.service import ORGANISATION_SERVICE
from server.transport.http import etags
from server.transport.http.problems import (
    KEY_REUSED,
    LIMIT_REACHED,
    UNAVAILABLE,
    ProblemError,
    bad_field,
)
from server.transport.http.response_cache import CACHES
from server.transport.rest.bodies import CHART_BYTES_MAX, Body, decode, read_body
from server.transport.rest.call import Call
from server.transport.rest.fields import NO_ZONE, Id, Name, Zone
from server.transport.rest.idempotency import hash_request, new_id
from server.transport.rest.notes import note_objects
from server.transport.rest.route import WRITES, Route

if TYPE_CHECKING:
    from inventory.venue.map import VenueMap

DRAWN: Final = (
    "Events use this venue, and what is sold is on its map, so that stays as it is."
    " Copy the venue (POST /v1/venues/{venue}/duplicate) and change the copy."
)
HELD: Final = "Events use this venue. Delete them first; what was sold keeps its venue."
CROWDED: Final = "Events of this venue overlap, so it cannot take one at a time."


class VenuePatch(Body):
    """What to change of a venue; its map only while no event uses it."""

    name: Name | UnsetType = UNSET
    map: OwnMap | UnsetType = UNSET
    chart: Chart | UnsetType = UNSET
    exclusive: bool | UnsetType = UNSET
    timezone: Zone | UnsetType | None = UNSET
    """Of events that are made there later, and name none."""
    address: Address | UnsetType | None = UNSET
    coordinates: Place | UnsetType | None = UNSET

    def check(self, faults: Faults) -> None:
        """Add where there is both a map and a chart, or no such time zone."""
        if self.map is not UNSET and self.chart is not UNSET:
            faults.add("map", "Give one of map and chart.")
        if isinstance(self.timezone, str) and not is_zone(self.timezone):
            faults.add("timezone", NO_ZONE)


class VenueDuplicate(Struct, forbid_unknown_fields=True):
    """What is to be different about the copy of a venue.

    It is for the same organisation, where the caller leads that and names none.
    """

    name: Name | UnsetType = UNSET
    organisation: Id | UnsetType = UNSET


async def edit_venue(call: Call) -> web.Response:
    """Change a venue."""
    row = await _find_managed(call)
    body = await read_body(call.request, CHART_BYTES_MAX)
    async with call[CHARTS]:
        change = await asyncio.to_thread(_read_change, body)
    try:
        found = await call[CATALOG].venues.edit(row.venue_id, change, call.seen)
    except VenueInUse as error:
        raise ProblemError(VENUE_IN_USE, DRAWN) from error
    except VenueCrowded as error:
        raise ProblemError(VENUE_IN_USE, CROWDED) from error
    after = await call[CATALOG].find_venue(row.venue_id) if found else None
    if after is None:
        raise ProblemError(VENUE_NOT_FOUND)
    # Lists of events are searched by the names of venues.
    call[CACHES].settings_changed()
    return call.answer(document_of(after), revision=after.revision)


async def delete_venue(call: Call) -> web.Response:
    """Delete a venue that no event uses."""
    # Found even where it is deleted: the same request again gets the same answer.
    row = await _find_managed(call, deleted=True)
    try:
        await call[CATALOG].venues.delete(row.venue_id, call.seen)
    except VenueInUse as error:
        raise ProblemError(VENUE_IN_USE, HELD) from error
    return call.done()


async def duplicate_venue(call: Call) -> web.Response:
    """Make a venue like another."""
    user, key = call.who.user, call.key
    organisations = call[ORGANISATION_SERVICE].organisations
    leads = call.organizer or await organisations.leads_any(user)
    refuse_denied(may_make_some(call.who, leads))
    row = await _find(call)
    body = VenueDuplicate()
    if call.request.body_exists:
        body = await call.body(VenueDuplicate)
    wanted = body.organisation if isinstance(body.organisation, str) else None
    if wanted is None and row.organisation is not None:
        own = await call[MEMBERSHIPS].manages(
            call.identity, row.organisation, row.created_by
        )
        wanted = row.organisation if own else None
    organisation = await call[MEMBERSHIPS].seller_of(call.who, wanted)
    if organisation is not None:
        note_objects(call.request, organisation=organisation)
    request_hash = hash_request(["duplicate", row.venue_id, body])
    try:
        made = await call[CATALOG].copy_venue(
            row.venue_id,
            new_id("ven", user, key),
            name=body.name if isinstance(body.name, str) else None,
            created_by=user,
            request_hash=request_hash,
            organisation=organisation,
        )
    except TooMany as error:
        raise ProblemError(LIMIT_REACHED, limit=error.limit) from error
    except KeyError as error:
        if error.args[0] == "venue":
            raise ProblemError(VENUE_NOT_FOUND) from error
        raise bad_field("organisation", "There is no such organisation.") from error
    if made.request_hash != request_hash:
        raise ProblemError(KEY_REUSED)
    headers = {"Location": f"/v1/venues/{made.venue_id}"}
    return call.answer(document_of(made), status=201, headers=headers)


async def show_venue_map(call: Call) -> web.Response:
    """Show what the map of an event would be in this venue."""
    row = await _find(call)
    # Kept under a name of its own for each edit, whichever process made it.
    maps, name = call[MAPS], f"{row.venue_id} {row.revision}"
    encoded = maps.find(name)
    if encoded is None:
        found = await call[CATALOG].venues.find_map(row.venue_id)
        if found is None:
            raise ProblemError(VENUE_NOT_FOUND)
        drawn, revision = found
        venue_map = await asyncio.to_thread(decode_map, drawn)
        encoded = await maps.of(f"{row.venue_id} {revision}", venue_map)
    return call.read(encoded.body, encoded.etag)


async def show_map_schema(call: Call) -> web.Response:
    """Show the JSON Schema of our own map format."""
    answer = call.read(_SCHEMA, etags.of_body(_SCHEMA))
    if answer.body is not None:
        answer.content_type = SCHEMA_TYPE
    return answer


async def _find(call: Call) -> VenueRow:
    """Return the venue of the request's path."""
    row = await call[CATALOG].find_venue(call.path("venue", VENUE_NOT_FOUND))
    if row is None:
        raise ProblemError(VENUE_NOT_FOUND)
    return row


async def _find_managed(call: Call, deleted: bool = False) -> VenueRow:
    """Return the venue of the request's path to somebody who manages it."""
    row = await call[CATALOG].find_made_venue(call.path("venue", VENUE_NOT_FOUND))
    if row is None or (row.deleted and not deleted):
        raise ProblemError(VENUE_NOT_FOUND)
    await call[MEMBERSHIPS].require_manager(
        call.identity, row.organisation, row.created_by
    )
    return row


def _read_change(body: bytes) -> VenueChange:
    """Return what a body changes; raises `ProblemError`."""
    patch = decode(body, VenuePatch)
    place = patch.coordinates
    drawn: VenueMap | UnsetType = UNSET
    if patch.map is not UNSET:
        drawn = map_of(patch.map, None)
    elif patch.chart is not UNSET:
        drawn = map_of(None, patch.chart)
    return VenueChange(
        name=patch.name,
        address=patch.address,
        coordinates=UNSET if place is UNSET else coordinates_of(place),
        exclusive=patch.exclusive,
        timezone=patch.timezone,
        map=drawn,
    )


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
        problems=(*WRITES, *ONE, VENUE_IN_USE),
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
