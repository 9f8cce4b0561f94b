"""What may be wrong with an event that is made or moved."""

from typing import Final

from server.base.refusals.refusals import ProblemType

VENUE_TAKEN: Final = ProblemType(
    "venue_taken", 409, "Another event has the venue at that time."
)
