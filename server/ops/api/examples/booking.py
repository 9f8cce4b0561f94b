"""Examples of bookings."""

from typing import Any, Final

PRICE: Final[dict[str, Any]] = {"amount": 4500, "currency": "EUR"}
BOOKING: Final[dict[str, Any]] = {
    "id": "bkg_3nB6xQm0vTz8sLkJc5wRyA",
    "reference": "K7QX2M",
    "event": "evt_Jt8Zk0bTQyW2mGq1c5uVhA",
    "event_name": "New Year's Eve",
    "starts_at": "2035-12-31T19:00:00Z",
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
    "user": "usr_2m5sWn9fTjOQy7gJxwYh0A",
    "buyer": {
        "id": "usr_2m5sWn9fTjOQy7gJxwYh0A",
        "email": "olga@example.org",
        "name": "Olga",
    },
}

BOOKING_ANSWERS: Final[dict[str, Any]] = {
    "list_bookings": {"items": [BOOKING], "next_cursor": None},
    "list_event_bookings": {"items": [EVENT_BOOKING], "next_cursor": None},
    "show_booking": BOOKING,
    "show_referenced_booking": BOOKING,
    "cancel_booking": {
        **BOOKING,
        "status": "cancelled",
        "cancelled_at": "2026-11-21T11:30:00Z",
    },
}
