"""What is refused to who talks."""

from typing import Final

from server.base.refusals.refusals import ProblemType

ROOM_NOT_FOUND: Final = ProblemType(
    "room_not_found", 404, "There is no such room, or you may not enter it."
)
MESSAGE_NOT_FOUND: Final = ProblemType(
    "room_message_not_found", 404, "There is no such message, or it is gone."
)
NOBODY_THERE: Final = ProblemType(
    "participant_not_found", 404, "Nobody of that name has said anything here."
)
ROOM_CLOSED: Final = ProblemType(
    "room_closed", 409, "Nothing more is said in this room."
)
MESSAGE_SETTLED: Final = ProblemType(
    "message_settled", 409, "A message may be changed for 15 minutes."
)
MUTED: Final = ProblemType("muted", 403, "You may not say anything here for now.")
BANNED: Final = ProblemType("banned", 403, "You may not enter this room any more.")
TOO_FAST: Final = ProblemType(
    "too_fast",
    429,
    "One message a second, after ten at once; nothing was said.",
    transient=True,
    retry_after_s=1,
)
