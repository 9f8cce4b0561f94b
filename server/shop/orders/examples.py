"""Examples of orders, for the description of the interface."""

from typing import Any, Final

from server.events.sales.examples import HOLD
from server.shop.promotions.examples import CODE as PROMOTION_CODE
from server.shop.promotions.examples import PROMOTION, PROMOTION_ID
from server.transport.rest.examples import Examples
from server.transport.rest.story import (
    BOOKING_ID,
    EVENT_ID,
    OLGA,
    TICKET_CODE,
    TICKET_ID,
    TICKET_NUMBER,
    page,
)

ORDER_ID: Final = "ord_5vQm2XzN8rTb0sLkJc7wRy"
ATTEMPT_ID: Final = "pay_5vQm2XzN8rTb0sLkJc7wRy_1"
SECRET: Final = "3mVh7Qb1xTz5Nc8pLw2Rk6Yd0Gf4Js9Ua_EoIiXqBtM"
BUYER: Final = {"email": "olga@example.org", "name": "Olga", "locale": "en"}


def _eur(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


LINE: Final[dict[str, Any]] = {
    "line": 1,
    "kind": "seat",
    "label": "A-1",
    "category": "front",
    "type": None,
    "unit": 4500,
    "discount": 0,
    "fee": 150,
    "tax": 742,
    "tax_ppm": 190_000,
    "gross": 4650,
    "state": "live",
}
LINES: Final = [LINE, {**LINE, "line": 2, "label": "A-2"}]
TOTAL: Final = _eur(9300)
PENDING: Final[dict[str, Any]] = {
    "id": ORDER_ID,
    "order": ORDER_ID,
    "reference": "K7M2QX",
    "event": {
        "id": EVENT_ID,
        "name": "Concert",
        "starts_at": "2026-12-21T19:00:00Z",
        "timezone": "Europe/Berlin",
    },
    "status": "payment_pending",
    "refund": "none",
    "pay_until": "2026-11-21T10:16:00Z",
    "currency": "EUR",
    "total": TOTAL,
    "due": None,
    "lines": LINES,
    "promotions": [],
    "payment": {
        "attempt": ATTEMPT_ID,
        "url": "http://127.0.0.1:8090/pay/Zk0bTQyW2mGq1c5u",
    },
    "booking": None,
    "tickets": [],
    "created_at": "2026-11-21T10:01:00Z",
    "confirmed_at": None,
}
WANTED: Final = {"event": EVENT_ID, "hold": HOLD}
LESS: Final = {"types": {"A-1": "student"}, "codes": [PROMOTION_CODE]}
REDUCED: Final[dict[str, Any]] = {
    **PENDING,
    "total": _eur(7050),
    "lines": [
        {**LINE, "type": "student", "unit": 3000, "discount": 300, "tax": 455}
        | {"gross": 2850},
        {**LINES[1], "discount": 450, "tax": 671, "gross": 4200},
    ],
    "promotions": [{"promotion": PROMOTION_ID, "name": PROMOTION["name"]}],
}


def quote_of(order: dict[str, Any]) -> dict[str, Any]:
    """Return the quote that an order is made after."""
    lines = [
        {name: value for name, value in one.items() if name != "state"}
        for one in order["lines"]
    ]
    sums = {
        name: sum(one[name] for one in lines) for name in ("discount", "fee", "tax")
    }
    return {
        "event": EVENT_ID,
        "hold": HOLD,
        "expires_in_ms": 540_000,
        "expires_at": "2026-11-21T10:10:00Z",
        "currency": "EUR",
        "total": order["total"],
        "discount": _eur(sums["discount"]),
        "fees": _eur(sums["fee"]),
        "tax": _eur(sums["tax"]),
        "lines": lines,
    }


QUOTE: Final = quote_of(PENDING)
CONFIRMED: Final[dict[str, Any]] = {
    **PENDING,
    "status": "confirmed",
    "pay_until": None,
    "payment": None,
    "booking": BOOKING_ID,
    "tickets": [
        {
            "ticket": TICKET_ID,
            "number": TICKET_NUMBER,
            "label": "A-1",
            "status": "valid",
            "code": TICKET_CODE,
        }
    ],
    "confirmed_at": "2026-11-21T10:03:00Z",
}
CANCELLED: Final[dict[str, Any]] = {
    **PENDING,
    "status": "cancelled",
    "pay_until": None,
    "payment": None,
}
SOLD: Final[dict[str, Any]] = {
    **CONFIRMED,
    # For those who run the event, codes are left out.
    "tickets": [{**CONFIRMED["tickets"][0], "code": None}],
    "step": "booked",
    "buyer": {"id": OLGA, "email": BUYER["email"], "name": BUYER["name"]},
    "attempts": [
        {
            "attempt": ATTEMPT_ID,
            "provider": "gateway",
            "status": "captured",
            "amount": TOTAL,
            "captured": TOTAL,
            "use": "accepted",
            "disputed": None,
        }
    ],
    "refunds": [],
}

EXAMPLES: Final = Examples(
    requests={
        "look_up_order": {"reference": "K7M2QX", "email": BUYER["email"]},
        "open_order": {"secret": SECRET},
        "take_payment_webhook": {
            "type": "payment.captured",
            "timestamp": "2026-11-21T10:02:59Z",
            "data": {"id": "gs_1", "attempt": "pay_1", "state": "captured"},
        },
    },
    answers={
        "list_orders": page(CONFIRMED),
        "list_event_orders": page(SOLD),
        "show_order": CONFIRMED,
        "show_referenced_order": CONFIRMED,
        "pay_order": PENDING,
        "look_up_order": {"status": "accepted"},
        "open_order": {
            "order": ORDER_ID,
            "access_token": "oot_Zk0bTQyW2mGq1c5uJt8vYx3nRe6aLp9dHs4fKw7iOb0",
            "expires_in": 43_200,
            "token_type": "Bearer",
        },
        "take_payment_webhook": {"applied": True},
    },
    several_requests={
        "quote_order": {"plain": WANTED, "reduced": {**WANTED, **LESS}},
        "create_order": {
            "plain": {**WANTED, "buyer": BUYER, "total": TOTAL},
            "reduced": {**WANTED, **LESS, "buyer": BUYER, "total": REDUCED["total"]},
        },
        "cancel_order": {"lines": {"lines": [1]}, "all": {}},
    },
    several_answers={
        "quote_order": {"plain": QUOTE, "reduced": quote_of(REDUCED)},
        "create_order": {"plain": PENDING, "reduced": REDUCED},
        "cancel_order": {"lines": CANCELLED, "all": CANCELLED},
    },
    queries={
        "list_event_orders": {"q": "Olga", "status": "confirmed", "refund": "none"}
    },
)
