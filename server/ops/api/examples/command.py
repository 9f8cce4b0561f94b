"""Examples of commands, as they are sent over REST, and their replies; by `op`.

They are in the order in which somebody may send them, at the venue of the examples.
"""

from typing import Any, Final

HOLD: Final = "qXr2cV0uS5mB8nJk3wTyZg"
BOOKING: Final = "bkg_3nB6xQm0vTz8sLkJc5wRyA"
REFERENCE: Final = "K7QX2M"
TOTAL: Final[dict[str, Any]] = {"amount": 9000, "currency": "EUR"}
_OK: Final[dict[str, Any]] = {"op": "ok", "id": 0}
_EXPIRES: Final[dict[str, Any]] = {
    "expires_in_ms": 600000,
    "expires_at": "2026-11-21T10:10:00Z",
}
_SEATS: Final[dict[str, Any]] = {"seats": ["A-1", "A-2"], "areas": {}}

COMMANDS: Final[dict[str, Any]] = {
    "hold": {"op": "hold", "seats": ["A-1", "A-2"], "areas": {"Bar": 1}},
    "extend": {"op": "extend", "hold": HOLD, "ttl_s": 600},
    "release": {"op": "release", "hold": HOLD, "areas": {"Bar": 1}},
    "book": {"op": "book", "hold": HOLD, "order": "4711", "total": TOTAL},
    "holding": {"op": "holding"},
    "hold_best": {"op": "hold_best", "quantity": 2},
    "cancel": {"op": "cancel", "booking": BOOKING},
    "block": {"op": "block", "seats": ["A-6"]},
    "unblock": {"op": "unblock", "seats": ["A-6"]},
}
REPLIES: Final[dict[str, Any]] = {
    "hold": {
        **_OK,
        "version": 4,
        "hold": HOLD,
        **_EXPIRES,
        "seats": ["A-1", "A-2"],
        "areas": {"Bar": 1},
        "total": {"amount": 10500, "currency": "EUR"},
        "added": {"seats": ["A-1", "A-2"], "areas": {"Bar": 1}},
    },
    "extend": {**_OK, "version": 5, **_EXPIRES},
    "release": {**_OK, "version": 6, "seats": [], "areas": {"Bar": 1}},
    "book": {
        **_OK,
        "version": 7,
        "booking": BOOKING,
        "reference": REFERENCE,
        **_SEATS,
        "total": TOTAL,
    },
    "holding": {
        **_OK,
        "version": 7,
        "holds": [],
        "bookings": [
            {"booking": BOOKING, "reference": REFERENCE, **_SEATS, "total": TOTAL}
        ],
    },
    "hold_best": {
        **_OK,
        "version": 8,
        "hold": HOLD,
        **_EXPIRES,
        **_SEATS,
        "total": TOTAL,
        "added": _SEATS,
        "adjacent": True,
    },
    "cancel": {**_OK, "version": 9, **_SEATS},
    "block": {**_OK, "version": 10, "seats": ["A-6"], "areas": {}},
    "unblock": {**_OK, "version": 11, "seats": ["A-6"], "areas": {}},
}
