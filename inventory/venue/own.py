"""Reads our own map format: the JSON of `VenueMap`, with what can be derived left out.

A seat's `index` is its place in the list, `label` is made of section, row and number,
`x` and `y` (both or neither) of its place in its row and of its row's place. A
category's `label` is its key where absent. Names may be numbers. Unknown fields are
refused inside seats, areas and categories, where a misspelt `accessible` would do harm,
and ignored around them.
"""

from collections import Counter
from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from inventory import limits
from inventory.faults import Fault, convert
from inventory.venue.draft import COLOR, Draft, join
from inventory.venue.drawing import Coordinate, Drawing, Label
from inventory.venue.errors import ChartError, Faults
from inventory.venue.map import Area, Category, Point, Seat, VenueMap

SEAT_SPACING = 20.0
ROW_SPACING = 24.0
GA = "GA"
"""The one area, and the one category, of an event that has only a capacity."""

Key = Label | Annotated[int, Meta(ge=-(1 << 53), le=1 << 53)]
RowKey = tuple[str | None, str | None]


class MapPoint(Struct):
    """A place on the map, in any unit; y grows downwards, away from the stage."""

    x: Coordinate
    y: Coordinate


class MapCategory(Struct, forbid_unknown_fields=True):
    """A price group; its label is the key where it has none."""

    key: Key
    label: str | None = None
    color: Annotated[str, Meta(extra_json_schema={"pattern": f"^{COLOR.pattern}$"})] | (
        None
    ) = None


class MapSeat(Struct, forbid_unknown_fields=True):
    """One seat, or a table or a booth that is booked whole.

    Its label is made of section, row and number where it has none. Seats of one section
    and row are beside each other by their places, else in the order of the list.
    """

    category: Key
    index: int | None = None
    label: Label | None = None
    section: Key | None = None
    row: Key | None = None
    number: Key | None = None
    x: Coordinate | None = None
    y: Coordinate | None = None
    accessible: bool = False
    companion: bool = False
    restricted: bool = False
    entrance: Label | None = None


class MapArea(Struct, forbid_unknown_fields=True):
    """A general-admission area: places without numbers."""

    label: Label
    capacity: Annotated[
        int,
        Meta(extra_json_schema={"minimum": 1, "maximum": limits.AREA_CAPACITY_MAX}),
    ]
    category: Key
    section: Key | None = None
    x: Coordinate | None = None
    y: Coordinate | None = None


class MapDocument(Struct):
    """A venue: its seats and areas, of which there is one, and their price groups."""

    categories: Annotated[
        list[MapCategory],
        Meta(extra_json_schema={"maxItems": limits.CATEGORIES_PER_VENUE_MAX}),
    ]
    seats: Annotated[
        list[MapSeat],
        Meta(extra_json_schema={"maxItems": limits.SEATS_PER_VENUE_MAX}),
    ] = []
    areas: Annotated[
        list[MapArea],
        Meta(extra_json_schema={"maxItems": limits.AREAS_PER_VENUE_MAX}),
    ] = []
    focal_point: MapPoint | None = None
    section_focal_points: dict[Label, MapPoint] = {}
    drawing: Drawing | None = None


def read_map(value: object) -> VenueMap:
    """Return the map of its JSON value; raises `ChartError` with all its faults."""
    faults = Faults()
    given = convert(value, MapDocument, faults)
    draft = Draft(faults)
    draft.all_categories_known = not faults.is_blank("categories")
    for i, category in enumerate(given.categories):
        _add_category(draft, f"categories.{i}", category)
    places = _places(given.seats)
    for i, seat in enumerate(given.seats):
        _add_seat(draft, f"seats.{i}", seat, i, places)
    for i, area in enumerate(given.areas):
        _add_area(draft, f"areas.{i}", area)
    focal_point = given.focal_point
    if given.drawing is not None:
        _look_at(draft, given.drawing)
    venue_map = draft.finish(
        "seats",
        None if focal_point is None else Point(focal_point.x, focal_point.y),
        {
            draft.text("section_focal_points", section): Point(point.x, point.y)
            for section, point in given.section_focal_points.items()
        },
    )
    return msgspec.structs.replace(venue_map, drawing=given.drawing)


def capacity_map(capacity: int) -> VenueMap:
    """Return the map of an event that has only a capacity."""
    if not 1 <= capacity <= limits.AREA_CAPACITY_MAX:
        detail = f"Must be 1 to {limits.AREA_CAPACITY_MAX}."
        raise ChartError([Fault("capacity", detail)])
    return VenueMap(
        seats=[],
        areas=[Area(label=GA, capacity=capacity, category=GA)],
        categories=[Category(GA, "General admission")],
    )


def _look_at(draft: Draft, drawing: Drawing) -> None:
    """Add what is wrong with the texts of a drawing."""
    for i, shape in enumerate(drawing.shapes):
        if shape.label is not None:
            draft.text(f"drawing.shapes.{i}.label", shape.label)
        if shape.kind == "polygon" and shape.points is None:
            draft.faults.add(f"drawing.shapes.{i}", "A polygon needs points.")
    for i, text in enumerate(drawing.texts):
        draft.text(f"drawing.texts.{i}.text", text.text)
    for i, floor in enumerate(drawing.floors):
        draft.text(f"drawing.floors.{i}.name", floor.name)
    for i, zone in enumerate(drawing.zones):
        draft.text(f"drawing.zones.{i}.label", zone.label)
        for k, section in enumerate(zone.sections):
            draft.text(f"drawing.zones.{i}.sections.{k}", section)


def _add_category(draft: Draft, path: str, given: MapCategory) -> None:
    category = Category(str(given.key), given.label or str(given.key))
    if given.color is not None:
        if not COLOR.fullmatch(given.color):
            draft.faults.add(f"{path}.color", "Must be a colour of a style sheet.")
        category = Category(category.key, category.label, given.color)
    draft.add_category(path, category)


def _add_seat(
    draft: Draft,
    path: str,
    given: MapSeat,
    index: int,
    places: Callable[[RowKey], Point],
) -> None:
    faults, before = draft.faults, len(draft.faults)
    if given.index not in (None, index):
        faults.add(f"{path}.index", f"Must be {index}, its place in the list.")
    section = _name(draft, f"{path}.section", given.section)
    row = _name(draft, f"{path}.row", given.row)
    number = _name(draft, f"{path}.number", given.number)
    if number is None and given.label is None:
        faults.add(path, "A seat needs a number or a label.")
    label = join(section, row, number) if given.label is None else given.label
    if len(faults) == before and not faults.is_broken(path):
        # A label made of faulty names would only be called faulty again.
        draft.label(f"{path}.label", label)
    where = places((section, row))
    x, y = _pair(draft, path, given.x, given.y)
    draft.add_seat(
        path,
        Seat(
            index=index,
            label=label,
            section=section,
            row=row,
            number=label if number is None else number,
            category=draft.category(f"{path}.category", label, str(given.category)),
            x=where.x if x is None else x,
            y=where.y if y is None else y,
            accessible=given.accessible,
            companion=given.companion,
            restricted=given.restricted,
            entrance=_name(draft, f"{path}.entrance", given.entrance),
        ),
    )


def _add_area(draft: Draft, path: str, given: MapArea) -> None:
    label = draft.label(f"{path}.label", given.label)
    x, y = _pair(draft, path, given.x, given.y)
    draft.add_area(
        path,
        Area(
            label=label,
            capacity=given.capacity,
            category=draft.category(f"{path}.category", label, str(given.category)),
            section=_name(draft, f"{path}.section", given.section),
            x=x,
            y=y,
        ),
    )


def _name(draft: Draft, path: str, given: str | int | None) -> str | None:
    return None if given is None else draft.text(path, str(given))


def _pair(
    draft: Draft, path: str, x: float | None, y: float | None
) -> tuple[float | None, ...]:
    if (x is None) != (y is None):
        draft.faults.add(path, "Needs both x and y, or neither.")
    return x, y


def _places(seats: list[MapSeat]) -> Callable[[RowKey], Point]:
    """Return what gives out the places of a row one after the other, centred."""
    lengths = Counter((_text(seat.section), _text(seat.row)) for seat in seats)
    order = {key: i for i, key in enumerate(lengths)}
    taken: Counter[RowKey] = Counter()

    def place(key: RowKey) -> Point:
        x = (taken[key] - (lengths[key] - 1) / 2) * SEAT_SPACING
        taken[key] += 1
        return Point(x, order[key] * ROW_SPACING)

    return place


def _text(name: str | int | None) -> str | None:
    return None if name is None else str(name)
