"""What may be wrong with a call about what leaves us."""

from typing import Final

from server.base.refusals.refusals import ProblemType

ROW_NOT_FOUND: Final = ProblemType(
    "outbox_row_not_found", 404, "There is no such row in an outbox."
)
