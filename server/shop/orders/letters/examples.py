"""Examples of an order's letters and history, for the description of the interface."""

from typing import Any, Final

from server.shop.orders.examples import BUYER, ORDER_ID
from server.transport.rest.examples import Examples
from server.transport.rest.story import OLGA, page

LETTER_ID: Final = "ntc_8e2b6c4d0f1a4957b3c5d7e9f1a2b3c4"
LIST: Final[dict[str, Any]] = {
    "order": ORDER_ID,
    "items": [
        {
            "letter": LETTER_ID,
            "kind": "order_confirmed",
            "at": "2026-11-21T10:03:00Z",
            "read_at": None,
            "mails": [
                {
                    "recipient": BUYER["email"],
                    "state": "sent",
                    "attempts": 1,
                    "created_at": "2026-11-21T10:03:00Z",
                    "ended_at": "2026-11-21T10:03:01Z",
                    "reason": None,
                }
            ],
        }
    ],
}
ACTIVITY: Final[dict[str, Any]] = {
    "id": "019aa5e2-8f40-7e11-a0c2-7b1d5f3e9a44",
    "at": "2026-11-22T10:00:00Z",
    "actor": OLGA,
    "role": "customer",
    "method": "POST",
    "route": "/v1/orders/{order}/refunds",
    "status": 202,
    "code": None,
    "details": {"lines": [2]},
}

EXAMPLES: Final = Examples(
    requests={"send_letter": {"letter": LETTER_ID}},
    answers={
        "list_letters": LIST,
        "send_letter": LIST,
        "list_order_activity": page(ACTIVITY),
    },
)
