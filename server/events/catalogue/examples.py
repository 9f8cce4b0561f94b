"""Examples of events, for the description of the interface."""

from typing import Any, Final

from server.events.venues.examples import VENUE
from server.people.organisations.examples import ORGANISATION
from server.transport.rest.examples import Examples
from server.transport.rest.story import BETWEEN, EVENT_ID, OLGA, VENUE_ID

# Far away, so that the examples can be sent for years.
TIME: Final = "2035-12-31T19:00:00Z"

NEXT_TIME: Final = "2036-12-31T19:00:00Z"

SETTINGS: Final[dict[str, Any]] = {
    "name": "New Year's Eve",
    "starts_at": TIME,
    "ends_at": None,
    "on_sale_at": None,
    "off_sale_at": "2035-12-31T18:30:00Z",
    "timezone": "Europe/Berlin",
    "hold_ttl_s": 600,
    "max_per_user": 10,
    "max_per_booking": 10,
    "max_held_per_network": 50,
    "prices": {
        "stalls": {"amount": 4500, "currency": "EUR"},
        "bar": {"amount": 1500, "currency": "EUR"},
    },
    "payment": "none",
    "pay_s": 900,
    "types": {
        "student": {
            "name": "Student",
            "prices": {"stalls": {"amount": 3000, "currency": "EUR"}},
        },
    },
    "cancel_until_s": 86400,
    "prevent_orphans": False,
    "waitlist": True,
    "one_booking_per_user": False,
    "registration": "closed",
    "line": None,
}

IMAGE: Final[dict[str, Any]] = {
    "id": "img_4VdJtYxqB8mTz1uKc9sWfQ",
    "url": "/v1/images/img_4VdJtYxqB8mTz1uKc9sWfQ",
    "small_url": "/v1/images/img_4VdJtYxqB8mTz1uKc9sWfQ?size=small",
    "width": 1600,
    "height": 900,
    "caption": "Fireworks over the old town",
    "uploaded_by": OLGA,
    "uploaded_at": "2026-11-22T09:15:00Z",
}

EVENT: Final[dict[str, Any]] = {
    "id": EVENT_ID,
    "status": "on_sale",
    "venue": VENUE_ID,
    "venue_name": "Town Hall",
    "capacity": None,
    "places": 600,
    "organisation": ORGANISATION["id"],
    "category": "Party",
    "tags": ["dance", "fireworks"],
    "image": IMAGE,
    "registrations": 3,
    "created_at": "2026-11-21T10:00:00Z",
    "completes_at": "2036-01-01T19:00:00Z",
    **SETTINGS,
}

NEW_EVENT: Final[dict[str, Any]] = {
    **EVENT,
    "status": "draft",
    "image": None,
    "registrations": 0,
    "description": "Dance into the new year, with fireworks at midnight.",
    "fees": {
        "per_order": 0,
        "per_ticket": 150,
        "percent_ppm": 0,
        "paid_by": "buyer",
        "returns": True,
    },
    "tax": {"ppm": 190_000, "included": True, "name": "VAT 19 %"},
    "late": "same",
}

EVENT_NOW: Final[dict[str, Any]] = {
    **EVENT,
    "description": NEW_EVENT["description"],
    "fees": NEW_EVENT["fees"],
    "tax": NEW_EVENT["tax"],
    "late": NEW_EVENT["late"],
    "version": 17,
    "counts": {"free": 22, "held": 1, "booked": 3, "blocked": 0},
    "owner": {"process": "sFq3vL0yTn2eWkRb.0.5c1e", "address": None, "epoch": 2},
}

CALENDAR: Final = """\
BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Onsale//Onsale//EN\r
X-WR-TIMEZONE:Europe/Berlin\r
BEGIN:VTIMEZONE\r
TZID:Europe/Berlin\r
BEGIN:STANDARD\r
DTSTART:20351230T200000\r
TZOFFSETFROM:+0100\r
TZOFFSETTO:+0100\r
TZNAME:CET\r
END:STANDARD\r
END:VTIMEZONE\r
BEGIN:VEVENT\r
UID:evt_Jt8Zk0bTQyW2mGq1c5uVhA@onsale\r
DTSTAMP:20261123T083000Z\r
CREATED:20261121T100000Z\r
LAST-MODIFIED:20261123T083000Z\r
SEQUENCE:2\r
DTSTART;TZID=Europe/Berlin:20351231T200000\r
DTEND;TZID=Europe/Berlin:20351231T230000\r
SUMMARY:New Year's Eve\r
STATUS:CONFIRMED\r
END:VEVENT\r
END:VCALENDAR\r
"""

IN_VENUE: Final[dict[str, Any]] = {
    **{name: NEW_EVENT[name] for name in ("name", "description", "category", "tags")},
    "venue": VENUE["id"],
    "organisation": ORGANISATION["id"],
    "starts_at": TIME,
    "off_sale_at": NEW_EVENT["off_sale_at"],
    "prices": NEW_EVENT["prices"],
    "types": SETTINGS["types"],
    "fees": {"per_ticket": 150},
    "tax": {"ppm": 190_000, "name": "VAT 19 %"},
    "late": "same",
}

REHEARSAL: Final[dict[str, Any]] = {
    "name": "Open rehearsal",
    "capacity": 500,
    "organisation": ORGANISATION["id"],
    "starts_at": TIME,
    "registration": "open",
}


EXAMPLES: Final = Examples(
    requests={
        "duplicate_event": {"starts_at": NEXT_TIME},
    },
    answers={
        "duplicate_event": {
            **NEW_EVENT,
            "id": "evt_b2VfYQ3tJ6mRw8xKpL0sZg",
            "starts_at": NEXT_TIME,
            "off_sale_at": "2036-12-31T18:30:00Z",
            "completes_at": "2037-01-01T19:00:00Z",
            "image": IMAGE,
        },
        "show_calendar": CALENDAR,
        "list_events": {"items": [EVENT], "next_cursor": None},
        "show_event": EVENT_NOW,
        "edit_event": {**EVENT_NOW, "max_per_user": 4},
        "list_organisation_events": {"items": [EVENT], "next_cursor": None},
        "list_my_events": {"items": [EVENT], "next_cursor": None},
    },
    several_requests={
        "create_event": {
            "venue": IN_VENUE,
            "paid": {**IN_VENUE, "payment": "required"},
            "registration": REHEARSAL,
        },
        "edit_event": {
            "details": {"max_per_user": 4, "tags": ["dance", "fireworks"]},
            "schedule": {"on_sale_at": "2035-12-01T09:00:00Z"},
        },
    },
    several_answers={
        "create_event": {
            "venue": NEW_EVENT,
            "paid": {**NEW_EVENT, "payment": "required"},
            "registration": {
                **NEW_EVENT,
                **REHEARSAL,
                "venue": None,
                "id": EVENT["id"],
                "description": "",
                "category": None,
                "tags": [],
                "off_sale_at": None,
                "prices": {},
                "fees": {**NEW_EVENT["fees"], "per_ticket": 0},
                "tax": {"ppm": 0, "included": True, "name": "Tax"},
            },
        },
    },
    queries={
        "list_my_events": {"upcoming": True},
        "list_events": {
            "status": "on_sale",
            **BETWEEN,
            "q": "new year",
            "category": "party",
            "tag": ["dance"],
            "organisation": ORGANISATION["id"],
            "venue": VENUE["id"],
            "upcoming": True,
            "free": True,
            "price_min": 0,
            "price_max": 5000,
            "currency": "EUR",
            "near": TIME[:10],
            "sort": "starts_at",
        },
    },
)
