"""Examples of registrations, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import BOOKING_ID, CODE, EVENT_ID, ORGANISATION_ID

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
    "person": None,
}

PERSON: Final[dict[str, Any]] = {
    "id": "per_2Wq8vB0nMxK5tJ7hRzLcYg",
    "email": "emil@example.org",
    "name": "Emil",
    "organisation": ORGANISATION_ID,
    "created_at": "2026-11-21T10:00:00Z",
}

CANCELLED: Final[dict[str, Any]] = {
    **ATTENDEE,
    "status": "cancelled",
    "cancelled_at": "2026-11-21T11:30:00Z",
}


EXAMPLES: Final = Examples(
    requests={
        "cancel_registration": {"code": CODE},
        "create_person": {
            name: PERSON[name] for name in ("email", "name", "organisation")
        },
    },
    answers={
        "create_attendee": ATTENDEE,
        "list_attendees": {"items": [ATTENDEE], "next_cursor": None},
        "show_attendee": ATTENDEE,
        "create_person": PERSON,
        "list_persons": {"items": [PERSON], "next_cursor": None},
        "show_person": PERSON,
        "cancel_attendee": CANCELLED,
        "cancel_registration": CANCELLED,
        "list_my_registrations": {"items": [ATTENDEE], "next_cursor": None},
    },
    several_requests={
        "create_attendee": {
            "olga": {"email": ATTENDEE["email"], "name": ATTENDEE["name"]},
            "dora": {"email": "dora@example.org", "name": "Dora"},
            "emil": {"attendee": PERSON["id"]},
        },
    },
    queries={
        "list_persons": {"q": PERSON["name"]},
        "list_attendees": {"q": ATTENDEE["name"], "status": "registered"},
    },
)
