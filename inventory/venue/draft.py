"""A map in the making, with the checks that every source of maps has in common."""

import re
from collections.abc import Iterable

from inventory import limits
from inventory.names import NO_NAME, is_name
from inventory.venue.errors import Faults
from inventory.venue.map import Area, Category, Point, Seat, VenueMap

# What Postgres and UTF-8 cannot hold; `is_name` refuses the rest.
UNSAFE = re.compile("[\ud800-\udfff]")
COLOR = re.compile(r"[#0-9A-Za-z(),.% /-]{1,40}")
"""What may stand in a style sheet: no more is promised of a colour."""


def join(*parts: str | None) -> str:
    """Make a label of section, row and number, leaving out what there is none of."""
    return "-".join(part for part in parts if part is not None)


class Draft:
    """Collects seats and areas, and what is wrong with them in `faults`."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.seats: list[Seat] = []
        self.areas: list[Area] = []
        self.categories: dict[str, Category] = {}
        self.all_categories_known = True
        self._labels: set[str] = set()

    def text(self, path: str, value: str) -> str:
        """Return `value`, which people can read and Postgres can store."""
        if len(value) > limits.LABEL_LENGTH_MAX:
            self.faults.add(path, f"Longer than {limits.LABEL_LENGTH_MAX} characters.")
        elif UNSAFE.search(value):
            self.faults.add(path, "Contains half characters.")
        elif not is_name(value):
            self.faults.add(path, NO_NAME)
        return value

    def add_category(self, path: str, category: Category) -> None:
        """Add a price group; its key must be new."""
        if self.faults.is_blank(path) or self.faults.is_blank(f"{path}.key"):
            # Seats may mean this one: which of them have none cannot be told.
            self.all_categories_known = False
            return
        if len(self.categories) == limits.CATEGORIES_PER_VENUE_MAX:
            self.faults.add(
                _list_of(path),
                f"More than {limits.CATEGORIES_PER_VENUE_MAX} categories.",
            )
            self.all_categories_known = False
            return
        self.text(f"{path}.key", category.key)
        self.text(f"{path}.label", category.label)
        if category.key in self.categories:
            self.faults.add(
                f"{path}.key", f"The category key {_short(category.key)} is used twice."
            )
        self.categories[category.key] = category

    def add_seat(self, path: str, seat: Seat) -> None:
        """Add a seat whose label and category were checked with `label`."""
        if len(self.seats) == limits.SEATS_PER_VENUE_MAX:
            self.faults.add(
                _list_of(path), f"More than {limits.SEATS_PER_VENUE_MAX} seats."
            )
            self.faults.check()
        self.seats.append(seat)

    def add_area(self, path: str, area: Area) -> None:
        """Add an area whose label and category were checked with `label`."""
        if len(self.areas) == limits.AREAS_PER_VENUE_MAX:
            self.faults.add(
                _list_of(path), f"More than {limits.AREAS_PER_VENUE_MAX} areas."
            )
            self.faults.check()
        if not 1 <= area.capacity <= limits.AREA_CAPACITY_MAX:
            self.faults.add(
                f"{path}.capacity", f"Must be 1 to {limits.AREA_CAPACITY_MAX}."
            )
        self.areas.append(area)

    def label(self, path: str, label: str) -> str:
        """Claim a label: seats and areas share one set of names."""
        self.text(path, label)
        if label in self._labels:
            self.faults.add(path, f"The label {_short(label)} is used twice.")
        self._labels.add(label)
        return label

    def category(self, path: str, label: str, key: str | None) -> str:
        """Return `key`, which names a category; `label` is whose it is to be."""
        if key is None:
            self.faults.add(path, f"{_short(label)} has no category.")
        elif key not in self.categories and self.all_categories_known:
            self.faults.add(
                path,
                f"{_short(label)} names the category {_short(key)},"
                " which is not listed.",
            )
        return key or ""

    def finish(
        self,
        path: str,
        focal_point: Point | None,
        section_focal_points: dict[str, Point],
    ) -> VenueMap:
        """Return the map, in which is something to sell; raises `ChartError`."""
        if not self.seats and not self.areas:
            self.faults.add(path, "There is neither a seat nor an area in it.")
        self.faults.check()
        return VenueMap(
            seats=self.seats,
            areas=self.areas,
            categories=list(self.categories.values()),
            focal_point=focal_point,
            section_focal_points=section_focal_points,
        )


def _list_of(path: str) -> str:
    """Return the path to the list that an item is in."""
    return path.rpartition(".")[0]


def _short(text: str) -> str:
    """Return a name as a message has it."""
    return repr(text[:40])


def middle(points: Iterable[tuple[float, float]]) -> Point:
    """Return the mean of some points, of which there must be one."""
    xs, ys = zip(*points, strict=True)
    return Point(round(sum(xs) / len(xs), 2), round(sum(ys) / len(ys), 2))
