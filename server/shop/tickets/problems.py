"""What may be wrong with a call about tickets."""

from typing import Final

from server.base.refusals.refusals import ProblemType

TICKET_NOT_FOUND: Final = ProblemType(
    "ticket_not_found", 404, "There is no such ticket."
)
TICKET_NOT_VALID: Final = ProblemType(
    "ticket_not_valid",
    409,
    "This ticket has no code now: it was given back, or is being given back.",
)
TICKET_CHANGED: Final = ProblemType(
    "ticket_changed", 409, "This ticket was issued again since; look at it first."
)
SCRIPT_NOT_PRINTED: Final = ProblemType(
    "script_not_printed",
    409,
    "This ticket has letters that are not set here; print its page instead.",
)
