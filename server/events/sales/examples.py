"""Examples of one event on sale, for the description of the interface."""

from typing import Any, Final

from server.events.catalogue.examples import EVENT_NOW
from server.events.venues.examples import MAP
from server.transport.rest.examples import Examples
from server.transport.rest.story import BOOKING_ID, OLGA

HISTORY: Final = "5f0f3c0e-3a51-4c2f-9c53-0d2b8e3d4c11"

JOURNAL: Final[dict[str, Any]] = {
    "items": [
        {
            "version": 4,
            "at": "2026-11-21T10:00:00Z",
            "change": "held",
            "hold": "9b2e61c07d54fa38",
            "user": OLGA,
            "seats": ["A-1", "A-2"],
            "areas": {"Bar": 1},
            "deadline": "2026-11-21T10:10:00Z",
            "total": {"amount": 10500, "currency": "EUR"},
        }
    ],
    "next_cursor": None,
}

HOLD: Final = "qXr2cV0uS5mB8nJk3wTyZg"

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
    "cancel": {"op": "cancel", "booking": BOOKING_ID},
    "block": {"op": "block", "seats": ["A-6"], "reason": "Press"},
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
        "booking": BOOKING_ID,
        "reference": REFERENCE,
        **_SEATS,
        "total": TOTAL,
    },
    "holding": {
        **_OK,
        "version": 7,
        "holds": [],
        "bookings": [
            {"booking": BOOKING_ID, "reference": REFERENCE, **_SEATS, "total": TOTAL}
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


EXAMPLES: Final = Examples(
    answers={
        "show_map": MAP,
        "show_journal": JOURNAL,
        "publish_event": EVENT_NOW,
        "pause_event": {**EVENT_NOW, "status": "paused"},
        "resume_event": EVENT_NOW,
        "close_event": {**EVENT_NOW, "status": "closed"},
        "cancel_event": {**EVENT_NOW, "status": "cancelled"},
        "show_availability": {
            "history_id": "5f0f3c0e-3a51-4c2f-9c53-0d2b8e3d4c11",
            "epoch": 1,
            "version": 17,
            "seats": "bbhfff",
            "areas": {"Bar": {"free": 19, "held": 0, "booked": 1, "blocked": 0}},
        },
    },
    several_requests={
        "run_command": COMMANDS,
    },
    several_answers={
        "run_command": REPLIES,
    },
)
