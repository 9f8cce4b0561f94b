"""Examples of analytics, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import EVENT_ID, ORGANISATION_ID

COUNTS: Final[dict[str, Any]] = {
    "holds": 412,
    "bookings": 240,
    "cancellations": 4,
    "expired": 130,
    "released": 38,
    "seats_booked": 604,
    "seats_cancelled": 9,
    "revenue": [{"amount": 2718000, "currency": "EUR"}],
    "refunded": [{"amount": 40500, "currency": "EUR"}],
    "paid": [{"amount": 2807700, "currency": "EUR"}],
    "returned": [{"amount": 41850, "currency": "EUR"}],
    "net": [{"amount": 2765850, "currency": "EUR"}],
    "discounts": [{"amount": 96000, "currency": "EUR"}],
}

NUMBERS: Final[dict[str, Any]] = {
    **COUNTS,
    "as_of": "2026-11-21T10:20:00Z",
    "capacity": 8897,
    "sold": 595,
    "utilisation": 0.0669,
    "conversion": 0.5825,
    "engagement": {"interested": 390, "buyers": 231, "returning_buyers": 8},
    "step": "day",
    "tz": "Europe/Berlin",
    "from": "2026-10-22T10:20:00Z",
    "to": "2026-11-21T10:20:00Z",
    "trend": [{**COUNTS, "at": "2026-11-20T23:00:00Z"}],
}

RANKED: Final[dict[str, Any]] = {
    "event": EVENT_ID,
    "name": "New Year's Eve",
    "status": "on_sale",
    "starts_at": "2035-12-31T19:00:00Z",
    "organisation": ORGANISATION_ID,
    "capacity": 8897,
    "sold": 595,
    "bookings": 240,
    "utilisation": 0.0669,
}


EXAMPLES: Final = Examples(
    answers={
        "show_event_analytics": {"event": EVENT_ID, **NUMBERS},
        "show_organisation_analytics": {
            "organisation": ORGANISATION_ID,
            "events": 1,
            "ranking": [RANKED],
            **NUMBERS,
        },
        "show_dashboard": {
            "events": 1,
            "events_by_status": {"on_sale": 1},
            "accounts": 1204,
            "organisations": 3,
            "ranking": [RANKED],
            "job": {"events_behind": 0, "versions_behind": 0, "lag_s": 0.0},
            **NUMBERS,
            "tz": "UTC",
            "trend": [{**COUNTS, "at": "2026-11-21T00:00:00Z"}],
        },
    },
)
