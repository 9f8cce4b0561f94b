"""Examples of operations that one example does not explain, by operation and name.

Where the answers differ in what a newcomer needs of them, so do their examples; a
request's answer has its name.
"""

from typing import Any, Final

from server.ops.api.examples.attendee import ATTENDEE
from server.ops.api.examples.command import COMMANDS, REPLIES
from server.ops.api.examples.common import (
    ADMIN,
    EVENT,
    NEW_EVENT,
    PASSWORD,
    SIGNED_IN,
    SUSPENDED,
    TIME,
    VENUE,
)
from server.ops.api.examples.organisation import (
    ANNOUNCEMENT,
    BERT,
    CLEO,
    INVITED,
    MEMBER,
    ORGANISATION,
    OWNER,
)

Several = dict[str, dict[str, Any]]

CLEO_MOVED: Final = "cleo@example.net"
REHEARSAL: Final[dict[str, Any]] = {
    "name": "Open rehearsal",
    "capacity": 500,
    "organisation": ORGANISATION["id"],
    "starts_at": TIME,
    "registration": "open",
}


def _account(person: dict[str, Any]) -> dict[str, Any]:
    return {
        "email": person["email"],
        "password": PASSWORD,
        "name": person["name"],
    }


def _signed_in(user: str) -> dict[str, Any]:
    return {**SIGNED_IN, "user": {"id": user, "role": "customer"}}


REQUESTS: Final[Several] = {
    "register": {
        "olga": _account(OWNER),
        "bert": _account(INVITED),
        "cleo": _account(MEMBER),
    },
    "log_in": {
        "olga": {"email": OWNER["email"], "password": PASSWORD},
        # What the server was started with stands in these places.
        "administrator": {
            "email": "admin@example.org",
            "password": "that of ONSALE_ADMIN_PASSWORD",
        },
    },
    "edit_me": {
        "name": {"name": "Olga"},
        "address": {"email": CLEO_MOVED, "current_password": PASSWORD},
    },
    "edit_user": {
        "organizer": {"role": "organizer"},
        "suspend": {"suspended": True, "reason": SUSPENDED["suspended_reason"]},
        "let_in": {"suspended": False},
    },
    "create_invitation": {
        "bert": {"email": INVITED["email"], "role": "staff"},
        "cleo": {"email": MEMBER["email"], "role": "leader"},
    },
    "create_announcement": {
        "ticket_holders": {
            "audience": "ticket_holders",
            "event": ANNOUNCEMENT["event"],
            "subject": ANNOUNCEMENT["subject"],
            "body": ANNOUNCEMENT["body"],
        },
        "members": {
            "audience": "members",
            "subject": "We meet on Monday",
            "body": "At ten, on the stage.",
        },
    },
    "create_event": {
        "venue": {
            "name": NEW_EVENT["name"],
            "description": NEW_EVENT["description"],
            "category": NEW_EVENT["category"],
            "tags": NEW_EVENT["tags"],
            "venue": VENUE["id"],
            "organisation": ORGANISATION["id"],
            "starts_at": TIME,
            "off_sale_at": NEW_EVENT["off_sale_at"],
            "prices": NEW_EVENT["prices"],
        },
        "registration": REHEARSAL,
    },
    "edit_event": {
        "details": {"max_per_user": 4, "tags": ["dance", "fireworks"]},
        "schedule": {"on_sale_at": "2035-12-01T09:00:00Z"},
    },
    "create_attendee": {
        "olga": {"email": ATTENDEE["email"], "name": ATTENDEE["name"]},
        "dora": {"email": "dora@example.org", "name": "Dora"},
    },
    "run_command": COMMANDS,
}
ANSWERS: Final[Several] = {
    "register": {
        "olga": SIGNED_IN,
        "bert": _signed_in(BERT),
        "cleo": _signed_in(CLEO),
    },
    "log_in": {"olga": SIGNED_IN, "administrator": {**SIGNED_IN, "user": ADMIN}},
    "create_event": {
        "venue": NEW_EVENT,
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
        },
    },
    "run_command": REPLIES,
}
