"""Examples of accounts, for the description of the interface."""

from typing import Any, Final

from server.people.auth.examples import SIGNED_IN, account, signed_in
from server.transport.rest.examples import Examples
from server.transport.rest.story import (
    BERT,
    CLEO,
    CODE,
    INVITED,
    MEMBER,
    OLGA,
    OTHER_PASSWORD,
    OWNER,
    PASSWORD,
)

ME: Final[dict[str, Any]] = {
    "id": OLGA,
    "role": "customer",
    "email": "olga@example.org",
    "email_verified": True,
    "pending_email": None,
    "name": "Olga",
    "created_at": "2026-11-21T10:00:00Z",
    "locale": "en",
}

USER: Final[dict[str, Any]] = {
    **{
        name: value
        for name, value in ME.items()
        if name not in ("pending_email", "locale")
    },
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

DORA: Final[dict[str, Any]] = {
    **USER,
    "id": "usr_7dQx3mWcVtB1nZyKj5hFpA",
    "role": "organizer",
    "email": "dora@example.com",
    "email_verified": False,
    "name": "Dora",
}

CLEO_MOVED: Final = "cleo@example.net"


EXAMPLES: Final = Examples(
    requests={
        "verify_email": {"code": CODE},
        "forgot_password": {"email": "olga@example.org"},
        "create_user": {
            name: value
            for name, value in DORA.items()
            if name in ("email", "name", "role")
        },
        "reset_password": {"code": CODE, "password": OTHER_PASSWORD},
        "delete_me": {"current_password": PASSWORD},
        # Back to the one that logging in names.
        "change_password": {
            "current_password": OTHER_PASSWORD,
            "new_password": PASSWORD,
        },
    },
    answers={
        "change_password": SIGNED_IN,
        "resend_code": {"status": "accepted"},
        "forgot_password": {"status": "accepted"},
        "show_me": ME,
        "edit_me": ME,
        "list_users": {"items": [USER], "next_cursor": None},
        "create_user": DORA,
        "show_user": USER,
        "edit_user": SUSPENDED,
    },
    several_requests={
        "register": {
            "olga": account(OWNER),
            "bert": account(INVITED),
            "cleo": account(MEMBER),
        },
        "edit_me": {
            "name": {"name": "Olga"},
            "language": {"locale": "de-AT"},
            "address": {"email": CLEO_MOVED, "current_password": PASSWORD},
        },
        "edit_user": {
            "organizer": {"role": "organizer"},
            "suspend": {"suspended": True, "reason": SUSPENDED["suspended_reason"]},
            "let_in": {"suspended": False},
        },
    },
    several_answers={
        "register": {
            "olga": SIGNED_IN,
            "bert": signed_in(BERT),
            "cleo": signed_in(CLEO),
        },
    },
    queries={
        "list_users": {"q": "olga", "role": "customer", "suspended": False},
    },
)
