"""Examples of who did what, for the description of the interface."""

from typing import Any, Final

from server.people.accounts.examples import SUSPENDED, USER
from server.transport.rest.examples import Examples
from server.transport.rest.story import ADMIN, BETWEEN, EVENT_ID, ORGANISATION_ID

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
    "objects": {"event": EVENT_ID},
    "status": 409,
    "code": "seat_not_free",
    "details": {"op": "hold"},
}

ORGANISATION_ACTIVITY: Final[dict[str, Any]] = {
    "id": "019aa5e2-8f40-7d52-b1c4-90aa21ef7710",
    "at": "2026-11-21T10:25:00Z",
    "actor": USER["id"],
    "role": "customer",
    "method": "DELETE",
    "route": "/v1/organisations/{organisation}/members/{member}",
    "objects": {"organisation": ORGANISATION_ID, "member": ADMIN["id"]},
    "status": 204,
    "code": None,
    "details": {},
}


EXAMPLES: Final = Examples(
    answers={
        "list_activity": {"items": [ACTIVITY], "next_cursor": None},
        "list_my_activity": {"items": [OWN_ACTIVITY], "next_cursor": None},
        "list_organisation_activity": {
            "items": [ORGANISATION_ACTIVITY],
            "next_cursor": None,
        },
    },
    queries={
        "list_activity": {
            "actor": ADMIN["id"],
            "method": "POST",
            "route": "/v1/events/{event}/publish",
            "event": EVENT_ID,
            "organisation": ORGANISATION_ID,
            "status": "2xx",
            **BETWEEN,
        },
        "list_my_activity": BETWEEN,
        "list_organisation_activity": {"actor": USER["id"], **BETWEEN},
    },
)
