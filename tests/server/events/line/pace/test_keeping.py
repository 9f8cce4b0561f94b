"""Which share of holds is booked: told early, it is no other than told late."""

import random

import pytest

from server.events.line.pace.averages import Averages, Takes
from server.events.line.pace.keeping import BINS, Keeping

LIFE_S = 600.0


def holds(count: int) -> list[tuple[float, float, bool]]:
    """Return holds that begin one a second: begin, end, and whether they are booked.

    Three of four are booked, after a minute or two; the others run out.
    """
    dice = random.Random(3)
    made = []
    for begin in range(count):
        booked = dice.random() < 0.75
        life_s = dice.uniform(30, 120) if booked else LIFE_S
        made.append((float(begin), begin + life_s, booked))
    return made


def seen_at(now: float, count: int = 2_000) -> tuple[Keeping, list[tuple[int, float]]]:
    keeping, still = Keeping(), []
    for begin, end, booked in holds(count):
        if end <= now:
            keeping.end(2, end - begin, booked=booked)
        elif begin <= now:
            still.append((2, now - begin))
    return keeping, still


@pytest.mark.parametrize("now", [150, 300, 500, 900, 2_500])
def test_what_has_not_ended_counts_too(now):
    keeping, still = seen_at(now)
    # Who forgets is a quarter here, and not a tenth: so it stays a little too hopeful.
    assert keeping.share(still, 0.7) == pytest.approx(0.75, abs=0.1)


def test_those_that_ended_alone_say_too_much():
    keeping, still = seen_at(300)
    assert still
    assert keeping.share([], 0.7) > 0.99


def test_of_what_nobody_knows_it_is_as_was_expected():
    keeping = Keeping()
    keeping.end(1, 10.0, booked=True)
    share = keeping.share([(1, 30.0)] * 99, 0.6)
    assert share == pytest.approx(0.01 + 0.99 * 0.6)


def test_places_count_and_long_ones_are_no_fault():
    keeping = Keeping()
    keeping.end(9, 20.0, booked=True)
    keeping.end(1, 20.0, booked=False)
    keeping.end(0, 10.0 * BINS, booked=False)
    assert keeping.share([], 0.5) == pytest.approx(0.9)
    assert keeping.ended == 3


def test_few_holds_move_what_was_expected_little():
    averages = Averages(Takes(1_600, 1_440, 0), kept=0.5)
    assert averages.kept_with([]) == 0.5
    averages.held(2, 40.0, booked=True)
    assert 0.5 < averages.kept_with([]) < 0.53
    for _ in range(500):
        averages.held(2, 40.0, booked=True)
    assert averages.kept_with([]) > 0.95
    assert averages.undecided_s(90.0) < 90.0
