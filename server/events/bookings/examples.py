"""Examples of bookings, for the description of the interface."""

from typing import Any, Final

from server.events.catalogue.examples import EVENT
from server.people.accounts.examples import ME
from server.transport.rest.examples import Examples
from server.transport.rest.story import BETWEEN, BOOKING_ID, EVENT_ID, OLGA

PRICE: Final[dict[str, Any]] = {"amount": 4500, "currency": "EUR"}

BOOKING: Final[dict[str, Any]] = {
    "id": BOOKING_ID,
    "reference": "K7QX2M",
    "event": {
        "id": EVENT_ID,
        "name": EVENT["name"],
        "starts_at": EVENT["starts_at"],
        "timezone": EVENT["timezone"],
    },
    "cancel_until": "2035-12-30T19:00:00Z",
    "status": "confirmed",
    "order": "4711",
    "seats": ["A-1", "A-2"],
    "areas": {},
    "lines": [
        {"label": label, "category": "stalls", "quantity": 1, "price": PRICE}
        for label in ("A-1", "A-2")
    ],
    "total": {"amount": 9000, "currency": "EUR"},
    "currency": "EUR",
    "version": 7,
    "created_at": "2026-11-21T10:01:00Z",
    "cancelled_at": None,
}

EVENT_BOOKING: Final[dict[str, Any]] = {
    **BOOKING,
    "user": OLGA,
    "buyer": {
        "id": OLGA,
        "email": "olga@example.org",
        "name": "Olga",
    },
}


EXAMPLES: Final = Examples(
    answers={
        "list_bookings": {"items": [BOOKING], "next_cursor": None},
        "list_event_bookings": {"items": [EVENT_BOOKING], "next_cursor": None},
        "show_booking": BOOKING,
        "show_referenced_booking": BOOKING,
        "cancel_booking": {
            **BOOKING,
            "status": "cancelled",
            "cancelled_at": "2026-11-21T11:30:00Z",
        },
    },
    queries={
        "list_bookings": {"event": EVENT["id"], "status": "confirmed", **BETWEEN},
        "list_event_bookings": {
            "q": ME["email"],
            "seat": "A-1",
            "status": "confirmed",
            **BETWEEN,
        },
    },
)
