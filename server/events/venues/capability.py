"""Venues and their maps."""

from typing import Final

from server.events.venues import rest, rest_edit, rest_preview
from server.events.venues.examples import EXAMPLES
from server.events.venues.map_cache import MAPS, Maps
from server.events.venues.reader import READER, VenueReader
from server.events.venues.service import VENUE_SERVICE, VenueService
from server.live.actors.registry import CATALOG
from server.people.organisations.membership import MEMBERSHIPS
from server.transport.capability.capability import Capability, Startup
from server.transport.http.response_cache import CACHES
from server.transport.rest.examples import PathParameter
from server.transport.rest.story import VENUE_ID


async def _open(startup: Startup) -> None:
    startup[MAPS] = Maps(startup[CACHES].maps)
    startup[VENUE_SERVICE] = VenueService(
        startup[CATALOG], startup[MEMBERSHIPS], startup[CACHES].settings_changed
    )
    startup[READER] = VenueReader()


VENUES: Final = Capability(
    name="venues",
    open=_open,
    routes=(*rest.ROUTES, *rest_edit.ROUTES, *rest_preview.ROUTES),
    parameters={
        "venue": PathParameter("The venue's id.", VENUE_ID),
    },
    makes={"venues": "venue"},
    tags={
        "Venues": """\
A venue is a map with any number of events in it. Name an `organisation`
that you own or lead; without one only organisers may make it. The keys of `categories`
are those of an event's `prices`; a seat's label is `ROW-NUMBER`, as `A-1`, or
`SECTION-ROW-NUMBER`. While events use a venue its map stays as it is drawn
(`venue_in_use`): `duplicate` it and change the copy. An event that needs no seats needs
no venue either.""",
    },
    examples=EXAMPLES,
)
