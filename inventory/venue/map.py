"""The static map of a venue.

`VenueMap` is the wire and storage form (`GET /v1/events/{event}/map`), `Venue` the form
that the rules work with: the same map with indexes, built once and never changed.
"""

from functools import cached_property
from math import hypot
from typing import Annotated

from msgspec import Meta, Struct

from inventory import limits
from inventory.venue.drawing import Drawing
from inventory.venue.rows import Run, runs_of

Label = Annotated[str, Meta(min_length=1, max_length=limits.LABEL_LENGTH_MAX)]


class Point(Struct, frozen=True):
    """A place on the map, in the chart's own unit; y grows downwards."""

    x: float
    y: float


class Category(Struct, frozen=True):
    """A price group of seats and areas, known by its key."""

    key: str
    label: str
    color: str = "#888888"


class Seat(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
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
    drawing: Drawing | None = None
    """What is shown beside seats and areas."""

    def used_categories(self) -> set[str]:
        """Return the categories of which there is a seat or an area."""
        seats = {seat.category for seat in self.seats}
        return seats | {area.category for area in self.areas}


class Venue:
    """A venue map with the indexes that the rules need.

    `segments` are the runs of physically adjacent seats, as seat indexes in order:
    neighbours in one row without an aisle between them. In those of `rings` the last
    seat is beside the first.
    """

    def __init__(self, venue_map: VenueMap) -> None:
        self.map = venue_map
        self.seats = venue_map.seats
        self.areas = venue_map.areas
        self.labels = [seat.label for seat in self.seats]
        self.seat_categories = [seat.category for seat in self.seats]
        self.seat_index = {seat.label: seat.index for seat in self.seats}
        self.area_index = {area.label: i for i, area in enumerate(self.areas)}
        self.categories = {category.key for category in venue_map.categories}

    def prepare(self) -> None:
        """Build the indexes that are else built with their first use."""
        _ = self.rings, self.segments, self.focal_distances
        _ = self._categories_of_seats, self.used_categories

    def has_seats(self, category: str | None) -> bool:
        """Return whether there are seats of a category (any category for None)."""
        if category is None:
            return bool(self.seats)
        return category in self._categories_of_seats

    @cached_property
    def used_categories(self) -> set[str]:
        """The categories of which there is a seat or an area."""
        return self.map.used_categories()

    @cached_property
    def areas_of(self) -> dict[str, list[int]]:
        """The areas of each category that is used, in the order of the map."""
        used = self.used_categories
        found: dict[str, list[int]] = {
            one.key: [] for one in self.map.categories if one.key in used
        }
        for index, area in enumerate(self.areas):
            found[area.category].append(index)
        return found

    @cached_property
    def _categories_of_seats(self) -> set[str]:
        return set(self.seat_categories)

    @cached_property
    def segments(self) -> list[list[int]]:
        """The runs of adjacent seats: rows without aisles, and round tables."""
        return [run.seats for run in self._runs]

    @cached_property
    def rings(self) -> set[int]:
        """Which of the segments are rings, by their place in `segments`."""
        return {number for number, run in enumerate(self._runs) if run.ring}

    @cached_property
    def _runs(self) -> list[Run]:
        return runs_of(self.seats)

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
