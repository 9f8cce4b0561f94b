"""What may be wrong with a call about orders."""

from typing import Final

from server.base.refusals.refusals import ProblemType
from server.transport.http.problems import REFUSALS

ORDER_NOT_FOUND: Final = ProblemType(
    "order_not_found", 404, "There is no such order of yours."
)
ORDER_CLOSED: Final = ProblemType(
    "order_closed", 409, "This order is past that: it is paid, over, or being ended."
)
ALREADY_IN: Final = ProblemType(
    "already_in", 409, "Somebody is in with one of the tickets."
)
TICKET_PASSED_ON: Final = ProblemType(
    "ticket_passed_on",
    409,
    "Somebody else has one of the tickets now; whoever runs the event gives it back.",
)
LINE_NOT_FOUND: Final = ProblemType(
    "line_not_found", 404, "The order has no such seat or place; a fee has no line."
)
REFUND_TOO_MUCH: Final = ProblemType(
    "refund_too_much", 409, "Less than that is left of what was paid."
)
REFUND_NOT_FOUND: Final = ProblemType(
    "refund_not_found", 404, "The order has no such refund."
)
REFUND_CLOSED: Final = ProblemType(
    "refund_closed", 409, "This refund has not failed, or is tried again already."
)
LETTER_NOT_FOUND: Final = ProblemType(
    "letter_not_found", 404, "The order has no such letter."
)
LETTERS_USED_UP: Final = ProblemType(
    "letters_used_up", 409, "It was sent again often enough today; try tomorrow."
)
NO_ADDRESS: Final = ProblemType(
    "no_address", 409, "Nobody has an address of the buyer."
)
PROVIDER_UNAVAILABLE: Final = ProblemType(
    "provider_unavailable",
    503,
    "The provider of payment cannot be reached; nothing is lost, try again.",
    transient=True,
    retry_after_s=5,
)
PROVIDER_NOT_FOUND: Final = ProblemType(
    "provider_not_found", 404, "There is no such provider of payment here."
)
WEBHOOK_FORGED: Final = ProblemType(
    "webhook_forged", 400, "The signature is not the provider's, or it is too old."
)
PRICE_CHANGED: Final = REFUSALS["price_changed"]
USER_LIMIT: Final = REFUSALS["user_limit"]
HOLD_NOT_FOUND: Final = REFUSALS["hold_not_found"]
ALREADY_BOOKED: Final = REFUSALS["already_booked"]
TYPE_LIMIT: Final = REFUSALS["type_limit"]
EXTEND_LIMIT: Final = REFUSALS["extend_limit"]
