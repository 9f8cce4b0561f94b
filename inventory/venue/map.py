"""The static map of a venue.

`VenueMap` is the wire and storage form (`GET /v1/events/{event}/map`), `Venue` the form
that the rules work with: the same map with indexes, built once and never changed.
"""

from functools import cached_property
from math import hypot
from statistics import median_low
from typing import Annotated

from msgspec import Meta, Struct

from inventory import limits

Label = Annotated[str, Meta(min_length=1, max_length=limits.LABEL_LENGTH_MAX)]

GAP_FACTOR = 2.0
"""Two neighbours in a row further apart than this many usual spacings have an aisle
between them: they are not adjacent."""


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

    @cached_property
    def segments(self) -> list[list[int]]:
        """Split every row where an aisle, another row or another section begins."""
        rows: dict[tuple[str | None, str | None], list[int]] = {}
        alone: list[list[int]] = []
        for seat in self.seats:
            if seat.row is None:
                alone.append([seat.index])
            else:
                rows.setdefault((seat.section, seat.row), []).append(seat.index)
        segments = alone
        for indexes in rows.values():
            segments.extend(self._split(indexes))
        return segments

    @cached_property
    def focal_distances(self) -> list[float]:
        """Distance of each seat from the focal point (the middle of the front where
        the map names none)."""
        focal = self.map.focal_point or self._front()
        return [hypot(seat.x - focal.x, seat.y - focal.y) for seat in self.seats]

    def _front(self) -> Point:
        """Middle of the edge with the smallest y: where a stage usually is."""
        if not self.seats:
            return Point(0.0, 0.0)
        xs = [seat.x for seat in self.seats]
        return Point((min(xs) + max(xs)) / 2, min(seat.y for seat in self.seats))

    def _split(self, indexes: list[int]) -> list[list[int]]:
        if len(indexes) < 3:
            return [indexes]
        seats = self.seats
        steps = [
            hypot(seats[b].x - seats[a].x, seats[b].y - seats[a].y)
            for a, b in zip(indexes, indexes[1:], strict=False)
        ]
        widest = median_low(steps) * GAP_FACTOR
        segments = [[indexes[0]]]
        for step, index in zip(steps, indexes[1:], strict=True):
            if step > widest > 0:
                segments.append([])
            segments[-1].append(index)
        return segments
