"""What messages to a line refuse over REST."""

from typing import Final

from server.base.refusals.refusals import ProblemType

LINE_MESSAGE_NOT_FOUND: Final = ProblemType(
    "message_not_found", 404, "Nothing of that id was said, or it is no longer kept."
)
