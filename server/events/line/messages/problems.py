"""What messages to a line refuse over REST."""

from typing import Final

from server.base.refusals.refusals import ProblemType

LINE_MESSAGE_NOT_FOUND: Final = ProblemType(
    "message_not_found", 404, "There is no such message, or it is gone."
)
