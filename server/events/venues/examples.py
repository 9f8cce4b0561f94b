"""Examples of venues, for the description of the interface."""

from typing import Any, Final

from server.people.organisations.examples import ORGANISATION
from server.transport.rest.examples import Examples
from server.transport.rest.story import VENUE_ID

COPY_ID: Final = "ven_8qVnT2xWc5LrYd1oKb7JmA"

VENUE: Final[dict[str, Any]] = {
    "id": VENUE_ID,
    "name": "Town Hall",
    "seats": 6,
    "areas": 1,
    "categories": [
        {"key": "stalls", "label": "Stalls", "color": "#808080"},
        {"key": "bar", "label": "Bar", "color": "#808080"},
    ],
    "exclusive": False,
    "organisation": ORGANISATION["id"],
    "timezone": "Europe/Berlin",
    "address": "1 Market Square, Old Town",
    "coordinates": {"lat": 52.5186, "lon": 13.4081},
    "planners": [],
}

MAP: Final[dict[str, Any]] = {
    "seats": [
        {
            "index": number - 1,
            "label": f"A-{number}",
            "section": None,
            "row": "A",
            "number": str(number),
            "category": "stalls",
            "x": 20.0 * (number - 1),
            "y": 0.0,
            "accessible": False,
            "companion": False,
            "restricted": False,
        }
        for number in range(1, 7)
    ],
    "areas": [
        {
            "label": "Bar",
            "capacity": 20,
            "category": "bar",
            "section": None,
            "x": None,
            "y": None,
        }
    ],
    "categories": [
        {"key": "stalls", "label": "Stalls", "color": "#808080"},
        {"key": "bar", "label": "Bar", "color": "#808080"},
    ],
    "focal_point": None,
}


EXAMPLES: Final = Examples(
    requests={
        "create_venue": {
            "name": "Town Hall",
            "map": {
                "categories": [
                    {"key": "stalls", "label": "Stalls"},
                    {"key": "bar", "label": "Bar"},
                ],
                "seats": [
                    {"row": "A", "number": str(number), "category": "stalls"}
                    for number in range(1, 7)
                ],
                "areas": [{"label": "Bar", "capacity": 20, "category": "bar"}],
            },
            "organisation": ORGANISATION["id"],
            "timezone": VENUE["timezone"],
        },
        "edit_venue": {
            "address": VENUE["address"],
            "coordinates": VENUE["coordinates"],
        },
        "duplicate_venue": {"name": "Town Hall, without chairs"},
        "preview_venue": {
            "map": {
                "categories": [
                    {"key": "stalls", "label": "Stalls"},
                    {"key": "bar", "label": "Bar"},
                ],
                "seats": [
                    {"row": "A", "number": str(number), "category": "stalls"}
                    for number in range(1, 7)
                ],
                "areas": [{"label": "Bar", "capacity": 20, "category": "bar"}],
            },
        },
    },
    answers={
        "create_venue": VENUE,
        "list_venues": {"items": [VENUE], "next_cursor": None},
        "list_my_venues": {"items": [VENUE], "next_cursor": None},
        "show_venue": VENUE,
        "edit_venue": VENUE,
        "duplicate_venue": {
            **VENUE,
            "id": COPY_ID,
            "name": "Town Hall, without chairs",
        },
        "show_venue_map": MAP,
        "preview_venue": MAP,
    },
)
