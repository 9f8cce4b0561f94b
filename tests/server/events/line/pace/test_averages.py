"""What turns take: expected at first, then as seen; and that few find too little."""

import heapq
import random
from typing import Any

import pytest

from inventory.line.line import MEAN_MILLI, VARIANCE_MILLI
from inventory.rules.line_guard import expected_back, most_choosing
from server.events.line.pace.averages import Average, Averages, Takes
from server.events.line.pace.rate import Rate

BEGIN = Takes(MEAN_MILLI, VARIANCE_MILLI, 0)


def test_without_turns_it_is_what_the_guard_counts_with():
    takes = Averages(BEGIN).takes()
    assert (takes.mean_milli, takes.variance_milli) == (MEAN_MILLI, VARIANCE_MILLI)
    other = Takes(2_900, 700, 45_000)
    assert Averages(other).takes() == other


def test_after_two_hundred_newer_ones_a_sample_counts_half():
    average = Average(0.0)
    for _ in range(2_000):
        average.add(0.0)
    average.add(1.0)
    first = average.value
    for _ in range(200):
        average.add(0.0)
    assert average.value == pytest.approx(first / 2, rel=0.01)


def test_it_comes_to_what_turns_take():
    averages, choose = Averages(BEGIN), random.Random(1)
    for _ in range(3_000):
        if choose.random() < 0.5:
            averages.chose(choose.choice([3, 5]), after_s=30)
        else:
            averages.chose_nothing()
    takes = averages.takes()
    assert takes.mean_milli == pytest.approx(2_000, rel=0.1)
    # Of 0, 3 and 5: half of 9 and 25, less the square of 2.
    assert takes.variance_milli == pytest.approx(4_500, rel=0.1)


def test_what_comes_back_is_of_those_who_book_not_while_one_chooses():
    averages = Averages(BEGIN)
    for _ in range(400):
        averages.chose(2, after_s=30)
        averages.held(2, 120, booked=False)
        averages.held(2, 120, booked=True)
    # Half comes back, a quarter of that while one chooses.
    assert averages.takes().returning_ppm == pytest.approx(125_000, rel=0.05)
    for _ in range(2_000):
        averages.held(2, 10, booked=False)
    # Never more than all of it.
    assert averages.takes().returning_ppm == pytest.approx(1_000_000, rel=0.05)


def test_a_hold_counts_by_its_places():
    averages = Averages(BEGIN)
    for _ in range(400):
        averages.held(9, 30, booked=True)
        averages.held(1, 30, booked=False)
    assert averages.takes().returning_ppm < 110_000


def test_the_guard_hears_of_a_twentieth_and_not_of_less():
    assert not Takes(1_640, 1_440, 0).moved_from(BEGIN)
    assert Takes(1_680, 1_440, 0).moved_from(BEGIN)
    assert Takes(1_600, 1_360, 0).moved_from(BEGIN)
    assert not Takes(1_600, 1_440, 4_999).moved_from(BEGIN)
    assert Takes(1_600, 1_440, 5_000).moved_from(BEGIN)


class Sale:
    """A sale by turns on a clock of its own: `books` of holds are booked."""

    def __init__(self, seed, *, seats=4_000, people=9_000, books=0.75, returns=False):
        self.choose = random.Random(seed)
        self.free, self.people, self.books, self.returns = seats, people, books, returns
        self.held = self.choosing = self.turns = self.too_few = 0
        self.averages, self.told = Averages(BEGIN), BEGIN
        self.due: list[Any] = []
        start = 1_000 * seats / (MEAN_MILLI * 900)
        self.rate, self.now = Rate(start, 2 * start, 0.0), 0.0

    def run(self):
        while (self.people and self.free) or self.due:
            self.now += 0.25
            self.tell()
            self.give()
            if self.rate.is_due(self.now):
                self.rate.move(self.now, congested=False)
            while self.due and self.due[0][0] <= self.now:
                _, _, what, *of = heapq.heappop(self.due)
                what(*of)
        return self

    def tell(self):
        takes = self.averages.takes()
        if takes.moved_from(self.told):
            self.told = takes

    def most(self):
        back = expected_back(self.held, self.told.returning_ppm) * self.returns
        told = self.told
        return most_choosing(self.free, told.mean_milli, told.variance_milli, back)

    def give(self):
        for _ in range(self.rate.allowed(self.now)):
            if not self.people or self.choosing >= self.most():
                break
            self.people -= 1
            self.choosing += 1
            self.turns += 1
            self.rate.gave(1)
            after = self.choose.expovariate(1 / 30)
            self.later(min(after, 180.0), self.hold, min(after, 180.0))

    def later(self, after, what, *of):
        entry = (self.now + after, self.choose.random(), what, *of)
        heapq.heappush(self.due, entry)

    def hold(self, after):
        self.choosing -= 1
        if self.choose.random() >= 0.85:
            self.averages.chose_nothing()
            return
        places = self.choose.choices([1, 2, 3, 4], [14, 42, 18, 26])[0]
        if places > self.free:
            # Whoever finds fewer takes those; who finds none has nothing to take.
            self.too_few += 1
            places = self.free
        if not places:
            self.averages.chose_nothing()
            return
        self.free -= places
        self.held += places
        self.averages.chose(places, after)
        life, booked = self.choose.uniform(30, 300), self.choose.random() < self.books
        self.later(life, self.end, places, life, booked)
        self.rate.checked_out(after + life)

    def end(self, places, life, booked):
        self.held -= places
        self.averages.held(places, life, booked=booked)
        if not booked:
            self.free += places


@pytest.mark.parametrize(
    ("more", "at_most"),
    [
        ({}, 0.003),
        ({"books": 0.5}, 0.003),
        ({"returns": True}, 0.003),
        # What is to come back comes later than who counts on it, at the very end.
        ({"returns": True, "books": 0.5}, 0.012),
    ],
    ids=["75 book", "50 book", "returns counted", "returns counted, 50 book"],
)
def test_few_turns_find_too_little_and_all_is_sold(more, at_most):
    """The table of section 6.1: a few tenths of a percent of turns, of three seeds."""
    sales = [Sale(seed, **more).run() for seed in range(3)]
    assert [sale.free for sale in sales] == [0, 0, 0]
    few, turns = sum(s.too_few for s in sales), sum(s.turns for s in sales)
    assert few <= at_most * turns, f"{few} of {turns}"
