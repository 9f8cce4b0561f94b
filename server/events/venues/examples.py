"""Examples of venues, for the description of the interface."""

from typing import Any, Final

from server.people.organisations.examples import ORGANISATION
from server.transport.rest.examples import Examples
from server.transport.rest.story import VENUE_ID

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
    },
    answers={
        "create_venue": VENUE,
        "list_venues": {"items": [VENUE], "next_cursor": None},
        "show_venue": VENUE,
    },
)
