"""What may be wrong with promotions, and with codes that somebody wants to redeem."""

from typing import Final

from server.base.refusals.refusals import ProblemType

PROMOTION_NOT_FOUND: Final = ProblemType(
    "promotion_not_found", 404, "The event has no such promotion."
)
CODE_USED_UP: Final = ProblemType(
    "code_used_up", 409, "This code was redeemed as often as it may be."
)
CODE_TAKEN: Final = ProblemType("code_taken", 409, "The event has such a code already.")
PROMOTION_USED: Final = ProblemType(
    "promotion_used",
    409,
    "Orders were made with it; set `active` to false to end it.",
)
