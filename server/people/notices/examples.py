"""Examples of notices, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import BOOKING_ID, EVENT_ID, MADE, page

NOTICE: Final[dict[str, Any]] = {
    "id": "ntc_5d0c1f6a2b7e4839a1c2d3e4f5a6b7c8",
    "kind": "order_confirmed",
    "event": EVENT_ID,
    "event_name": "New Year's Eve",
    "data": {
        "order": "ord_5vQm2XzN8rTb0sLkJc7wRy",
        "booking": BOOKING_ID,
        "reference": "K7M2QX",
    },
    "at": MADE,
    "read_at": None,
}

EXAMPLES: Final = Examples(
    requests={"read_notices": {"notices": [NOTICE["id"]]}},
    queries={"list_notices": {"unread": True}},
    answers={"list_notices": page(NOTICE), "read_notices": {"unread": 2}},
)
