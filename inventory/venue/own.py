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

from msgspec import Meta, Struct

from inventory import limits
from inventory.venue.draft import COLOR, Draft, join
from inventory.venue.errors import ChartError, Fault, Faults, convert
from inventory.venue.map import Area, Category, Point, Seat, VenueMap

SEAT_SPACING = 20.0
ROW_SPACING = 24.0
GA = "GA"
"""The one area, and the one category, of an event that has only a capacity."""

Coordinate = Annotated[float, Meta(ge=-limits.COORDINATE_MAX, le=limits.COORDINATE_MAX)]
Name = str | Annotated[int, Meta(ge=-(1 << 53), le=1 << 53)]
RowKey = tuple[str | None, str | None]


class _Point(Struct):
    x: Coordinate
    y: Coordinate


class _Category(Struct, forbid_unknown_fields=True):
    key: Name
    label: str | None = None
    color: str | None = None


class _Seat(Struct, forbid_unknown_fields=True):
    category: Name
    index: int | None = None
    label: str | None = None
    section: Name | None = None
    row: Name | None = None
    number: Name | None = None
    x: Coordinate | None = None
    y: Coordinate | None = None
    accessible: bool = False
    companion: bool = False
    restricted: bool = False
    entrance: str | None = None


class _Area(Struct, forbid_unknown_fields=True):
    label: str
    capacity: int
    category: Name
    section: Name | None = None
    x: Coordinate | None = None
    y: Coordinate | None = None


class _Map(Struct):
    categories: list[_Category]
    seats: list[_Seat] = []
    areas: list[_Area] = []
    focal_point: _Point | None = None
    section_focal_points: dict[str, _Point] = {}


def read_map(value: object) -> VenueMap:
    """Return the map of its JSON value; raises `ChartError` with all its faults."""
    faults = Faults()
    given = convert(value, _Map, faults)
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
    return draft.finish(
        "seats",
        None if focal_point is None else Point(focal_point.x, focal_point.y),
        {
            draft.text("section_focal_points", section): Point(point.x, point.y)
            for section, point in given.section_focal_points.items()
        },
    )


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


def _add_category(draft: Draft, path: str, given: _Category) -> None:
    category = Category(str(given.key), given.label or str(given.key))
    if given.color is not None:
        if not COLOR.fullmatch(given.color):
            draft.faults.add(f"{path}.color", "Must be a colour of a style sheet.")
        category = Category(category.key, category.label, given.color)
    draft.add_category(path, category)


def _add_seat(
    draft: Draft,
    path: str,
    given: _Seat,
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


def _add_area(draft: Draft, path: str, given: _Area) -> None:
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


def _places(seats: list[_Seat]) -> Callable[[RowKey], Point]:
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
