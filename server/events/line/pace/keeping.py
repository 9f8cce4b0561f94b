"""Which share of held places is booked, seen early and without a bias.

Pure. Those who book do so soon, those who forget about it let their hold run out, which
takes the longest: counting what has ended says too much is booked for as long as the
first ones did not run out. So holds that are open count, too: they are at risk for as
long as they are there (the cumulative incidence of a booking, by Aalen and Johansen).
"""

from collections.abc import Iterable
from typing import Final

BIN_S: Final = 5.0
BINS: Final = 240
"""What lasts longer is put with the last."""

FORGOTTEN: Final = 0.1
UNKNOWN: Final = 0.3
"""Of a tenth of holds nothing comes any more; of four tenths everything may."""


class Keeping:
    """Holds that ended, by how long they lasted, in places."""

    def __init__(self) -> None:
        self._booked = [0] * BINS
        self._back = [0] * BINS
        self.ended = 0
        """Holds, whatever they held."""

    def end(self, places: int, life_s: float, *, booked: bool) -> None:
        """Count a hold that ended."""
        self.ended += 1
        (self._booked if booked else self._back)[_bin_of(life_s)] += places

    def share(self, still: Iterable[tuple[int, float]], expected: float) -> float:
        """Return the share that is booked.

        `still` are the holds that are open, each its places and how long it is there.
        Of what nobody knows yet, so much is booked as was `expected`; the less that is,
        the more of it is forgotten.
        """
        leaving = [
            booked + back for booked, back in zip(self._booked, self._back, strict=True)
        ]
        censored = [0] * BINS
        for places, age_s in still:
            censored[_bin_of(age_s)] += places
        at_risk = sum(leaving) + sum(censored)
        share, open_share = 0.0, 1.0
        for booked, left, gone in zip(self._booked, leaving, censored, strict=True):
            if left:
                share += open_share * booked / at_risk
                open_share *= 1 - left / at_risk
            at_risk -= left + gone
        hopeful = max(0.0, min(1.0, (open_share - FORGOTTEN) / UNKNOWN))
        return share + open_share * expected * hopeful


def _bin_of(seconds: float) -> int:
    return min(BINS - 1, max(0, int(seconds / BIN_S)))
