"""What may be wrong with a call about the cluster."""

from typing import Final

from server.base.refusals.refusals import ProblemType

PROCESS_NOT_FOUND: Final = ProblemType(
    "process_not_found", 404, "There is no such process in the cluster."
)
