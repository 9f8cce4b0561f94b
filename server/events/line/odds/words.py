"""Odds in words, and the correction that makes them come true as often as they say.

Pure. What the model says is well ordered and too sure of itself; a logistic correction,
fitted on what came of earlier predictions, is between it and whoever is told.
"""

from collections.abc import Sequence
from math import exp, log
from typing import Final, Literal

from msgspec import Struct

Word = Literal["very_unlikely", "unlikely", "about_even", "likely", "very_likely"]

LEAST: Final[tuple[tuple[float, Word], ...]] = (
    (0.90, "very_likely"),
    (0.65, "likely"),
    (0.35, "about_even"),
    (0.10, "unlikely"),
    (0.0, "very_unlikely"),
)
"""From which chance on each word is said."""

ORDER: Final[tuple[Word, ...]] = tuple(word for _, word in reversed(LEAST))
SURE: Final = 0.999
"""Nobody is told more before the seats are held, or less while it can be."""

ROUNDS: Final = 50
LEAST_WEIGHT: Final = 0.05
LEAST_SLOPE: Final = 0.05
RIDGE: Final = 4.0
"""How many predictions the fit needs before it trusts them more than the usual
correction."""


class Calibration(Struct, frozen=True):
    """What comes true has log odds of `shift` + `slope` times those of the model."""

    shift: float
    slope: float

    def chance(self, raw: float) -> float:
        """Return the chance that is told; 0 stays 0, and nothing is ever certain."""
        if raw <= 0.0:
            return 0.0
        told = _chance_of(self.shift + self.slope * _log_odds(raw))
        return min(SURE, max(1 - SURE, told))


USUAL: Final = Calibration(-0.8, 0.9)
"""Fitted on rehearsals of halls and areas, of which three in four holds were booked."""


def word_of(chance: float) -> Word:
    """Return the word for a chance."""
    for least, word in LEAST:
        if chance >= least:
            return word
    raise ValueError(chance)


def brier(predicted: Sequence[tuple[float, bool]]) -> float:
    """Return the mean of the squared misses: 0 is always right, 0.25 a coin's."""
    if not predicted:
        raise ValueError("nothing was predicted")
    return sum((chance - came) ** 2 for chance, came in predicted) / len(predicted)


def fitted(predicted: Sequence[tuple[float, bool]], usual: Calibration) -> Calibration:
    """Return the correction under which raw predictions come true as they say.

    By Newton's method on the likelihood, held near the usual one while there are few.
    """
    samples = [(_log_odds(raw), came) for raw, came in predicted if raw > 0]
    shift, slope = usual.shift, usual.slope
    for _ in range(ROUNDS):
        to_shift = RIDGE * (usual.shift - shift)
        to_slope = RIDGE * (usual.slope - slope)
        of_shift = of_slope = RIDGE
        both = 0.0
        for at, came in samples:
            chance = _chance_of(shift + slope * at)
            # Held above nothing: where all is said surely a step would go anywhere.
            weight = max(chance * (1 - chance), LEAST_WEIGHT)
            to_shift += came - chance
            to_slope += (came - chance) * at
            of_shift += weight
            of_slope += weight * at * at
            both += weight * at
        size = of_shift * of_slope - both * both
        shift += (of_slope * to_shift - both * to_slope) / size
        slope += (of_shift * to_slope - both * to_shift) / size
    return Calibration(shift, max(slope, LEAST_SLOPE))


def _chance_of(log_odds: float) -> float:
    return 1 / (1 + exp(-min(30.0, max(-30.0, log_odds))))


def _log_odds(raw: float) -> float:
    chance = min(SURE, max(1 - SURE, raw))
    return log(chance / (1 - chance))
