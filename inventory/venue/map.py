"""The static map of a venue.

`VenueMap` is the wire and storage form (`GET /v1/events/{event}/map`), `Venue` the form
that the rules work with: the same map with indexes, built once and never changed.
"""

from functools import cached_property
from itertools import pairwise
from math import hypot
from statistics import median_low
from typing import Annotated

from msgspec import Meta, Struct

from inventory import limits

Label = Annotated[str, Meta(min_length=1, max_length=limits.LABEL_LENGTH_MAX)]

GAP_FACTOR = 1.75
"""Two neighbours in a row further apart than this many usual steps have an aisle
between them: they are not adjacent. One seat left out of a row (two steps) is one."""

DETOUR_FACTOR = 1.5
"""A row that is listed in an order this much longer than the straight way along it was
not listed in the order of its seats."""

TURNING_SEATS_MIN = 10
TURN_COSINE = -0.7
"""A row of that many seats whose direction turns by more than about 135 degrees within
one step turns back on itself. A round table of as many turns by 72 degrees."""


class Point(Struct, frozen=True):
    """A place on the map, in the chart's own unit; y grows downwards."""

    x: float
    y: float


class Category(Struct, frozen=True):
    """A price group of seats and areas, known by its key."""

    key: str
    label: str
    color: str = "#888888"


class Seat(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One seat (or table or booth that is booked whole)."""

    index: int
    label: Label
    section: str | None = None
    row: str | None = None
    number: str
    category: str
    x: float
    y: float
    accessible: bool = False
    companion: bool = False
    restricted: bool = False
    entrance: str | None = None


class Area(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A general-admission area: places without numbers."""

    label: Label
    capacity: Annotated[int, Meta(ge=1, le=limits.AREA_CAPACITY_MAX)]
    category: str
    section: str | None = None
    x: float | None = None
    y: float | None = None


class VenueMap(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A venue as clients see it and as it is stored; seats in index order."""

    seats: list[Seat]
    areas: list[Area]
    categories: list[Category]
    focal_point: Point | None = None
    section_focal_points: dict[str, Point] = {}
    """What sections look at, where that is not the map's focal point."""

    def used_categories(self) -> set[str]:
        """Return the categories of which there is a seat or an area."""
        seats = {seat.category for seat in self.seats}
        return seats | {area.category for area in self.areas}


class Venue:
    """A venue map with the indexes that the rules need.

    `segments` are the runs of physically adjacent seats, as seat indexes in order:
    consecutive seats of one row without an aisle between them.
    """

    def __init__(self, venue_map: VenueMap) -> None:
        self.map = venue_map
        self.seats = venue_map.seats
        self.areas = venue_map.areas
        self.labels = [seat.label for seat in self.seats]
        self.seat_index = {seat.label: seat.index for seat in self.seats}
        self.area_index = {area.label: i for i, area in enumerate(self.areas)}
        self.categories = {category.key for category in venue_map.categories}

    def has_seats(self, category: str | None) -> bool:
        """Tell whether there are seats of a category (any category for None)."""
        if category is None:
            return bool(self.seats)
        return category in self._seat_categories

    @cached_property
    def used_categories(self) -> set[str]:
        """The categories of which there is a seat or an area."""
        return self.map.used_categories()

    @cached_property
    def _seat_categories(self) -> set[str]:
        return {seat.category for seat in self.seats}

    @cached_property
    def segments(self) -> list[list[int]]:
        """Split every row where an aisle, another row or another section begins."""
        alone: list[list[int]] = []
        rows: dict[tuple[str | None, str | None], list[int]] = {}
        for seat in self.seats:
            if seat.row is None:
                alone.append([seat.index])
            else:
                rows.setdefault((seat.section, seat.row), []).append(seat.index)
        paths = [self._path(indexes) for indexes in rows.values()]
        usual = [median_low(steps) for _, steps in paths if len(steps) > 1]
        # Two seats alone cannot tell whether there is an aisle between them, so the
        # rest of the venue does; generously: a table for two is wider than a step.
        pair_step = 2 * median_low(usual) if usual else 0.0
        segments = alone
        for indexes, steps in paths:
            segments.extend(self._split(indexes, steps, pair_step))
        return segments

    @cached_property
    def focal_distances(self) -> list[float]:
        """Distance of each seat from what it looks at.

        That is its section's focal point, the map's, or the middle of the front where
        neither is known.
        """
        focal = self.map.focal_point or self._front()
        if not self.map.section_focal_points:
            fx, fy = focal.x, focal.y
            return [hypot(seat.x - fx, seat.y - fy) for seat in self.seats]
        points = self.map.section_focal_points
        distances = []
        for seat in self.seats:
            point = points.get(seat.section or "", focal)
            distances.append(hypot(seat.x - point.x, seat.y - point.y))
        return distances

    def _front(self) -> Point:
        """Middle of the edge with the smallest y: where a stage usually is."""
        if not self.seats:
            return Point(0.0, 0.0)
        xs = [seat.x for seat in self.seats]
        return Point((min(xs) + max(xs)) / 2, min(seat.y for seat in self.seats))

    def _path(self, indexes: list[int]) -> tuple[list[int], list[float]]:
        """Return a row's seats in the order one walks past them, and the steps.

        That is the order of the list, which follows curves and goes round tables,
        unless walking straight along the row is much shorter: odd numbers listed before
        even ones, or both sides of an aisle from the aisle.
        """
        listed = self._steps(indexes)
        xs = [self.seats[index].x for index in indexes]
        ys = [self.seats[index].y for index in indexes]
        along = xs if max(xs) - min(xs) >= max(ys) - min(ys) else ys
        order = sorted(range(len(indexes)), key=along.__getitem__)
        if order[0] > order[-1]:
            order.reverse()
        if order == list(range(len(indexes))):
            return indexes, listed
        straight = [indexes[i] for i in order]
        steps = self._steps(straight)
        if sum(listed) > DETOUR_FACTOR * sum(steps):
            return straight, steps
        return indexes, listed

    def _steps(self, indexes: list[int]) -> list[float]:
        seats = [self.seats[index] for index in indexes]
        return [hypot(b.x - a.x, b.y - a.y) for a, b in pairwise(seats)]

    def _split(
        self, indexes: list[int], steps: list[float], pair_step: float
    ) -> list[list[int]]:
        """Cut a row at its aisles, and where it turns back on itself."""
        usual = median_low(steps) if len(steps) > 1 else pair_step
        widest = usual * GAP_FACTOR
        segments = [[indexes[0]]]
        for i, step in enumerate(steps):
            if step > widest > 0 or self._turns_back(indexes, i):
                segments.append([])
            segments[-1].append(indexes[i + 1])
        return segments

    def _turns_back(self, indexes: list[int], i: int) -> bool:
        """Whether the row runs the other way behind the step after its seat i.

        Then two lines of seats have one name. Short rows may: they surround a table.
        """
        if len(indexes) < TURNING_SEATS_MIN or not 0 < i < len(indexes) - 2:
            return False
        a, b, c, d = (self.seats[index] for index in indexes[i - 1 : i + 3])
        ahead, after = (b.x - a.x, b.y - a.y), (d.x - c.x, d.y - c.y)
        dot = ahead[0] * after[0] + ahead[1] * after[1]
        return dot < TURN_COSINE * hypot(*ahead) * hypot(*after)
