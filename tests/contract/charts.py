"""Small charts in the shape that seats.io publishes, and the two real ones."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
Json = dict[str, Any]

CATEGORIES = (("1", "Stalls"), ("2", "Balcony"))
PRICES = {
    "1": {"amount": 4500, "currency": "EUR"},
    "2": {"amount": 3000, "currency": "EUR"},
}


def real_chart(name: str) -> Json:
    """Read a published chart that nobody of this project drew."""
    path = SHARED / f"{name}.chart.json"
    if not path.exists():
        pytest.skip(f"{path.name} is not beside this repository")
    chart: Json = json.loads(path.read_bytes())
    return chart


def seat(label: str, x: float, y: float, category: str, *, accessible: bool) -> Json:
    return {
        "x": x,
        "y": y,
        "label": label,
        "categoryLabel": dict(CATEGORIES)[category],
        "categoryAccessible": False,
        "categoryKey": int(category),
        "restrictedView": False,
        "accessible": accessible,
        "companionSeat": False,
        "disabledBySocialDistancingRules": False,
        "uuid": f"seat-{x}-{y}",
        "published": True,
    }


def row(
    label: str,
    seats: int,
    y: float,
    category: str = "1",
    accessible: Iterable[int] = (),
) -> Json:
    """Draw a straight row of seats 15 apart, numbered from 1."""
    special = set(accessible)
    return {
        "label": label,
        "displayLabel": None,
        "sectionLabel": None,
        "seats": [
            seat(str(n), 15.0 * n, y, category, accessible=n in special)
            for n in range(1, seats + 1)
        ],
        "curve": 0,
        "chairSpacing": 4,
        "objectType": "row",
        "uuid": f"row-{label}",
        "points": None,
        "rowLabelDisabled": False,
        "published": True,
    }


def area(label: str, capacity: int, category: str = "2") -> Json:
    return {
        "categoryLabel": dict(CATEGORIES)[category],
        "categoryKey": int(category),
        "capacity": capacity,
        "label": label,
        "labelSize": 24,
        "labelShown": True,
        "objectType": "generalAdmission",
        "uuid": f"area-{label}",
        "translucent": False,
        "bookAsAWhole": False,
        "variableOccupancy": True,
        "minOccupancy": 1,
        "published": True,
        "type": "circle",
        "center": {"x": -60.0, "y": 60.0},
        "rotationAngle": 0,
        "radius1": 40.0,
        "radius2": 40.0,
        "foreground": False,
    }


def chart(
    rows: Sequence[Json],
    areas: Sequence[Json] = (),
    focal: tuple[float, float] = (67.5, 0.0),
) -> Json:
    """Put rows and areas on one floor without sections."""
    return {
        "name": "A hall of our own",
        "tablesLabelCounter": 1,
        "uuidCounter": 1,
        "categories": {
            "list": [
                {
                    "label": label,
                    "color": "#87A9CD",
                    "accessible": False,
                    "key": int(key),
                }
                for key, label in CATEGORIES
            ],
            "maxCategoryKey": 2,
        },
        "version": 19,
        "venueType": "ROWS_WITHOUT_SECTIONS",
        "subChart": {
            "height": 400,
            "width": 600,
            "tables": [],
            "texts": [],
            "imageObjects": [],
            "rows": list(rows),
            "shapes": [],
            "booths": [],
            "icons": [],
            "generalAdmissionAreas": list(areas),
            "sections": [],
            "focalPoint": {"x": focal[0], "y": focal[1]},
            "backgroundImage": None,
            "referenceChart": None,
            "snapOffset": {"x": 0, "y": 0},
        },
    }


def named_chart(name: str) -> Json:
    """Draw one of the halls that the tests share."""
    if name == "small":  # 24 seats, one area of 5, two categories
        rows = [row("A", 8, 30.0), row("B", 8, 45.0), row("C", 8, 60.0, "2")]
        return chart(rows, [area("GA1", 5)])
    if name == "hall":  # 600 seats
        return chart([row(f"R{n}", 30, 30.0 + 15 * n) for n in range(1, 21)])
    if name == "twenty":  # what 200 clients fight over
        return chart([row("A", 10, 30.0), row("B", 10, 45.0)])
    if name == "ramp":  # the middle of the first row is for wheelchairs
        return chart([row("A", 6, 30.0, accessible=(3, 4)), row("B", 6, 45.0)])
    return real_chart(name)
