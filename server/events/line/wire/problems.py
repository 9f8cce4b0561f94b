"""What the line refuses over REST."""

from typing import Final

from server.base.refusals.refusals import ProblemType
from server.transport.http.problems import REFUSALS

LINE_NOT_OPEN: Final = REFUSALS["line_not_open"]
LINE_OVER: Final = REFUSALS["line_over"]
PLACE_NOT_FOUND: Final = REFUSALS["place_not_found"]
ALREADY_WAITING: Final = REFUSALS["already_waiting"]
BAD_WISH: Final = REFUSALS["bad_wish"]
PROOF_NEEDED: Final = REFUSALS["proof_needed"]
TURN_OVER: Final = REFUSALS["turn_over"]
DRAW_NOT_FOUND: Final = ProblemType(
    "draw_not_found", 404, "There is no such draw, or its list was not told yet."
)
