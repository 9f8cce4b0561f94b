"""Reads a published seats.io chart: somebody else's format, so extras are ignored.

What becomes of its objects:

- A seat of a row is a seat; a row of a chart without sections may name its section.
- A table is its seats (label `TABLE-SEAT`). A table booked as a whole, a booth, and a
  general-admission area booked as a whole are one seat with the object's label, since
  one booking takes them whole; how many people they hold is not kept.
- `published: false` hides an object and all in it.
- A seat without a category has its table's, or its section's. Seats of a category that
  is marked accessible are accessible.
- `disabledBySocialDistancingRules` is ignored: it was a rule of single events.
- What is inside a section is placed from the section's `topLeft`, in the same unit and
  unturned (so every seat of a published stadium lies within its section's polygon);
  `sectionScaleFactor` and the angles only say how to draw. Floors lie side by side.
- A section looks to the focal point of its own, else to that of the zone that it names,
  else to that of its floor (the first floor's, where its own has none). Where there is
  none of these, it looks to the nearest zone with a focal point.
- What it draws beside that, such as a stage, is read by `chart_drawing`.
"""

from math import hypot
from typing import Annotated, Any, NamedTuple, cast

import msgspec
from msgspec import Meta, Struct

from inventory import limits
from inventory.faults import convert
from inventory.venue.chart_drawing import read_drawing
from inventory.venue.draft import COLOR, Draft, join, middle
from inventory.venue.errors import Faults
from inventory.venue.map import Area, Category, Point, Seat, VenueMap

Coordinate = Annotated[float, Meta(ge=-limits.COORDINATE_MAX, le=limits.COORDINATE_MAX)]
Key = Annotated[int, Meta(ge=-(1 << 53), le=1 << 53)] | str
UNLABELLED = "?"
"""What the makers of charts write where a label is still to be given."""

FLOOR_SPACING = 1.1
"""Floors are drawn over each other; ours lie this many widths apart."""


class _Point(Struct):
    x: Coordinate
    y: Coordinate


class _Seat(Struct, rename="camel"):
    label: str
    x: Coordinate
    y: Coordinate
    category_key: Key | None = None
    accessible: bool | None = None
    companion_seat: bool | None = None
    restricted_view: bool | None = None
    entrance: str | None = None
    published: bool | None = None


class _Row(Struct, rename="camel"):
    label: str
    seats: list[_Seat] | None = None
    section_label: str | None = None
    published: bool | None = None


class _Table(Struct, rename="camel"):
    label: str
    seats: list[_Seat] | None = None
    center: _Point | None = None
    category_key: Key | None = None
    book_as_a_whole: bool | None = None
    entrance: str | None = None
    published: bool | None = None


class _Booth(Struct, rename="camel"):
    label: str
    center: _Point
    category_key: Key | None = None
    entrance: str | None = None
    published: bool | None = None


class _Area(Struct, rename="camel"):
    label: str
    capacity: int | None = None
    center: _Point | None = None
    points: list[_Point] | None = None
    category_key: Key | None = None
    book_as_a_whole: bool | None = None
    entrance: str | None = None
    published: bool | None = None


class _Group(Struct, rename="camel"):
    """What a section, or a floor without sections, consists of."""

    rows: list[_Row] | None = None
    tables: list[_Table] | None = None
    booths: list[_Booth] | None = None
    general_admission_areas: list[_Area] | None = None
    focal_point: _Point | None = None


class _Section(Struct, rename="camel"):
    label: str
    zone: Key | None = None
    focal_point: _Point | None = None
    sub_chart: _Group | None = None
    top_left: _Point | None = None
    category_key: Key | None = None
    entrance: str | None = None
    published: bool | None = None


class _Floor(_Group, rename="camel"):
    sections: list[_Section] | None = None
    width: Coordinate | None = None


class _Category(Struct):
    key: Key
    label: str | None = None
    color: str | None = None
    accessible: bool | None = None


class _Categories(Struct):
    categories: list[_Category] | None = msgspec.field(default=None, name="list")


class _Zone(Struct, rename="camel"):
    key: Key | None = None
    focal_point: _Point | None = None


class _Zones(Struct):
    zones: list[_Zone] | None = msgspec.field(default=None, name="list")


class _Chart(Struct, rename="camel"):
    categories: _Categories
    sub_chart: _Floor | None = None
    sub_chart_floors: list[_Floor] | None = None
    zones: _Zones | None = None


class _Frame(NamedTuple):
    """Where objects stand and what they inherit."""

    path: str
    x: float
    y: float = 0.0
    section: str | None = None
    category: str | None = None
    entrance: str | None = None
    named: bool = True
    """Whether the names around are well: labels made of others are not looked at."""

    def point(self, point: _Point) -> Point:
        return Point(round(self.x + point.x, 2), round(self.y + point.y, 2))


def read_chart(chart: object) -> VenueMap:
    """Return the map of a chart's JSON value; raises `ChartError` with all faults."""
    faults = Faults()
    venue_map = _Reader(convert(chart, _Chart, faults), faults).read()
    # What was read is an object.
    drawing = read_drawing(cast("dict[str, Any]", chart), FLOOR_SPACING)
    return msgspec.structs.replace(venue_map, drawing=drawing)


class _Reader:
    """Walks one chart and fills one draft."""

    def __init__(self, chart: _Chart, faults: Faults) -> None:
        self._chart = chart
        self._faults = faults
        self._draft = Draft(faults)
        self._accessible: set[str] = set()
        self._looks: dict[str, Point] = {}
        self._zones = {
            zone.key: zone.focal_point
            for zone in (chart.zones and chart.zones.zones) or ()
            if zone.focal_point is not None
        }

    def read(self) -> VenueMap:
        self._read_categories()
        chart = self._chart
        if chart.sub_chart is not None:
            path, floors, paths = "subChart", [chart.sub_chart], ["subChart"]
        elif chart.sub_chart_floors:
            path, floors = "subChartFloors", chart.sub_chart_floors
            paths = [f"subChartFloors.{i}" for i in range(len(floors))]
        else:
            path, floors, paths = "subChart", [], []
            self._faults.add(path, "A chart has a subChart, or floors.")
        x = 0.0
        for i, floor in enumerate(floors):
            frame = _Frame(paths[i], x)
            self._read_floor(floor, frame, floor.focal_point or floors[0].focal_point)
            x += (floor.width or 0.0) * FLOOR_SPACING
        focal_point = floors[0].focal_point if floors else None
        return self._draft.finish(
            path,
            None if focal_point is None else Point(focal_point.x, focal_point.y),
            self._looks,
        )

    def _read_categories(self) -> None:
        self._draft.all_categories_known = not (
            self._faults.is_blank("categories")
            or self._faults.is_blank("categories.list")
        )
        for i, given in enumerate(self._chart.categories.categories or ()):
            key = str(given.key)
            color = given.color or ""
            category = Category(key, (given.label or "").strip() or key)
            if COLOR.fullmatch(color):
                category = Category(key, category.label, color)
            self._draft.add_category(f"categories.list.{i}", category)
            if given.accessible:
                self._accessible.add(key)

    def _read_floor(
        self, floor: _Floor, frame: _Frame, focal_point: _Point | None
    ) -> None:
        self._read_group(floor, frame)
        for i, section in enumerate(floor.sections or ()):
            if section.published is False or section.sub_chart is None:
                continue
            path = f"{frame.path}.sections.{i}"
            label, named = self._name(f"{path}.label", section.label)
            x, y = frame.x, frame.y
            if section.top_left is not None:
                x, y = x + section.top_left.x, y + section.top_left.y
            inner = _Frame(
                f"{path}.subChart",
                x,
                y,
                label,
                None if section.category_key is None else str(section.category_key),
                self._entrance(path, section.entrance, None),
                named,
            )
            first = len(self._draft.seats)
            self._read_group(section.sub_chart, inner)
            look = self._own_look(section, inner, frame)
            if look is None:
                look = self._look(first, frame, focal_point)
            if look is not None:
                self._looks[label] = look

    def _own_look(
        self, section: _Section, inner: _Frame, frame: _Frame
    ) -> Point | None:
        """Return the focal point of a section, or of the zone that it names."""
        group = section.sub_chart
        if section.focal_point is not None:
            return frame.point(section.focal_point)
        if group is not None and group.focal_point is not None:
            return inner.point(group.focal_point)
        zone = None if section.zone is None else self._zones.get(section.zone)
        return None if zone is None else frame.point(zone)

    def _look(
        self, first: int, frame: _Frame, focal_point: _Point | None
    ) -> Point | None:
        """Return what a section looks at that names nothing of its own.

        None is the map's focal point. Its seats are those from `first` on.
        """
        seats = self._draft.seats[first:]
        if focal_point is not None:
            return frame.point(focal_point) if frame.x else None
        if not self._zones or not seats:
            return None
        here = middle((seat.x, seat.y) for seat in seats)
        points = [frame.point(point) for point in self._zones.values()]
        return min(points, key=lambda point: hypot(point.x - here.x, point.y - here.y))

    def _read_group(self, group: _Group, frame: _Frame) -> None:
        for i, row in enumerate(group.rows or ()):
            if row.published is not False:
                self._read_row(row, f"{frame.path}.rows.{i}", frame)
        for i, table in enumerate(group.tables or ()):
            if table.published is not False:
                self._read_table(table, f"{frame.path}.tables.{i}", frame)
        for i, booth in enumerate(group.booths or ()):
            if booth.published is not False:
                path = f"{frame.path}.booths.{i}"
                self._add_whole(path, booth, booth.category_key, booth.center, frame)
        for i, area in enumerate(group.general_admission_areas or ()):
            if area.published is not False:
                path = f"{frame.path}.generalAdmissionAreas.{i}"
                self._read_area(area, path, frame)

    def _read_row(self, row: _Row, path: str, frame: _Frame) -> None:
        if frame.section is None and row.section_label:
            label, named = self._name(f"{path}.sectionLabel", row.section_label)
            frame = frame._replace(section=label, named=named)
        _, named = self._name(f"{path}.label", row.label)
        frame = frame._replace(named=named and frame.named)
        self._read_seats(row.seats, row.label, path, frame)

    def _read_table(self, table: _Table, path: str, frame: _Frame) -> None:
        _, named = self._name(f"{path}.label", table.label)
        entrance = self._entrance(path, table.entrance, frame.entrance)
        seats = table.seats or []
        if not table.book_as_a_whole:
            if table.category_key is not None:
                frame = frame._replace(category=str(table.category_key))
            frame = frame._replace(entrance=entrance, named=named and frame.named)
            self._read_seats(seats, table.label, path, frame)
            return
        key = table.category_key
        if key is None:
            key = next(
                (s.category_key for s in seats if s.category_key is not None), None
            )
        center = table.center
        if center is None:
            if not seats:
                self._faults.add(path, "A table needs a center or seats.")
                return
            here = middle((seat.x, seat.y) for seat in seats)
            center = _Point(here.x, here.y)
        self._add_whole(path, table, key, center, frame)

    def _read_area(self, area: _Area, path: str, frame: _Frame) -> None:
        center = area.center
        if center is None and area.points:
            here = middle((point.x, point.y) for point in area.points)
            center = _Point(here.x, here.y)
        if area.book_as_a_whole:
            if center is None:
                self._faults.add(path, "An area needs a center or points.")
                return
            self._add_whole(path, area, area.category_key, center, frame)
            return
        if area.capacity is None:
            self._faults.add(f"{path}.capacity", "An area needs a capacity.")
        self._name(f"{path}.label", area.label)
        label, category = self._claim(path, area.label, area.category_key, frame)
        where = None if center is None else frame.point(center)
        self._draft.add_area(
            path,
            Area(
                label=label,
                capacity=area.capacity or 0,
                category=category,
                section=frame.section,
                x=None if where is None else where.x,
                y=None if where is None else where.y,
            ),
        )

    def _read_seats(
        self, seats: list[_Seat] | None, row: str, path: str, frame: _Frame
    ) -> None:
        for i, seat in enumerate(seats or ()):
            if seat.published is False:
                continue
            here = f"{path}.seats.{i}"
            number, _ = self._name(f"{here}.label", seat.label)
            label, category = self._claim(
                here, join(row, number), seat.category_key, frame
            )
            where = frame.point(_Point(seat.x, seat.y))
            self._draft.add_seat(
                here,
                Seat(
                    index=len(self._draft.seats),
                    label=label,
                    section=frame.section,
                    row=row,
                    number=number,
                    category=category,
                    x=where.x,
                    y=where.y,
                    accessible=bool(seat.accessible) or category in self._accessible,
                    companion=bool(seat.companion_seat),
                    restricted=bool(seat.restricted_view),
                    entrance=self._entrance(here, seat.entrance, frame.entrance),
                ),
            )

    def _add_whole(
        self,
        path: str,
        thing: _Table | _Booth | _Area,
        key: Key | None,
        center: _Point,
        frame: _Frame,
    ) -> None:
        """Add what is booked as a whole, as one seat without a row."""
        self._name(f"{path}.label", thing.label)
        label, category = self._claim(path, thing.label, key, frame)
        where = frame.point(center)
        self._draft.add_seat(
            path,
            Seat(
                index=len(self._draft.seats),
                label=label,
                section=frame.section,
                number=thing.label,
                category=category,
                x=where.x,
                y=where.y,
                accessible=category in self._accessible,
                entrance=self._entrance(path, thing.entrance, frame.entrance),
            ),
        )

    def _claim(
        self, path: str, name: str, key: Key | None, frame: _Frame
    ) -> tuple[str, str]:
        """Return the label and the category of an object."""
        label = join(frame.section, name)
        if frame.named:
            self._draft.label(f"{path}.label", label)
        wanted = frame.category if key is None else str(key)
        return label, self._draft.category(f"{path}.categoryKey", label, wanted)

    def _name(self, path: str, value: str) -> tuple[str, bool]:
        """Return a label, and whether it is well."""
        before = len(self._faults)
        self._draft.text(path, value)
        if value == UNLABELLED:
            self._faults.add(path, f"Has no label yet, only {UNLABELLED!r}.")
        return value, len(self._faults) == before and not self._faults.is_broken(path)

    def _entrance(self, path: str, given: str | None, other: str | None) -> str | None:
        if not given or not given.strip():
            return other
        return self._draft.text(f"{path}.entrance", given)
