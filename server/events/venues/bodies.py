"""What clients send to make a venue, and to change one."""

from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from inventory.faults import Faults
from inventory.names import TEXT_PATTERN
from inventory.zones import is_zone
from server.transport.rest.bodies import Body
from server.transport.rest.fields import NO_ZONE, Id, Name, Zone

ADDRESS_LENGTH_MAX: Final = 500
PLANNERS_MAX: Final = 100
MAP_SCHEMA: Final = "/v1/venues/map-schema"

Address = Annotated[
    str,
    Meta(min_length=1, max_length=ADDRESS_LENGTH_MAX, pattern=TEXT_PATTERN),
]
Planners = Annotated[tuple[Id, ...], Meta(max_length=PLANNERS_MAX)]
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
    planners: Planners = ()
    """Organisations that may plan there beside its own, while it is exclusive."""
    organisation: Id | None = None
    timezone: Zone | None = None
    """Of the events there that name none."""
    address: Address | None = None
    coordinates: Place | None = None

    def check(self, faults: Faults) -> None:
        """Add where there is neither a map nor a chart, or both."""
        _check_drawn(self.map, self.chart, faults)
        if isinstance(self.timezone, str) and not is_zone(self.timezone):
            faults.add("timezone", NO_ZONE)


class VenuePreview(Body, omit_defaults=True):
    """A map in either format, to be looked at before a venue is made of it."""

    map: OwnMap | None = None
    chart: Chart | None = None

    def check(self, faults: Faults) -> None:
        """Add where there is neither a map nor a chart, or both."""
        _check_drawn(self.map, self.chart, faults)


class VenuePatch(Body):
    """What to change of a venue; its map only while no event uses it."""

    name: Name | UnsetType = UNSET
    map: OwnMap | UnsetType = UNSET
    chart: Chart | UnsetType = UNSET
    exclusive: bool | UnsetType = UNSET
    planners: Planners | UnsetType = UNSET
    """What is published stays, whoever may plan from now on."""
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


def _check_drawn(drawn: object, chart: object, faults: Faults) -> None:
    if (drawn is None) == (chart is None) and not faults.is_faulty("chart"):
        faults.add("map", "Give exactly one of map and chart.")
