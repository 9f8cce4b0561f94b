"""How many turns a second: up while they are used, down where the shop is full.

Pure. How many choose at once is bounded by the guard, whatever this says. The rate
moves by a fixed factor and no more often than it takes to see what came of it, so that
it overshoots by one step at most.
"""

from collections import deque
from statistics import median
from typing import Final, Literal

BATCH_MAX: Final = 64
"""So many turns are asked for at once."""

FEWER: Final = 0.7
MORE: Final = 1.25
USED: Final = 0.8
INTERVAL_S: Final = (10.0, 120.0)
FIRST_INTERVAL_S: Final = 60.0
"""Before anybody checked out."""

TIMES_MAX: Final = 101
"""Of so many that checked out last the median is taken."""

SLOWEST: Final = 0.05
"""Of the rate at the start; or one turn in ten seconds, where that is more."""

Why = Literal["congested", "used"]


class Rate:
    """The pace of one line. Times are seconds of any clock that never goes back."""

    def __init__(self, start: float, most: float, now: float) -> None:
        self.r_max = most
        self.r = min(start, most)
        self.r_min = _slowest(self.r)
        self._bucket = 1.0
        self._at = now
        self._looked_at = now
        self._given = 0
        self._times: deque[float] = deque(maxlen=TIMES_MAX)

    def limit(self, start: float, most: float) -> None:
        """Go on below another maximum, as an organiser set it."""
        if most != self.r_max:
            self.r_max = most
            self.r_min = _slowest(min(start, most))
            self.r = min(max(self.r, min(start, most)), most)

    def allowed(self, now: float) -> int:
        """Return how many turns may be given now."""
        passed, self._at = max(0.0, now - self._at), now
        self._bucket = min(self._bucket + self.r * passed, self._room)
        return min(BATCH_MAX, max(0, int(self._bucket)))

    def gave(self, turns: int) -> None:
        """Count turns that were given; those of what came back are paid for, too."""
        self._given += turns
        self._bucket = max(self._bucket - turns, -self._room)

    @property
    def _room(self) -> float:
        return max(1.0, 2 * self.r)

    def checked_out(self, after_s: float) -> None:
        """Note how long it took somebody from turn to checkout."""
        self._times.append(after_s)

    @property
    def interval_s(self) -> float:
        """Return how long it is watched what came of a rate."""
        if not self._times:
            return FIRST_INTERVAL_S
        least, most = INTERVAL_S
        return max(least, min(median(self._times), most))

    def is_due(self, now: float) -> bool:
        """Return whether it is time to `move`."""
        return now - self._looked_at >= self.interval_s

    def move(self, now: float, *, congested: bool) -> Why | None:
        """Go slower or faster, at the end of an interval; return why, if it moved."""
        passed, given = now - self._looked_at, self._given
        self._looked_at, self._given = now, 0
        before = self.r
        why: Why | None = None
        if congested:
            self.r, why = max(self.r_min, FEWER * self.r), "congested"
        elif given > USED * self.r * passed:
            self.r, why = min(self.r_max, MORE * self.r), "used"
        return why if self.r != before else None


def _slowest(start: float) -> float:
    return min(start, max(SLOWEST * start, 0.1))


def rates(
    places: float, mean: float, sell_out_s: int, per_min: int | None
) -> tuple[float, float] | None:
    """Return the rate at the start and the highest, a second; None for no limit.

    So that `places` are sold within `sell_out_s` at `mean` a turn. Where the organiser
    says how many `per_min`, it begins with that, and that is the highest.
    """
    if per_min is not None:
        return per_min / 60, per_min / 60
    if not sell_out_s:
        return None
    start = max(places, 1.0) / (mean * sell_out_s)
    return start, 2 * start
