"""What may be wrong with a call about venues."""

from typing import Final

from server.base.refusals.refusals import ProblemType

VENUE_NOT_FOUND: Final = ProblemType("venue_not_found", 404, "There is no such venue.")
VENUE_IN_USE: Final = ProblemType(
    "venue_in_use", 409, "Events use this venue, so that must wait."
)
