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
TICKET_IS_IN: Final = ProblemType(
    "already_in", 409, "Somebody is in with one of the tickets."
)
TRANSFER_OPEN: Final = ProblemType(
    "transfer_open", 409, "This ticket is offered to somebody; take that back first."
)
TRANSFER_NOT_FOUND: Final = ProblemType(
    "transfer_not_found", 404, "There is no such offer of yours."
)
SCRIPT_NOT_PRINTED: Final = ProblemType(
    "script_not_printed",
    409,
    "This ticket has letters that are not set here; print its page instead.",
)
