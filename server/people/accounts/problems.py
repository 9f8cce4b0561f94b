"""What may be wrong with a call about accounts."""

from typing import Final

from server.base.refusals.refusals import ProblemType

EMAIL_TAKEN: Final = ProblemType(
    "email_taken", 409, "There is an account with this email address."
)
LAST_ADMIN: Final = ProblemType(
    "last_admin", 409, "Nobody else would be left to administer."
)
USER_NOT_FOUND: Final = ProblemType("user_not_found", 404, "There is no such user.")
