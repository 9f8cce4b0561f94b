"""Examples of webhooks, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import MADE, OLGA, ORGANISATION_ID, page

HOOK_ID: Final = "hook_4tGb7uJm1qAz5wSx9eDc3R"
DELIVERY_ID: Final = "msg_9f2c41d07a3b4e5f8a6b1c2d3e4f5061"

HOOK: Final[dict[str, Any]] = {
    "id": HOOK_ID,
    "organisation": ORGANISATION_ID,
    "url": "https://hooks.example.org/onsale",
    "types": ["sale.opened", "ticket.issued"],
    "description": "Our newsletter",
    "form": "standard",
    "active": True,
    "off": None,
    "created_by": OLGA,
    "created_at": MADE,
    "failures": 0,
    "ok_at": None,
    "failed_at": None,
    "error": None,
    "rests_until": None,
    "old_secret_until": None,
}
FRESH_HOOK: Final[dict[str, Any]] = {
    **HOOK,
    "secret": "whsec_Vb0qKxZ5uN9cPhL2eGaF7iWtB4vXyEo3sT8Yw1dJ6mQ=",
}
DELIVERY: Final[dict[str, Any]] = {
    "id": DELIVERY_ID,
    "organisation": ORGANISATION_ID,
    "hook": HOOK_ID,
    "type": "hook.test",
    "subject": DELIVERY_ID,
    "state": "sent",
    "body": {
        "type": "hook.test",
        "timestamp": "2026-11-21T10:00:00.000000Z",
        "data": {"hook": HOOK_ID},
    },
    "created_at": MADE,
    "due_at": None,
    "ended_at": "2026-11-21T10:00:01Z",
    "attempts": 1,
    "status": 204,
    "error": None,
}
WAITING: Final[dict[str, Any]] = {
    **DELIVERY,
    "state": "due",
    "due_at": MADE,
    "ended_at": None,
    "attempts": 0,
    "status": None,
}

EXAMPLES: Final = Examples(
    requests={
        "create_hook": {
            "url": HOOK["url"],
            "types": HOOK["types"],
            "description": HOOK["description"],
        },
        "edit_hook": {"types": []},
        "rotate_hook": {"overlap_s": 3600},
        "replay_hook": {"since": MADE},
    },
    queries={"list_deliveries": {"hook": HOOK_ID, "state": "due"}},
    answers={
        "create_hook": FRESH_HOOK,
        "list_hooks": page(HOOK),
        "show_hook": HOOK,
        "edit_hook": {**HOOK, "types": []},
        "rotate_hook": {**FRESH_HOOK, "old_secret_until": "2026-11-21T11:00:00Z"},
        "test_hook": WAITING,
        "replay_hook": {"replayed": 3},
        "list_deliveries": page(DELIVERY),
        "show_delivery": {
            **DELIVERY,
            "log": [
                {
                    "at": "2026-11-21T10:00:01Z",
                    "status": 204,
                    "error": None,
                    "took_ms": 42,
                }
            ],
        },
        "replay_delivery": WAITING,
    },
)
