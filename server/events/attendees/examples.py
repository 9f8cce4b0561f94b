"""Examples of registrations, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import BOOKING_ID, CODE, EVENT_ID

ATTENDEE: Final[dict[str, Any]] = {
    "id": "att_9Ks2Vx0cRtN4bQyLm7wGeA",
    "event": EVENT_ID,
    "email": "olga@example.org",
    "name": "Olga",
    "status": "registered",
    "booking": BOOKING_ID,
    "reference": "K7QX2M",
    "created_at": "2026-11-21T10:01:00Z",
    "registered_at": "2026-11-21T10:01:00Z",
    "cancelled_at": None,
}

CANCELLED: Final[dict[str, Any]] = {
    **ATTENDEE,
    "status": "cancelled",
    "cancelled_at": "2026-11-21T11:30:00Z",
}


EXAMPLES: Final = Examples(
    requests={
        "cancel_registration": {"code": CODE},
    },
    answers={
        "create_attendee": ATTENDEE,
        "list_attendees": {"items": [ATTENDEE], "next_cursor": None},
        "show_attendee": ATTENDEE,
        "cancel_attendee": CANCELLED,
        "cancel_registration": CANCELLED,
        "list_my_registrations": {"items": [ATTENDEE], "next_cursor": None},
    },
    several_requests={
        "create_attendee": {
            "olga": {"email": ATTENDEE["email"], "name": ATTENDEE["name"]},
            "dora": {"email": "dora@example.org", "name": "Dora"},
        },
    },
    queries={
        "list_attendees": {"q": ATTENDEE["name"], "status": "registered"},
    },
)
