"""What may be wrong with a call about registrations."""

from typing import Final

from server.base.refusals.refusals import ProblemType

ALREADY_REGISTERED: Final = ProblemType(
    "already_registered", 409, "Somebody registered with this email address."
)
ATTENDEE_EXISTS: Final = ProblemType(
    "attendee_exists", 409, "There is an attendee with this email address."
)
REGISTRATION_CLOSED: Final = ProblemType(
    "registration_closed", 409, "This event takes no registrations."
)
REGISTRATION_PENDING: Final = ProblemType(
    "registration_pending",
    409,
    "It is not certain yet; try again in a moment.",
    transient=True,
    retry_after_s=1,
)
ATTENDEE_NOT_FOUND: Final = ProblemType(
    "attendee_not_found", 404, "There is no such attendee."
)
