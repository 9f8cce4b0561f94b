"""What may be wrong with a call about announcements."""

from typing import Final

from server.base.refusals.refusals import ProblemType

ANNOUNCEMENT_NOT_FOUND: Final = ProblemType(
    "announcement_not_found", 404, "There is no such announcement."
)
