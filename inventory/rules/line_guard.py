"""How many may choose at once: so many that what they want is there.

A turn takes m places on average, with variance v. A of them together take more than
A·m + z·√(A·v) once in twenty times; that is to stay below what is free, F' = F + R. R
is what running holds are expected to give back meanwhile, while no wish waits for it.
"""

from math import isqrt
from typing import Final

Z_MILLI: Final = 1_640
"""How sure it is, in thousandths of a standard deviation: 95 of 100."""

FLOOR_PERCENT: Final = 2


def most_choosing(
    free: int, mean_milli: int, variance_milli: int, returning: int = 0
) -> int:
    """Return how many may choose at once where `free` places are free.

    `returning` are those expected back. One may while anything is free, or the last
    places would never be sold. Whole numbers, so that a replay agrees everywhere.
    """
    if free <= 0:
        return 0
    expected = free + returning
    # Of z·√v and of √(z²v + 4mF'), in thousandths and rounded down: near enough to
    # begin with.
    z_root = isqrt(Z_MILLI * Z_MILLI * variance_milli // 1_000)
    root = isqrt(z_root * z_root + 4 * mean_milli * expected * 1_000)
    most = max(0, root - z_root - 2) ** 2 // (4 * mean_milli * mean_milli)
    while _are_served(most + 1, expected, mean_milli, variance_milli):
        most += 1
    return max(1, most)


def _are_served(count: int, free: int, mean_milli: int, variance_milli: int) -> bool:
    """Return whether so many find what they want: the formula above, as it stands."""
    left = 1_000 * free - count * mean_milli
    spread = Z_MILLI * Z_MILLI * count * variance_milli
    return left >= 0 and spread <= 1_000 * left * left


def expected_back(held: int, returning_ppm: int) -> int:
    """Return how many of the places that are held come back while one chooses."""
    return held * returning_ppm // 1_000_000


def wish_floor(places: int, at_least: int) -> int:
    """Return below how many free places turns go to wishes only."""
    return max(at_least, places * FLOOR_PERCENT // 100)
