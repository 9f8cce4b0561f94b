"""Examples of tickets, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import (
    BERT,
    BOOKING_ID,
    CODE,
    EVENT_ID,
    OLGA,
    ORGANISATION_ID,
    TICKET_CODE,
    TICKET_ID,
    TICKET_NUMBER,
    page,
)

TICKET: Final[dict[str, Any]] = {
    "ticket": TICKET_ID,
    "number": TICKET_NUMBER,
    "status": "valid",
    "kind": "seat",
    "label": "A-1",
    "category": "stalls",
    "area": None,
    "generation": 1,
    "code": TICKET_CODE,
    "event": {
        "id": EVENT_ID,
        "name": "A concert",
        "starts_at": "2035-12-31T19:00:00Z",
        "timezone": "Europe/Berlin",
        "venue": "Town Hall",
    },
    "holder": {"user": OLGA, "name": "Olga"},
    "order": None,
    "line": None,
    "booking": BOOKING_ID,
    "reference": "K7QX2M",
    "issued_at": "2026-11-21T10:01:00Z",
    "created_at": "2026-11-21T10:01:00Z",
    "revoked_at": None,
    "entered_at": None,
}
TRANSFER: Final[dict[str, Any]] = {
    "transfer": "tra_8kTn3xQm2VzR5bYc1wLs0A",
    "ticket": TICKET_ID,
    "email": "bert@example.org",
    "status": "offered",
    "created_at": "2026-11-22T10:00:00Z",
    "expires_at": "2026-11-29T10:00:00Z",
}
KEY: Final[dict[str, Any]] = {
    "key": "8b1c2d3e",
    "organisation": ORGANISATION_ID,
    "public_key": "A6EHv_POEL4dcN0Y50vAmWfk1jCboR4oCZ1LoQKzMLY",
    "signs_from": "2026-11-21T10:01:00Z",
}

EXAMPLES: Final = Examples(
    requests={
        "reissue_ticket": {"generation": 1},
        "offer_ticket": {"email": "bert@example.org"},
        "accept_transfer": {"code": CODE},
        "add_ticket_key": {"organisation": ORGANISATION_ID},
    },
    answers={
        "list_tickets": page(TICKET),
        "show_ticket": TICKET,
        "offer_ticket": TRANSFER,
        "show_transfer": TRANSFER,
        "withdraw_transfer": {**TRANSFER, "status": "withdrawn"},
        "accept_transfer": {
            **TICKET,
            "generation": 2,
            "holder": {"user": BERT, "name": "Bert"},
        },
        "reissue_ticket": {
            **TICKET,
            "generation": 2,
            "issued_at": "2026-11-21T11:30:00Z",
        },
        "list_event_tickets": page({**TICKET, "code": None}),
        "list_revoked_tickets": {
            "event": EVENT_ID,
            "revision": 12,
            "complete": True,
            "items": [
                {
                    "number": TICKET_NUMBER,
                    "generation": 1,
                    "at": "2026-11-21T11:30:00Z",
                }
            ],
        },
        "show_ticket_keys": {"keys": [KEY]},
        "add_ticket_key": KEY,
        "show_ticket_wallet": {
            "kind": "event_ticket",
            "serial": TICKET_NUMBER,
            "event": TICKET["event"],
            "seat": {"kind": "seat", "label": "A-1", "category": "stalls"},
            "holder": "Olga",
            "reference": "K7QX2M",
            "barcode": {
                "format": "qr",
                "message": TICKET["code"],
                "alt_text": TICKET_NUMBER,
            },
        },
    },
    queries={
        "list_tickets": {"event": EVENT_ID, "status": "valid"},
        "list_event_tickets": {"q": "A-1", "status": "valid"},
        "list_revoked_tickets": {"since": 0},
    },
)
