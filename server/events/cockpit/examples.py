"""Examples of an event as it sells, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import ADMIN, EVENT_ID, page

SECOND: Final[dict[str, Any]] = {
    "at": 1_795_256_400,
    "owned": True,
    "watching": 3120,
    "waiting": 1804,
    "turns": 96,
    "turns_total": 412,
    "turns_per_min": 120,
    "sell_out_s": 900,
    "free": 7900,
    "held": 393,
    "paying": 51,
    "booked": 604,
    "blocked": 0,
    "expired_total": 12,
    "released_total": 44,
    "payments_failed": 3,
    "not_free_total": 31,
    "refused_total": {"seat_not_free": 31, "user_limit": 4},
    "commands_total": 20410,
    "commits_total": 1320,
    "commit_p50_ms": 1.9,
    "commit_p99_ms": 4.2,
    "mailbox": 3,
}

STEP: Final[dict[str, Any]] = {
    "id": "019aa5e2-8f40-7d52-b1c4-90aa21ef7711",
    "at": "2026-11-21T10:25:00Z",
    "actor": ADMIN["id"],
    "name": "Olga Lind",
    "method": "POST",
    "route": "/v1/events/{event}/pause",
    "details": {},
}

EXAMPLES: Final = Examples(
    answers={
        "show_event_live": {
            "event": EVENT_ID,
            "status": "on_sale",
            "counts": {"free": 7900, "held": 393, "booked": 604, "blocked": 0},
            "owner": {"process": "n1-0-4f2c", "epoch": 7},
            "forecast": {
                "at": "2026-11-21T10:46:00Z",
                "soonest": "2026-11-21T10:46:00Z",
                "latest": "2026-11-21T10:58:00Z",
                "per_min": 318.0,
            },
            "seconds": [SECOND],
        },
        "list_event_activity": page(STEP),
    },
)
