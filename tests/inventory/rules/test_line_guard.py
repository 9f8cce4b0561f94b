"""How many may choose at once, counted again with fractions."""

from fractions import Fraction
from math import floor, sqrt

import pytest

from inventory.rules.line_guard import expected_back, most_choosing, wish_floor


def enough(count: int, free: int, mean: int, variance: int) -> bool:
    left = free - Fraction(mean, 1_000) * count
    return left >= 0 and (
        Fraction(164, 100) ** 2 * count * Fraction(variance, 1_000) <= left**2
    )


@pytest.mark.parametrize("mean", [1, 500, 1_600, 2_176, 12_000])
@pytest.mark.parametrize("variance", [0, 250, 1_440, 50_000])
def test_one_more_would_be_too_many(mean, variance):
    for free in [*range(1, 60), 317, 4_000, 99_999]:
        most = most_choosing(free, mean, variance)
        assert most == 1 or enough(most, free, mean, variance)
        assert not enough(most + 1, free, mean, variance)


def test_it_is_the_formula_of_the_design():
    for free in range(50, 5_000, 173):
        m, v, z = 1.6, 1.44, 1.64
        root = sqrt(z * z * v + 4 * m * free)
        assert most_choosing(free, 1_600, 1_440) == floor(
            ((root - z * sqrt(v)) / (2 * m)) ** 2
        )


def test_one_may_choose_while_anything_is_free():
    assert most_choosing(1, 50_000, 10**9) == 1
    assert most_choosing(0, 1_600, 1_440) == 0
    # What may come back is nothing that one could choose.
    assert most_choosing(0, 1_600, 1_440, returning=50) == 0


def test_what_comes_back_counts_as_free():
    assert most_choosing(100, 1_600, 1_440, 20) == most_choosing(120, 1_600, 1_440)
    assert expected_back(1_000, 150_000) == 150
    assert expected_back(3, 100_000) == 0


def test_more_free_never_means_fewer():
    found = [most_choosing(free, 1_600, 1_440) for free in range(3_000)]
    assert found == sorted(found)


def test_the_last_fiftieth_is_for_wishes():
    assert wish_floor(20_000, 20) == 400
    assert wish_floor(500, 20) == 20
    assert wish_floor(500, 0) == 10
