"""Examples of registrations."""

from typing import Any, Final

ATTENDEE: Final[dict[str, Any]] = {
    "id": "att_9Ks2Vx0cRtN4bQyLm7wGeA",
    "event": "evt_Jt8Zk0bTQyW2mGq1c5uVhA",
    "email": "olga@example.org",
    "name": "Olga",
    "status": "registered",
    "booking": "bkg_3nB6xQm0vTz8sLkJc5wRyA",
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

ATTENDEE_REQUESTS: Final[dict[str, Any]] = {
    "cancel_registration": {"code": "Vb0qKxZ5uN9cPhL2eGaF7iWtB4vXyEo3sT8Yw1dJ6mR"},
}
ATTENDEE_ANSWERS: Final[dict[str, Any]] = {
    "create_attendee": ATTENDEE,
    "list_attendees": {"items": [ATTENDEE], "next_cursor": None},
    "show_attendee": ATTENDEE,
    "cancel_attendee": CANCELLED,
    "cancel_registration": CANCELLED,
    "list_my_registrations": {"items": [ATTENDEE], "next_cursor": None},
}
