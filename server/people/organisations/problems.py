"""What may be wrong with a call about organisations."""

from typing import Final

from server.base.refusals.refusals import ProblemType

ORGANISATION_NOT_FOUND: Final = ProblemType(
    "organisation_not_found", 404, "There is no such organisation."
)
MEMBER_NOT_FOUND: Final = ProblemType(
    "member_not_found", 404, "The organisation has no such member."
)
INVITATION_NOT_FOUND: Final = ProblemType(
    "invitation_not_found", 404, "There is no such invitation, or not any more."
)
REQUEST_NOT_FOUND: Final = ProblemType(
    "request_not_found", 404, "There is no such request, or it was answered."
)
ALREADY_MEMBER: Final = ProblemType(
    "already_member", 409, "Whoever this is belongs to the organisation already."
)
LAST_OWNER: Final = ProblemType("last_owner", 409, "An organisation needs an owner.")
ORGANISATION_IN_USE: Final = ProblemType(
    "organisation_in_use",
    409,
    "The organisation has events that are not over, or tickets.",
)
