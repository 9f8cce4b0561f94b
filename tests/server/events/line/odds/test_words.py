"""Words for chances, and the correction between the model and whoever is told."""

import random

import pytest

from server.events.line.odds.words import (
    ORDER,
    SURE,
    USUAL,
    Calibration,
    brier,
    fitted,
    word_of,
)

SAME = Calibration(0.0, 1.0)


def test_five_words_that_rise_with_the_chance():
    told = [word_of(number / 1_000) for number in range(1_001)]
    assert list(dict.fromkeys(told)) == list(ORDER)
    assert [word_of(one) for one in (0.0999, 0.1, 0.35, 0.65, 0.9)] == [
        "very_unlikely",
        *ORDER[1:],
    ]


def test_nothing_is_certain_and_only_what_cannot_be_is_none():
    for calibration in (SAME, USUAL, Calibration(9.0, 2.0), Calibration(-9.0, 2.0)):
        assert calibration.chance(0.0) == 0.0
        for raw in (1e-12, 0.2, 0.9, 1.0):
            assert 1 - SURE <= calibration.chance(raw) + 1e-9 <= SURE + 2e-9
    assert SAME.chance(0.3) == pytest.approx(0.3)


def test_a_correction_keeps_the_order():
    chances = [USUAL.chance(number / 100) for number in range(101)]
    assert chances == sorted(chances)


def test_what_was_too_sure_of_itself_is_corrected():
    """Predictions that double the true log odds, and are a half too high."""
    dice = random.Random(7)
    true = Calibration(-0.5, 0.5)
    said = [dice.random() for _ in range(6_000)]
    seen = [(raw, dice.random() < true.chance(raw)) for raw in said]
    found = fitted(seen, SAME)
    assert found.shift == pytest.approx(true.shift, abs=0.1)
    assert found.slope == pytest.approx(true.slope, abs=0.1)
    corrected = [(found.chance(raw), came) for raw, came in seen]
    assert brier(corrected) < brier(seen) - 0.01


def test_few_predictions_change_little():
    assert fitted([], USUAL) == USUAL
    found = fitted([(0.9, False)], USUAL)
    assert abs(found.shift - USUAL.shift) < 0.3


@pytest.mark.parametrize("came", [True, False])
def test_a_fit_of_what_always_or_never_came_ends(came):
    found = fitted([(0.999, came)] * 3_000 + [(0.001, came)] * 3_000, SAME)
    assert (found.chance(0.5) > 0.9) is came
    assert found.slope > 0


def test_the_score_of_a_coin_is_a_quarter():
    assert brier([(0.5, True), (0.5, False)]) == 0.25
    assert brier([(1.0, True)]) == 0.0
    with pytest.raises(ValueError, match="nothing"):
        brier([])
