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
    "about_even": (0.30, 0.75),
    "likely": (0.55, 1.0),
    "very_likely": (0.90, 1.0),
}
"""What each word says, with room at its edges: some hundred places are told each."""


def area() -> Venue:
    return hall("A 1", areas={"GA": (400, "1"), "B": (200, "2")})


@pytest.mark.parametrize("mode", ["draw", "fifo"])
@pytest.mark.parametrize("venue", [big_hall, area])
def test_a_word_comes_true_as_often_as_it_says(venue, mode):
    """Of those who are told that it is likely, so many get one; and so for each word."""
    by_word: dict[Word, list[tuple[float, bool]]] = defaultdict(list)
    raw: list[tuple[float, bool]] = []
    for seed in range(3):
        notes = sale_of(stage_of(venue(), mode), seed, 800 + 40 * seed).run()
        for said in notes.said:
            chance, came = USUAL.chance(said.end), notes.served(said.user)
            by_word[word_of(chance)].append((chance, came))
            raw.append((chance, came))
    came = sum(came for _, came in raw) / len(raw)
    told = {word: (len(some), _share(some)) for word, some in by_word.items()}
    for word, (count, share) in told.items():
        low, high = RANGES[word]
        assert count < 25 or low <= share <= high, told
    # To say to all what is true in the mean is the least that one has to do better.
    assert brier(raw) < 0.4 * came * (1 - came), (brier(raw), told)


@pytest.mark.parametrize("books", [0.55, 0.95])
def test_what_a_rehearsal_learnt_makes_the_first_words_come_true(books):
    """At the opening nothing was seen yet: there, only who rehearsed says words."""
    mix = Mix(books=books)
    stage = stage_of(big_hall())
    first = sale_of(stage, 50, 900, mix)
    first.run()
    learnt = first.learnt()
    assert learnt.kept == pytest.approx(books, abs=0.08)
    scores = []
    for seed in range(51, 53):
        notes = sale_of(stage, seed, 900, mix, expected=learnt).run()
        opening = [one for one in notes.said if one.moment == "opening"]
        assert opening
        scores += [
            (USUAL.chance(one.end), notes.served(one.user))
            for one in opening
        ]
    assert brier(scores) < 0.08


def _share(some: list[tuple[float, bool]]) -> float:
    return sum(came for _, came in some) / len(some)
