"""Examples in the descriptions; a test checks each against its schema."""

from typing import Any, Final

from server.api.analytics_examples import ANALYTICS_ANSWERS
from server.api.attendee_examples import ATTENDEE_ANSWERS, ATTENDEE_REQUESTS
from server.api.booking_examples import BOOKING_ANSWERS
from server.api.operation_examples import MOVE, OPERATION_ANSWERS
from server.api.organisation_examples import (
    ORGANISATION,
    ORGANISATION_ANSWERS,
    ORGANISATION_REQUESTS,
)

# Far away, so that the examples can be sent for years.
TIME: Final = "2035-12-31T19:00:00Z"
NEXT_TIME: Final = "2036-12-31T19:00:00Z"
SETTINGS: Final[dict[str, Any]] = {
    "name": "New Year's Eve",
    "starts_at": TIME,
    "ends_at": None,
    "on_sale_at": None,
    "off_sale_at": "2035-12-31T18:30:00Z",
    "hold_ttl_s": 600,
    "max_per_user": 10,
    "max_per_booking": 10,
    "prices": {
        "stalls": {"amount": 4500, "currency": "EUR"},
        "bar": {"amount": 1500, "currency": "EUR"},
    },
    "payment": "none",
    "cancel_until_s": 86400,
    "prevent_orphans": False,
    "waitlist": True,
    "one_booking_per_user": False,
    "registration": "closed",
}
IMAGE: Final[dict[str, Any]] = {
    "id": "img_4VdJtYxqB8mTz1uKc9sWfQ",
    "url": "/v1/images/img_4VdJtYxqB8mTz1uKc9sWfQ",
    "small_url": "/v1/images/img_4VdJtYxqB8mTz1uKc9sWfQ?size=small",
    "width": 1600,
    "height": 900,
    "caption": "Fireworks over the old town",
    "uploaded_by": "usr_2m5sWn9fTjOQy7gJxwYh0A",
    "uploaded_at": "2026-11-22T09:15:00Z",
}
EVENT: Final[dict[str, Any]] = {
    "id": "evt_Jt8Zk0bTQyW2mGq1c5uVhA",
    "status": "on_sale",
    "venue": "ven_p0cVd5mJSk6lB7nqYw3xEg",
    "capacity": None,
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
}
EVENT_NOW: Final[dict[str, Any]] = {
    **EVENT,
    "description": NEW_EVENT["description"],
    "version": 17,
    "counts": {"free": 22, "held": 1, "booked": 3, "blocked": 0},
    "owner": {"process": "sFq3vL0yTn2eWkRb.0.5c1e", "address": None, "epoch": 2},
}
CALENDAR: Final = """\
BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Onsale//Onsale//EN\r
BEGIN:VEVENT\r
UID:evt_Jt8Zk0bTQyW2mGq1c5uVhA@onsale\r
DTSTAMP:20261123T083000Z\r
CREATED:20261121T100000Z\r
LAST-MODIFIED:20261123T083000Z\r
SEQUENCE:2\r
DTSTART:20351231T190000Z\r
DTEND:20351231T220000Z\r
SUMMARY:New Year's Eve\r
STATUS:CONFIRMED\r
END:VEVENT\r
END:VCALENDAR\r
"""
VENUE: Final[dict[str, Any]] = {
    "id": "ven_p0cVd5mJSk6lB7nqYw3xEg",
    "name": "Town Hall",
    "seats": 6,
    "areas": 1,
    "categories": [
        {"key": "stalls", "label": "Stalls", "color": "#808080"},
        {"key": "bar", "label": "Bar", "color": "#808080"},
    ],
    "exclusive": False,
    "organisation": ORGANISATION["id"],
}
TOKEN: Final[dict[str, Any]] = {
    "access_token": "eyJhbGciOiJFZERTQSIsImtpZCI6ImsxIn0.e30.c2lnbmF0dXJl",
    "token_type": "Bearer",
    "expires_in": 604800,
    "user": {"id": "usr_2m5sWn9fTjOQy7gJxwYh0A", "role": "guest"},
}
CODE: Final = "Vb0qKxZ5uN9cPhL2eGaF7iWtB4vXyEo3sT8Yw1dJ6mR"
SESSION: Final[dict[str, Any]] = {
    "id": "ses_9tQ4hRzPSbm6WcY2u0kF3g",
    "current": True,
    "created_at": "2026-11-21T10:00:00Z",
    "seen_at": "2026-11-21T10:15:00Z",
    "expires_at": "2026-12-21T10:15:00Z",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
    "address": "203.0.113.0/24",
}
SIGNED_IN: Final[dict[str, Any]] = {
    **TOKEN,
    "expires_in": 900,
    "user": {"id": "usr_2m5sWn9fTjOQy7gJxwYh0A", "role": "customer"},
    "refresh_token": "o3sT8Yw1dJ6mVbR0qKxZ5uN9cPhL2eGaF7iWtB4vXyE",
    "refresh_expires_in": 2592000,
    "session": SESSION["id"],
}
PASSWORD: Final = "correct horse battery"
ADMIN: Final[dict[str, Any]] = {"id": "usr_5pLm3xQ8vTb1sKd7jWnR2A", "role": "admin"}
ME: Final[dict[str, Any]] = {
    "id": "usr_2m5sWn9fTjOQy7gJxwYh0A",
    "role": "customer",
    "email": "olga@example.org",
    "email_verified": True,
    "name": "Olga",
    "created_at": "2026-11-21T10:00:00Z",
}
USER: Final[dict[str, Any]] = {
    **ME,
    "suspended": False,
    "suspended_at": None,
    "suspended_reason": None,
}
SUSPENDED: Final[dict[str, Any]] = {
    **USER,
    "suspended": True,
    "suspended_at": "2026-11-21T10:20:00Z",
    "suspended_reason": "Bought for resale, see ticket 4711.",
}
ACTIVITY: Final[dict[str, Any]] = {
    "id": "019aa5e2-8f40-7c21-9d53-5f0b7e0c2a11",
    "at": "2026-11-21T10:20:00Z",
    "actor": ADMIN["id"],
    "role": "admin",
    "method": "PATCH",
    "route": "/v1/users/{user}",
    "objects": {"user": USER["id"]},
    "status": 200,
    "code": None,
    "request_id": "Zk0bTQyW2mGq1c5u",
    "address": "203.0.113.0/24",
    "duration_ms": 4.2,
    "details": {
        "suspended": [False, True],
        "suspended_reason": [None, SUSPENDED["suspended_reason"]],
    },
}
OWN_ACTIVITY: Final[dict[str, Any]] = {
    **ACTIVITY,
    "id": "019aa5e2-8f40-7b7e-8a41-c3d90f6b1e02",
    "actor": USER["id"],
    "role": "customer",
    "method": "POST",
    "route": "/v1/events/{event}/commands",
    "objects": {"event": EVENT["id"]},
    "status": 409,
    "code": "seat_not_free",
    "details": {"op": "hold"},
}

REQUESTS: Final[dict[str, Any]] = {
    "refresh": {"refresh_token": SIGNED_IN["refresh_token"]},
    "verify_email": {"code": CODE},
    "forgot_password": {"email": "olga@example.org"},
    # Back to the one that logging in names.
    "reset_password": {"code": CODE, "password": PASSWORD},
    "change_password": {
        "current_password": PASSWORD,
        "new_password": "incorrect zebra accumulator",
    },
    "create_venue": {
        "name": "Town Hall",
        "map": {
            "categories": [
                {"key": "stalls", "label": "Stalls"},
                {"key": "bar", "label": "Bar"},
            ],
            "seats": [
                {"row": "A", "number": str(number), "category": "stalls"}
                for number in range(1, 7)
            ],
            "areas": [{"label": "Bar", "capacity": 20, "category": "bar"}],
        },
        "organisation": ORGANISATION["id"],
    },
    "duplicate_event": {"starts_at": NEXT_TIME},
    "move_event": MOVE,
    **ATTENDEE_REQUESTS,
    **ORGANISATION_REQUESTS,
}
ANSWERS: Final[dict[str, Any]] = {
    "create_guest": TOKEN,
    "refresh": SIGNED_IN,
    "change_password": SIGNED_IN,
    "resend_code": {"status": "accepted"},
    "forgot_password": {"status": "accepted"},
    "list_sessions": {"items": [SESSION], "next_cursor": None},
    "show_me": ME,
    "edit_me": ME,
    "list_activity": {"items": [ACTIVITY], "next_cursor": None},
    "list_my_activity": {"items": [OWN_ACTIVITY], "next_cursor": None},
    "list_users": {"items": [USER], "next_cursor": None},
    "show_user": USER,
    "edit_user": SUSPENDED,
    "show_token_keys": {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "kid": "21fe31dfa154a261",
                "use": "sig",
                "alg": "EdDSA",
            }
        ]
    },
    "create_venue": VENUE,
    "list_venues": {"items": [VENUE], "next_cursor": None},
    "show_venue": VENUE,
    "upload_image": EVENT_NOW,
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
    "publish_event": EVENT_NOW,
    "pause_event": {**EVENT_NOW, "status": "paused"},
    "resume_event": EVENT_NOW,
    "close_event": {**EVENT_NOW, "status": "closed"},
    "cancel_event": {**EVENT_NOW, "status": "cancelled"},
    "list_organisation_events": {"items": [EVENT], "next_cursor": None},
    "show_availability": {
        "history_id": "5f0f3c0e-3a51-4c2f-9c53-0d2b8e3d4c11",
        "epoch": 1,
        "version": 17,
        "seats": "bbhfff",
        "areas": {"Bar": {"free": 19, "held": 0, "booked": 1, "blocked": 0}},
    },
    **ANALYTICS_ANSWERS,
    **ATTENDEE_ANSWERS,
    **BOOKING_ANSWERS,
    **OPERATION_ANSWERS,
    **ORGANISATION_ANSWERS,
}
PROBLEM: Final[dict[str, Any]] = {
    "type": "urn:onsale:problem:seat_not_free",
    "title": "Conflict",
    "status": 409,
    "detail": "Somebody else was faster.",
    "code": "seat_not_free",
    "transient": False,
    "request_id": "Zk0bTQyW2mGq1c5u",
    "seats": ["A-1"],
    "alternatives": [["B-4", "B-5"]],
}
