"""Reads what a published seats.io chart draws beside its seats.

It only helps people to find their way, so it is never a reason to refuse a chart: what
is not understood, or is too much, is left out. Places are made as `chart` makes those
of seats: floors lie side by side, what is in a section is placed from its `topLeft`.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeGuard, TypeVar

import msgspec
from msgspec import Meta, Struct

from inventory import limits
from inventory.names import is_name
from inventory.venue.draft import UNSAFE, join
from inventory.venue.drawing import Coordinate, Drawing, Floor, Shape, Size, Text, Zone

TABLE_SHARE: Final = 0.72
"""Of the way from a table's middle to its seats, where the chart has no radius."""

T = TypeVar("T")
Angle = Annotated[float, Meta(ge=-1e6, le=1e6)]
Role = Literal["stage", "table", "booth", "area", "section", "decor"]


class _Point(Struct):
    x: Coordinate
    y: Coordinate


class _Thing(Struct, rename="camel"):
    """Any object of a chart, with what it may be drawn by."""

    label: str | None = None
    text: str | None = None
    type: str | None = None
    smart_type: str | None = None
    center: _Point | None = None
    width: Size | None = None
    height: Size | None = None
    radius: Size | None = None
    radius1: Size | None = None
    radius2: Size | None = None
    rotation_angle: Angle | None = None
    font_size: Size | None = None
    points: list[_Point] | None = None
    top_left: _Point | None = None
    seats: list[_Point] | None = None
    published: bool | None = None


class _Frame(NamedTuple):
    x: float
    y: float = 0.0
    section: str | None = None


def read_drawing(chart: dict[str, Any], floor_spacing: float) -> Drawing | None:
    """Return what a readable chart draws, or None where it draws nothing.

    Floors lie `floor_spacing` of their widths apart.
    """
    reader = _Reader()
    one = chart.get("subChart")
    floors = [one] if one is not None else _objects(chart.get("subChartFloors"))
    x = 0.0
    for given in floors:
        floor = _object(given)
        width, height = _number(floor.get("width")), _number(floor.get("height"))
        name = floor.get("floorDisplayName") or floor.get("floorName")
        if len(floors) > 1 and _is_label(name):
            part = Floor(name=name, x=x, y=0.0, width=width, height=height)
            if _converted(msgspec.to_builtins(part), Floor) is not None:
                reader.floors.append(part)
        reader.read_floor(floor, _Frame(x))
        x += width * floor_spacing
    zones = list(_zones(chart, floors))
    drawing = Drawing(
        shapes=reader.shapes[: limits.SHAPES_PER_VENUE_MAX],
        texts=reader.texts[: limits.SHAPES_PER_VENUE_MAX],
        floors=reader.floors if len(reader.floors) == len(floors) > 1 else [],
        zones=zones[: limits.FLOORS_PER_VENUE_MAX],
    )
    return None if drawing == Drawing() else drawing


class _Reader:
    """Walks the groups of a chart and collects what they draw."""

    def __init__(self) -> None:
        self.shapes: list[Shape] = []
        self.texts: list[Text] = []
        self.floors: list[Floor] = []

    def read_floor(self, floor: dict[str, Any], frame: _Frame) -> None:
        """Collect what a floor draws, and what its sections do."""
        for raw, section in _things(floor, "sections"):
            group = raw.get("subChart")
            if not isinstance(group, dict):
                continue
            self._add(section, "section", frame, section.label)
            corner = section.top_left or _Point(0.0, 0.0)
            inner = _Frame(frame.x + corner.x, frame.y + corner.y, section.label)
            self._read_group(group, inner)
        self._read_group(floor, frame)

    def _read_group(self, group: dict[str, Any], frame: _Frame) -> None:
        for _, thing in _things(group, "shapes"):
            role: Role = "stage" if thing.smart_type == "stage" else "decor"
            self._add(thing, role, frame, thing.label)
        for raw, thing in _things(group, "generalAdmissionAreas"):
            whole = raw.get("bookAsAWhole") is True
            label = join(frame.section, thing.label)
            self._add(thing, "booth" if whole else "area", frame, label)
        for _, thing in _things(group, "booths"):
            self._add(thing, "booth", frame, join(frame.section, thing.label))
        for _, thing in _things(group, "tables"):
            self._add(_as_table(thing), "table", frame, thing.label)
        for raw, thing in _things(group, "texts"):
            self._add_text(raw, thing, frame)

    def _add(self, thing: _Thing, role: Role, frame: _Frame, label: str | None) -> None:
        """Add the form of an object, where it has one."""
        kind: Literal["rectangle", "ellipse"] = "rectangle"
        width, height = thing.width or 0.0, thing.height or 0.0
        if thing.type in ("circle", "ellipse", "round") or thing.radius1 is not None:
            kind = "ellipse"
            width = 2 * (thing.radius1 or thing.radius or width / 2)
            height = 2 * (thing.radius2 or thing.radius or height / 2) or width
        name = label if _is_label(label) else None
        if thing.points and 3 <= len(thing.points) <= limits.POINTS_PER_SHAPE_MAX:
            points = [
                round(value, 2)
                for point in thing.points
                for value in (frame.x + point.x, frame.y + point.y)
            ]
            self._keep(Shape(kind="polygon", role=role, label=name, points=points))
        elif thing.center is not None and width > 0 and height > 0:
            self._keep(
                Shape(
                    kind=kind,
                    role=role,
                    label=name,
                    x=round(frame.x + thing.center.x, 2),
                    y=round(frame.y + thing.center.y, 2),
                    width=round(width, 2),
                    height=round(height, 2),
                    rotation=round((thing.rotation_angle or 0.0) % 360, 2),
                )
            )

    def _keep(self, shape: Shape) -> None:
        """Keep a form unless it lies beyond all maps, which floors may bring about."""
        if _converted(msgspec.to_builtins(shape), Shape) is not None:
            self.shapes.append(shape)

    def _add_text(self, raw: dict[str, Any], thing: _Thing, frame: _Frame) -> None:
        text = thing.text or thing.label
        place = thing.center or _converted(raw, _Point)
        if place is None or not _is_label(text):
            return
        words = Text(
            text=text,
            x=round(frame.x + place.x, 2),
            y=round(frame.y + place.y, 2),
            size=thing.font_size or 12.0,
            rotation=round((thing.rotation_angle or 0.0) % 360, 2),
        )
        if _converted(msgspec.to_builtins(words), Text) is not None:
            self.texts.append(words)


def _as_table(thing: _Thing) -> _Thing:
    """Return a table with a form: it reaches to its seats where it has none."""
    has_form = thing.radius or (thing.width and thing.height)
    if has_form or thing.center is None or not thing.seats:
        return thing
    middle = thing.center
    far = min(
        ((seat.x - middle.x) ** 2 + (seat.y - middle.y) ** 2) ** 0.5
        for seat in thing.seats
    )
    return msgspec.structs.replace(thing, type="round", radius=far * TABLE_SHARE)


def _zones(chart: dict[str, Any], floors: list[Any]) -> Iterator[Zone]:
    """Return the zones that sections name."""
    sections = [
        section
        for floor in floors
        for section in _objects(_object(floor).get("sections"))
        if section.get("zone") is not None and _is_label(section.get("label"))
    ]
    for zone in _objects(_object(chart.get("zones")).get("list")):
        label = zone.get("label")
        labels = [s["label"] for s in sections if s["zone"] == zone.get("key")]
        if _is_label(label) and labels:
            yield Zone(label=label, sections=labels[: limits.SHAPES_PER_VENUE_MAX])


def _things(
    group: dict[str, Any], name: str
) -> Iterator[tuple[dict[str, Any], _Thing]]:
    """Return the objects of a kind that are shown and understood."""
    for raw in _objects(group.get(name)):
        thing = _converted(raw, _Thing)
        if thing is not None and thing.published is not False:
            yield raw, thing


def _converted(raw: object, kind: type[T]) -> T | None:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError:
        return None


def _objects(value: object) -> list[dict[str, Any]]:
    return (
        [one for one in value if isinstance(one, dict)]
        if isinstance(value, list)
        else []
    )


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float:
    size = _converted(value, Size)
    return 0.0 if size is None else size


def _is_label(value: object) -> TypeGuard[str]:
    return (
        isinstance(value, str)
        and len(value) <= limits.LABEL_LENGTH_MAX
        and UNSAFE.search(value) is None
        and is_name(value)
    )
