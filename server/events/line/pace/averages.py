"""What turns take, by those that ended: decayed averages on what was expected before.

Pure. A turn takes p·q places on average, with the variance p·(σ² + q²) - (p·q)². Of the
places that are held, 1 - c come back; while one chooses, τ of the life T of a hold goes
by, so (1 - c)·τ/T of them do meanwhile.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from server.events.line.pace.keeping import Keeping

HALF_LIFE: Final = 200
"""After so many newer ones, a sample counts half."""

STRENGTH: Final = 20
"""What was expected counts like so many samples."""

DECAY: Final = 0.5 ** (1 / HALF_LIFE)
P: Final = 0.8
KEPT: Final = 0.7
CHOOSING_S: Final = 20.0
LIFE_S: Final = 600.0

MOVED: Final = 0.05
"""The guard hears of what moved by so much of what it counts with."""

MOVED_PPM: Final = 5_000
"""Less than that is no move of what comes back, however little that is."""


class Average:
    """A decayed average."""

    __slots__ = ("_sum", "_weight")

    def __init__(self, expected: float) -> None:
        self._sum, self._weight = expected * STRENGTH, float(STRENGTH)

    def add(self, value: float, times: int = 1) -> None:
        """Count a value, so many times."""
        for _ in range(times):
            self._sum = self._sum * DECAY + value
            self._weight = self._weight * DECAY + 1

    @property
    def value(self) -> float:
        """Return the average."""
        return self._sum / self._weight


class Takes(Struct, frozen=True):
    """What the guard counts with, as `tune_line` says it."""

    mean_milli: int
    variance_milli: int
    returning_ppm: int

    def moved_from(self, other: "Takes") -> bool:
        """Return whether one of them is another by a twentieth."""
        return (
            _moved(self.mean_milli, other.mean_milli, 1)
            or _moved(self.variance_milli, other.variance_milli, 1)
            or _moved(self.returning_ppm, other.returning_ppm, MOVED_PPM)
        )


class Averages:
    """What turns of one line take; begins with what the guard counts with.

    `kept` is the share of held places that is expected to be booked.
    """

    def __init__(self, begin: Takes, kept: float = KEPT) -> None:
        mean = begin.mean_milli / 1_000
        self._held = Average(P)
        self._places = Average(mean / P)
        self._squares = Average((begin.variance_milli / 1_000 + mean * mean) / P)
        self._kept = Average(kept)
        self._choosing = Average(CHOOSING_S)
        part = begin.returning_ppm / 1_000_000
        self._life = Average((1 - kept) * CHOOSING_S / part if part else LIFE_S)
        self.samples = 0
        """Turns and holds that were counted."""
        self.keeping = Keeping()
        self._expected_kept = kept

    def chose(self, places: int, after_s: float) -> None:
        """Count a turn in which somebody held so many places, after so long."""
        self.samples += 1
        self._held.add(1)
        self._places.add(places)
        self._squares.add(places * places)
        self._choosing.add(after_s)

    def chose_nothing(self) -> None:
        """Count a turn in which nothing was held."""
        self.samples += 1
        self._held.add(0)

    def held(self, places: int, life_s: float, *, booked: bool) -> None:
        """Count a hold that ended, by its places: booked, or given back."""
        self.samples += 1
        self.keeping.end(places, life_s, booked=booked)
        self._kept.add(1 if booked else 0, places)
        self._life.add(life_s)

    @property
    def mean(self) -> float:
        """Return how many places a turn takes."""
        return self._held.value * self._places.value

    def kept_with(self, still: Iterable[tuple[int, float]]) -> float:
        """Return the share of held places that is booked, with those that are open.

        `still` are their places and how long they are held; see `Keeping`.
        """
        expected, ended = self._expected_kept, self.keeping.ended
        if not ended:
            return expected
        seen = self.keeping.share(still, expected)
        return (STRENGTH * expected + ended * seen) / (STRENGTH + ended)

    def undecided_s(self, expected: float) -> float:
        """Return how long places are held before they are booked or given back.

        `expected` is told before any were.
        """
        return self._life.value if self.keeping.ended else expected

    def takes(self) -> Takes:
        """Return what the guard is to count with."""
        mean = self.mean
        variance = max(0.0, self._held.value * self._squares.value - mean * mean)
        part = min(1.0, self._choosing.value / max(self._life.value, 0.001))
        return Takes(
            max(1, round(1_000 * mean)),
            round(1_000 * variance),
            round(1_000_000 * (1 - self._kept.value) * part),
        )


def _moved(new: int, old: int, least: int) -> bool:
    return abs(new - old) >= max(MOVED * old, least)
