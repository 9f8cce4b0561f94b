"""What may be wrong with a call about check-in."""

from typing import Final

from server.base.refusals.refusals import ProblemType

LIST_NOT_FOUND: Final = ProblemType(
    "list_not_found", 404, "The event has no such check-in list."
)
SCAN_NOT_FOUND: Final = ProblemType("scan_not_found", 404, "There is no such scan.")
NONCE_REUSED: Final = ProblemType(
    "nonce_reused",
    422,
    "This nonce stands for another scan: of another code, list, gate, way or device.",
)
NOTHING_TO_UNDO: Final = ProblemType(
    "nothing_to_undo", 409, "This scan let nobody through."
)
