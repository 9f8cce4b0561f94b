"""Examples of sales at a counter, for the description of the interface."""

from typing import Any, Final

from server.events.sales.examples import HOLD, REPLIES
from server.shop.orders.examples import BUYER, QUOTE, SOLD, TOTAL
from server.transport.rest.examples import Examples
from server.transport.rest.story import EVENT_ID

SALE: Final = "counter-1-2026-0017"
_OF: Final = {"sale": SALE, "hold": HOLD}
_ATTEMPT: Final[dict[str, Any]] = {**SOLD["attempts"][0], "provider": "cash"}

EXAMPLES: Final = Examples(
    requests={
        "extend_at_counter": _OF,
        "release_at_counter": {**_OF, "areas": {"Bar": 1}},
        "quote_at_counter": _OF,
    },
    answers={
        "extend_at_counter": REPLIES["extend"],
        "release_at_counter": REPLIES["release"],
        "quote_at_counter": QUOTE,
        "list_blocked": {
            "event": EVENT_ID,
            "version": 10,
            "items": [{"reason": "Press", "seats": ["A-6"]}],
        },
    },
    several_requests={
        "hold_at_counter": {
            "named": {"sale": SALE, "seats": ["A-1", "A-2"], "areas": {"Bar": 1}},
            "best": {"sale": SALE, "quantity": 2},
        },
        "order_at_counter": {
            "cash": {**_OF, "paid": "cash", "total": TOTAL, "buyer": BUYER},
            "free": {**_OF, "paid": "free", "reason": "Press"},
        },
    },
    several_answers={
        "hold_at_counter": {"named": REPLIES["hold"], "best": REPLIES["hold_best"]},
        "order_at_counter": {
            "cash": {**SOLD, "attempts": [_ATTEMPT]},
            "free": {**SOLD, "attempts": [], "total": {**TOTAL, "amount": 0}},
        },
    },
)
