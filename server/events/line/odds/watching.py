"""What forecasts are made with: what turns took so far, else what is expected."""

from math import sqrt
from typing import Final

from msgspec import Struct

from inventory.line.line import DONE, Line
from inventory.line.serving import free_places, held_places
from inventory.state import Stock
from server.events.line.odds.making import Habits
from server.events.line.odds.words import USUAL, Calibration
from server.events.line.pace.averages import KEPT, STRENGTH, Averages, Takes

KNOWN_TURNS: Final = 50
"""So many turns have to be over before words are said, where nothing was rehearsed."""

UNDECIDED_S: Final = 90.0
"""So long a hold is undecided, before anybody knows."""

COMMON: Final = 0.03
"""What was seen often enough is still wrong by so much, all at once."""


class Expected(Struct, frozen=True):
    """What a rehearsal found out about an event: how people are, and the correction."""

    kept: float
    mean_milli: int
    variance_milli: int
    shift: float
    slope: float

    def takes(self) -> Takes:
        """Return what turns are expected to take."""
        return Takes(self.mean_milli, self.variance_milli, 0)


class Seen(Struct):
    """What is seen of turns beside the owner; holds that are `still` open, too."""

    averages: Averages
    still: list[tuple[int, float]]
    per_s: float | None
    """Turns a second; None where they are given as fast as they can be."""


def habits_of(
    stock: Stock, line: Line, seen: Seen | None, expected: Expected | None
) -> Habits:
    """Return what is known of those who have their turns."""
    ended = 0 if seen is None else seen.averages.keeping.ended
    mean, variance = line.mean_milli / 1_000, line.variance_milli / 1_000
    kept, undecided_s, per_s = KEPT, UNDECIDED_S, None
    if seen is not None:
        kept = seen.averages.kept_with(seen.still)
        undecided_s = seen.averages.undecided_s(UNDECIDED_S)
        per_s = seen.per_s
    if expected is not None and not ended:
        kept = expected.kept
        mean, variance = expected.mean_milli / 1_000, expected.variance_milli / 1_000
    if per_s is None:
        places = free_places(stock) + held_places(stock)
        per_s = places / max(mean, 0.1) / max(line.sell_out_s, 60)
    unsure = (1 - kept) / max(kept, 0.05) / (STRENGTH + ended)
    return Habits(
        kept,
        mean,
        variance,
        COMMON if expected is not None else sqrt(COMMON * COMMON + unsure),
        per_s * undecided_s,
        expected is not None or line.states.count(DONE) >= KNOWN_TURNS,
        USUAL if expected is None else Calibration(expected.shift, expected.slope),
    )
