"""A map in the making, with the checks that every source of maps has in common."""

import re
from collections.abc import Iterable

from inventory import limits
from inventory.names import NO_NAME, is_name
from inventory.venue.errors import ChartError
from inventory.venue.map import Area, Category, Point, Seat, VenueMap

# What Postgres and UTF-8 cannot hold; `is_name` refuses the rest.
UNSAFE = re.compile("[\ud800-\udfff]")
COLOR = re.compile(r"[#0-9A-Za-z(),.% /-]{1,40}")
"""What may stand in a style sheet: no more is promised of a colour."""


def join(*parts: str | None) -> str:
    """Make a label of section, row and number, leaving out what there is none of."""
    return "-".join(part for part in parts if part is not None)


class Draft:
    """Collects seats and areas; raises `ChartError` at the first that is wrong."""

    def __init__(self) -> None:
        self.seats: list[Seat] = []
        self.areas: list[Area] = []
        self.categories: dict[str, Category] = {}
        self._labels: set[str] = set()

    def text(self, path: str, value: str) -> str:
        """Return `value` if people can read it and Postgres can store it."""
        if len(value) > limits.LABEL_LENGTH_MAX:
            raise ChartError(path, f"Longer than {limits.LABEL_LENGTH_MAX} characters.")
        if UNSAFE.search(value):
            raise ChartError(path, "Contains half characters.")
        if not is_name(value):
            raise ChartError(path, NO_NAME)
        return value

    def add_category(self, path: str, category: Category) -> None:
        """Add a price group; its key must be new."""
        if len(self.categories) == limits.CATEGORIES_PER_VENUE_MAX:
            raise ChartError(
                path, f"More than {limits.CATEGORIES_PER_VENUE_MAX} categories."
            )
        self.text(f"{path}.key", category.key)
        self.text(f"{path}.label", category.label)
        if category.key in self.categories:
            raise ChartError(
                f"{path}.key", f"The category key {category.key!r} is used twice."
            )
        self.categories[category.key] = category

    def add_seat(self, path: str, seat: Seat) -> None:
        """Add a seat whose label and category were checked with `label`."""
        if len(self.seats) == limits.SEATS_PER_VENUE_MAX:
            raise ChartError(path, f"More than {limits.SEATS_PER_VENUE_MAX} seats.")
        self.seats.append(seat)

    def add_area(self, path: str, area: Area) -> None:
        """Add an area whose label and category were checked with `label`."""
        if len(self.areas) == limits.AREAS_PER_VENUE_MAX:
            raise ChartError(path, f"More than {limits.AREAS_PER_VENUE_MAX} areas.")
        if not 1 <= area.capacity <= limits.AREA_CAPACITY_MAX:
            raise ChartError(
                f"{path}.capacity", f"Must be 1 to {limits.AREA_CAPACITY_MAX}."
            )
        self.areas.append(area)

    def label(self, path: str, label: str) -> str:
        """Claim a label: seats and areas share one set of names."""
        self.text(path, label)
        if label in self._labels:
            raise ChartError(path, f"The label {label!r} is used twice.")
        self._labels.add(label)
        return label

    def category(self, path: str, label: str, key: str | None) -> str:
        """Return `key` if it names a category; `label` is whose it is to be."""
        if key is None:
            raise ChartError(path, f"{label!r} has no category.")
        if key not in self.categories:
            raise ChartError(
                path,
                f"{label!r} names the category {key[:40]!r}, which is not listed.",
            )
        return key

    def finish(
        self,
        path: str,
        focal_point: Point | None,
        section_focal_points: dict[str, Point],
    ) -> VenueMap:
        """Return the map; there must be something in it to sell."""
        if not self.seats and not self.areas:
            raise ChartError(path, "There is neither a seat nor an area in it.")
        return VenueMap(
            seats=self.seats,
            areas=self.areas,
            categories=list(self.categories.values()),
            focal_point=focal_point,
            section_focal_points=section_focal_points,
        )


def middle(points: Iterable[tuple[float, float]]) -> Point:
    """Return the mean of some points, of which there must be one."""
    xs, ys = zip(*points, strict=True)
    return Point(round(sum(xs) / len(xs), 2), round(sum(ys) / len(ys), 2))
