"""What may be wrong with a call about webhooks of organisers."""

from typing import Final

from server.base.refusals.refusals import ProblemType

HOOK_NOT_FOUND: Final = ProblemType("hook_not_found", 404, "There is no such hook.")
DELIVERY_NOT_FOUND: Final = ProblemType(
    "delivery_not_found", 404, "There is no such delivery."
)
HOOK_OFF: Final = ProblemType(
    "hook_off", 409, "This hook is told nothing: turn it on first."
)
