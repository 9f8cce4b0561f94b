"""Examples of promotions, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import EVENT_ID, MADE, page

PROMOTION_ID: Final = "prm_9sQm4XzT2rVb8kLwJc1nYe"
PROMOTION: Final[dict[str, Any]] = {
    "id": PROMOTION_ID,
    "event": EVENT_ID,
    "name": "Early birds",
    "active": True,
    "percent_ppm": 100_000,
    "amount": None,
    "categories": None,
    "types": None,
    "minimum": None,
    "starts_at": None,
    "ends_at": "2036-01-01T00:00:00Z",
    "limit": 100,
    "per_user": 2,
    "stacks": False,
    "reserved": 0,
    "used": 0,
    "codes": 0,
    "created_at": MADE,
}
CODE: Final = "EARLYBIRD"
CODE_ID: Final = "cod_6c1f0a93b7d25e48a0b1"
LABEL: Final = "Posters"
NEW_CODES: Final[dict[str, Any]] = {"code": CODE, "uses": None, "label": LABEL}
NUMBERS: Final[dict[str, Any]] = {
    "reserved": 1,
    "uses": 40,
    "given_back": 2,
    "gross": [{"amount": 332_000, "currency": "EUR"}],
    "discount": [{"amount": 36_000, "currency": "EUR"}],
    "returned": [{"amount": 16_600, "currency": "EUR"}],
    "net": [{"amount": 315_400, "currency": "EUR"}],
}

EXAMPLES: Final = Examples(
    requests={
        "create_promotion": {
            name: PROMOTION[name]
            for name in ("name", "percent_ppm", "ends_at", "limit", "per_user")
        },
        "edit_promotion": {"limit": 100},
        "add_promotion_codes": NEW_CODES,
        "check_code": {"code": CODE},
    },
    answers={
        "list_promotions": {"items": [PROMOTION]},
        "create_promotion": PROMOTION,
        "show_promotion": PROMOTION,
        "edit_promotion": PROMOTION,
        "add_promotion_codes": {
            "promotion": PROMOTION_ID,
            "codes": [CODE],
            "ids": [CODE_ID],
        },
        "show_promotion_numbers": {
            "event": EVENT_ID,
            "items": [
                {"promotion": PROMOTION_ID, "name": PROMOTION["name"], **NUMBERS}
            ],
        },
        "list_code_numbers": page(
            {"code": CODE_ID, "label": LABEL, "limit": None, **NUMBERS}
        ),
        "check_code": {
            "event": EVENT_ID,
            "promotion": PROMOTION_ID,
            "name": PROMOTION["name"],
            "kind": "percent",
            "percent_ppm": PROMOTION["percent_ppm"],
            "amount": None,
            "categories": None,
            "types": None,
            "minimum": None,
            "ends_at": PROMOTION["ends_at"],
            "stacks": False,
        },
    },
)
