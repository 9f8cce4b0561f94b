"""Examples of what goes back of orders, for the description of the interface."""

from typing import Any, Final

from server.shop.orders.examples import ATTEMPT_ID, ORDER_ID
from server.transport.rest.examples import Examples
from server.transport.rest.story import EVENT_ID, OLGA

REFUND_ID: Final = "rfd_5vQm2XzN8rTb0sLkJc7wRy_1_given_back_1"
AMOUNT: Final = {"amount": 4650, "currency": "EUR"}
REFUND: Final[dict[str, Any]] = {
    "refund": REFUND_ID,
    "attempt": ATTEMPT_ID,
    "amount": AMOUNT,
    "reason": "given_back",
    "status": "settled",
    "lines": [2],
    "note": "The seat is broken.",
    "asked_by": OLGA,
    "instead_of": None,
    "at": "2026-11-22T10:00:00Z",
}
LIST: Final[dict[str, Any]] = {
    "order": ORDER_ID,
    "status": "confirmed",
    "refund": "part",
    "refundable": AMOUNT,
    "due": None,
    "items": [REFUND],
}
PREVIEW: Final[dict[str, Any]] = {
    "order": ORDER_ID,
    "total": AMOUNT,
    "lines": [{"line": 2, "label": "A-2", "amount": 4650}],
}
ASK: Final[dict[str, Any]] = {"lines": [2], "reason": "The seat is broken."}
MADE: Final[dict[str, Any]] = {**PREVIEW, "status": "confirmed", "refund": REFUND}

EXAMPLES: Final = Examples(
    requests={
        "preview_refund": ASK,
        "create_refund": ASK,
        "note_refund": {"note": "In cash at the box office."},
    },
    answers={
        "show_event_refunds": {
            "event": EVENT_ID,
            "status": "running",
            "orders": 10_000,
            "waiting": 7_300,
            "pending": 12,
            "failed": 1,
            "done": 2_687,
            "failures": [{"order": ORDER_ID, "reference": "K7M2QX", "due": AMOUNT}],
        },
        "list_refunds": LIST,
        "preview_refund": PREVIEW,
        "create_refund": MADE,
        "retry_refund": LIST,
        "note_refund": LIST,
    },
)
