"""Examples of money, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import EVENT_ID

TAKINGS: Final[dict[str, Any]] = {
    "event": EVENT_ID,
    "ok": True,
    "currencies": [
        {
            "currency": "EUR",
            "captured": 13_950,
            "returned": 0,
            "pending": 4_650,
            "due": 0,
            "outside": 0,
            "sold": 9_300,
            "fees": 300,
            "seller_fees": 0,
            "tax": 1_484,
            "at_door": 0,
            "booked": 9_000,
        }
    ],
    "ways": [
        {
            "provider": "gateway",
            "currency": "EUR",
            "payments": 2,
            "captured": 13_950,
            "returned": 0,
            "pending": 4_650,
        }
    ],
    "kinds": [
        {
            "category": "front",
            "type": None,
            "currency": "EUR",
            "places": 2,
            "gross": 9_300,
            "discount": 0,
        }
    ],
    "differing": 0,
    "differences": [],
}

EXAMPLES: Final = Examples(answers={"show_money": TAKINGS})
