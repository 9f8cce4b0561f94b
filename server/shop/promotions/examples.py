"""Examples of promotions, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import EVENT_ID, MADE

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
NEW_CODES: Final[dict[str, Any]] = {"code": CODE, "uses": None}

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
        "add_promotion_codes": {"promotion": PROMOTION_ID, "codes": [CODE]},
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
