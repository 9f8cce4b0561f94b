"""What signing in may be refused for."""

from typing import Final

from server.base.refusals.refusals import ProblemType

WRONG_PASSWORD: Final = ProblemType("wrong_password", 403, "The password is wrong.")
PASSWORD_NEEDED: Final = ProblemType(
    "password_needed",
    403,
    "This needs the current_password, or that you logged in within five minutes.",
)
ACCOUNT_SUSPENDED: Final = ProblemType(
    "account_suspended", 403, "This account is suspended; nobody signs in with it."
)
SESSION_NOT_FOUND: Final = ProblemType(
    "session_not_found", 404, "There is no such session."
)
