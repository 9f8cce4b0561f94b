"""Words come true as often as they say, in rehearsed sales of the shipped rules.

Each sale is the same whenever it runs: a seed is a sale. What is counted are the places
that were told each word, and those of them that were given a turn with something in it.
"""

from collections import defaultdict

import pytest

from inventory.venue.map import Venue
from server.events.line.odds.words import USUAL, Word, brier, word_of
from server.events.line.rehearsal.people import Mix
from tests.scenario import hall
from tests.server.events.line.rehearsal.stages import big_hall, sale_of, stage_of

RANGES: dict[Word, tuple[float, float]] = {
    "very_unlikely": (0.0, 0.10),
    "unlikely": (0.05, 0.40),
    "about_even": (0.30, 0.70),
    "likely": (0.55, 0.95),
    "very_likely": (0.90, 1.0),
}
"""What each word says, with room at its edges: some hundred places are told each."""


def area() -> Venue:
    return hall("A 1", areas={"GA": (400, "1"), "B": (200, "2")})


def test_a_word_comes_true_as_often_as_it_says():
    """Of those who are told that it is likely, as many get one as that says."""
    by_word: dict[Word, list[tuple[float, bool]]] = defaultdict(list)
    raw: list[tuple[float, bool]] = []
    for seed in range(6):
        venue, mode = (big_hall, area)[seed & 1](), ("draw", "fifo")[seed >> 1 & 1]
        notes = sale_of(stage_of(venue, mode), seed, 700 + 40 * seed).run()
        for said in notes.said:
            chance, came = USUAL.chance(said.end), notes.served(said.user)
            by_word[word_of(chance)].append((chance, came))
            raw.append((chance, came))
    told = {word: (len(some), _share(some)) for word, some in by_word.items()}
    assert set(told) == set(RANGES)
    for word, (_, share) in told.items():
        low, high = RANGES[word]
        assert low <= share <= high, told
    # To say to all what is true in the mean is the least that one has to do better.
    mean = _share(raw)
    assert brier(raw) < 0.35 * mean * (1 - mean), (brier(raw), told)


@pytest.mark.parametrize("books", [0.55, 0.95])
def test_what_a_rehearsal_learnt_makes_the_first_words_come_true(books):
    """At the opening nothing was seen yet: there, only who rehearsed says words."""
    mix = Mix(books=books)
    stage = stage_of(big_hall())
    first = sale_of(stage, 50, 900, mix)
    first.run()
    learnt = first.learnt()
    assert learnt.kept == pytest.approx(books, abs=0.08)
    notes = sale_of(stage, 51, 800, mix, expected=learnt).run()
    opening = [
        (USUAL.chance(one.end), notes.served(one.user))
        for one in notes.said
        if one.moment == "opening"
    ]
    assert len(opening) > 100
    assert brier(opening) < 0.08


def _share(some: list[tuple[float, bool]]) -> float:
    return sum(came for _, came in some) / len(some)
