"""Examples of check-in, for the description of the interface."""

from typing import Any, Final

from server.shop.tickets.examples import TICKET
from server.transport.rest.examples import Examples
from server.transport.rest.story import EVENT_ID, MADE, OLGA, TICKET_ID

LIST_ID: Final = "lst_6xR2vNq0bYtL9kWsJc4mZg"
NONCE: Final = "north-1-000001"
LIST: Final[dict[str, Any]] = {
    "id": LIST_ID,
    "event": EVENT_ID,
    "name": "VIP lounge",
    "reentry": True,
    "opens_at": "2026-11-21T18:00:00Z",
    "categories": ["stalls"],
    "created_at": MADE,
}
MAIN_LIST: Final[dict[str, Any]] = {
    **LIST,
    "id": "main",
    "name": "Main",
    "reentry": False,
    "opens_at": None,
    "categories": None,
}
COUNTS: Final[dict[str, Any]] = {
    "in": 1,
    "out": 0,
    "double": 0,
    "revoked": 0,
    "per_min": 1,
}

EXAMPLES: Final = Examples(
    requests={
        "scan_ticket": {
            "event": EVENT_ID,
            "code": TICKET["code"],
            "nonce": NONCE,
            "gate": "north",
        },
        "undo_scan": {"event": EVENT_ID, "reason": "Scanned by mistake"},
        "upload_scans": {
            "scans": [
                {
                    "event": EVENT_ID,
                    "code": TICKET["code"],
                    "nonce": "south-1-000001",
                    "gate": "south",
                    "at": "2026-11-21T18:30:00Z",
                    "clock_offset_ms": -1200,
                    "saw": "ok",
                }
            ]
        },
        "create_checkin_list": {
            name: LIST[name] for name in ("name", "reentry", "opens_at", "categories")
        },
        "edit_checkin_list": {"opens_at": "2026-11-21T18:00:00Z"},
    },
    answers={
        "scan_ticket": {
            "nonce": NONCE,
            "event": EVENT_ID,
            "list": "main",
            "gate": "north",
            "direction": "in",
            "result": "ok",
            "ticket": TICKET_ID,
            "label": TICKET["label"],
            "category": TICKET["category"],
            "at": "2026-11-21T18:31:00Z",
            "before": None,
        },
        "undo_scan": {
            "nonce": NONCE,
            "event": EVENT_ID,
            "list": "main",
            "ticket": TICKET_ID,
            "standing": "never",
            "undone_at": "2026-11-21T18:32:00Z",
            "undone_by": OLGA,
            "reason": "Scanned by mistake",
        },
        "upload_scans": {
            "scans": [
                {
                    "nonce": "south-1-000001",
                    "event": EVENT_ID,
                    "outcome": "entry",
                    "ticket": TICKET_ID,
                    "label": TICKET["label"],
                    "gate": "south",
                    "other": None,
                }
            ]
        },
        "list_checkin_lists": {"items": [MAIN_LIST]},
        "create_checkin_list": LIST,
        "show_checkin_list": LIST,
        "edit_checkin_list": LIST,
        "show_checkin_counts": {
            "event": EVENT_ID,
            "lists": [
                {"list": "main", **COUNTS, "gates": [{"gate": "north", **COUNTS}]}
            ],
        },
        "show_checkin_bundle": {
            "event": EVENT_ID,
            "event_mark": "0123456789abcdef",
            "name": "A concert",
            "list": MAIN_LIST,
            "keys": [
                {
                    "key": "8b1c2d3e",
                    "public_key": "A6EHv_POEL4dcN0Y50vAmWfk1jCboR4oCZ1LoQKzMLY",
                }
            ],
            "tickets": [
                {
                    "number": TICKET["number"],
                    "generation": 1,
                    "status": "valid",
                    "label": TICKET["label"],
                    "standing": "never",
                    "listed": True,
                }
            ],
            "next_cursor": None,
        },
    },
    queries={"show_checkin_bundle": {"list": "main"}},
)
