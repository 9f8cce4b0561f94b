"""Examples of API keys, for the description of the interface."""

from typing import Any, Final

from server.people.organisations.examples import ORGANISATION
from server.transport.rest.examples import Examples
from server.transport.rest.story import MADE, OLGA, page

KEY: Final[dict[str, Any]] = {
    "id": "key_1qAz2wSx3eDc4rFv5tGb6Y",
    "organisation": ORGANISATION["id"],
    "name": "Box office",
    "prefix": "onsale_9f2c41d07a3b",
    "scopes": ["bookings:read", "events:read"],
    "owners_only": True,
    "created_by": OLGA,
    "held_by": OLGA,
    "created_at": MADE,
    "rotated_at": None,
    "last_used_at": "2026-11-21T12:34:00Z",
    "expires_at": None,
    "revoked_at": None,
}

FRESH_KEY: Final[dict[str, Any]] = {
    **KEY,
    "last_used_at": None,
    "key": "onsale_9f2c41d07a3b_Vb0qKxZ5uN9cPhL2eGaF7iWtB4vXyEo3sT8Yw1dJ6mR",
}


EXAMPLES: Final = Examples(
    requests={
        "create_api_key": {"name": KEY["name"], "scopes": KEY["scopes"]},
        "rotate_api_key": {"overlap_s": 3600},
    },
    answers={
        "create_api_key": FRESH_KEY,
        "list_api_keys": page(KEY),
        "show_api_key": KEY,
        "rotate_api_key": {**FRESH_KEY, "rotated_at": MADE},
    },
)
