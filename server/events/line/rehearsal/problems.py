"""What rehearsals refuse over REST."""

from typing import Final

from server.base.refusals.refusals import ProblemType

REHEARSAL_NOT_FOUND: Final = ProblemType(
    "rehearsal_not_found", 404, "There is no such rehearsal of this event."
)
