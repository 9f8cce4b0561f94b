"""Rows listed in every order, and seats around tables: neighbours are who sit together.

Each test names seats by where they are, lists them in some order, and looks for the
runs by where they are again.
"""

import random
from math import cos, pi, sin

import pytest

from inventory.venue.chart import read_chart
from inventory.venue.finder import SeatFinder
from inventory.venue.map import Venue
from inventory.venue.rows import WALKED_SEATS_MAX
from tests import charts
from tests.inventory.venue.test_map import line, venue_of

Points = list[tuple[float, float]]


def arc(seats: int, degrees: float, radius: float = 100.0) -> Points:
    """Seats on a part of a circle, the first at its rightmost place."""
    step = degrees / 180 * pi / (seats - 1)
    return [(radius * cos(i * step), radius * sin(i * step)) for i in range(seats)]


def table(seats: int) -> Points:
    step = 2 * pi / seats
    return [(30 * cos(i * step), 30 * sin(i * step)) for i in range(seats)]


def listed(points: Points, order: list[int]) -> list[list[int]]:
    """The runs of a row whose seats are listed in this order, by places in `points`."""
    venue = venue_of([points[place] for place in order])
    return [[order[index] for index in run] for run in venue.segments]


def either_way(runs: list[list[int]]) -> list[list[int]]:
    return sorted(min(run, run[::-1]) for run in runs)


# Where each seat is from the left, in the order of the list.
@pytest.mark.parametrize(
    ("xs", "expected"),
    [
        pytest.param([3, 2, 1, 0, 4, 5, 6, 7], [[*range(8)]], id="1357-and-2468"),
        pytest.param([3, 4, 2, 5, 1, 6, 0, 7], [[*range(8)]], id="from-the-middle"),
        pytest.param([0, 2, 4, 6, 1, 3, 5], [[*range(7)]], id="odd-before-even"),
        pytest.param([6, 4, 2, 0, 1, 3, 5], [[*range(7)]], id="odd-left-even-right"),
        pytest.param([0, 1, 3, 2, 4, 5], [[*range(6)]], id="two-exchanged"),
        pytest.param([5, 4, 3, 2, 1, 0], [[*range(6)]], id="from-the-right"),
        pytest.param(
            [2, 1, 0, 5, 6, 7], [[0, 1, 2], [5, 6, 7]], id="both-sides-of-an-aisle"
        ),
        pytest.param(
            [0, 2, 7, 9, 1, 3, 6, 8],
            [[0, 1, 2, 3], [6, 7, 8, 9]],
            id="odd-before-even-beside-an-aisle",
        ),
    ],
)
def test_a_row_is_walked_from_the_left_however_it_is_listed(xs, expected):
    points = [(20.0 * x, 0.0) for x in range(10)]
    assert either_way(listed(points, xs)) == expected
    upright = [(y, x) for x, y in points]
    assert either_way(listed(upright, xs)) == expected
    slanted = [(x, 0.9 * x) for x, _ in points]
    assert either_way(listed(slanted, xs)) == expected


@pytest.mark.parametrize("degrees", [30, 120, 180, 240, 300])
@pytest.mark.parametrize("seed", range(3))
def test_a_bent_row_is_walked_along_its_bend(degrees, seed):
    points = arc(24, degrees)
    order = list(range(24))
    random.Random(seed).shuffle(order)
    assert either_way(listed(points, order)) == [list(range(24))]


def test_staggered_seats_are_one_run_in_any_order():
    points = [(15.0 * i, 12.0 * (i % 2)) for i in range(9)]
    odd_first = [*range(0, 9, 2), *range(1, 9, 2)]
    assert either_way(listed(points, odd_first)) == [list(range(9))]


@pytest.mark.parametrize("across", [4, 6, 12])
def test_two_lines_of_one_name_stay_two_runs(across):
    points = [(20.0 * i, y) for y in (0.0, 20.0) for i in range(across)]
    runs = listed(points, list(range(2 * across)))
    front, back = list(range(across)), list(range(across, 2 * across))
    assert either_way(runs) == [front, back]


@pytest.mark.parametrize("seats", [3, 4, 5, 6, 8, 10, 12, 20])
@pytest.mark.parametrize("seed", range(3))
def test_seats_around_a_table_are_a_ring_in_any_order(seats, seed):
    points = table(seats)
    order = list(range(seats))
    random.Random(seed).shuffle(order)
    for one in (list(range(seats)), order):
        venue = venue_of([points[place] for place in one])
        assert venue.rings == {0}
        (run,) = [[one[index] for index in run] for run in venue.segments]
        for a, b in zip(run, run[1:] + run[:1], strict=True):
            assert (a - b) % seats in (1, seats - 1)


@pytest.mark.parametrize(
    "points",
    [
        pytest.param(line(0, 20, 40), id="three-in-a-row"),
        pytest.param([(0.0, 0.0), (15.0, 12.0), (30.0, 0.0)], id="three-staggered"),
        pytest.param(line(0, 20), id="a-table-for-two"),
        pytest.param(table(8)[:6], id="a-table-with-an-open-side"),
        pytest.param(arc(20, 300), id="a-horseshoe"),
        pytest.param([(5.0, 5.0)] * 4, id="on-one-spot"),
    ],
)
def test_what_does_not_close_is_no_ring(points):
    assert venue_of(points).rings == set()


def test_a_list_that_crosses_a_table_is_walked_around_it():
    venue = venue_of([(0.0, 0.0), (20.0, 20.0), (20.0, 0.0), (0.0, 20.0)])
    assert venue.rings == {0}
    assert venue.segments in ([[0, 2, 1, 3]], [[0, 3, 1, 2]])


def test_a_round_row_with_aisles_is_cut_at_them_and_nowhere_else():
    around = arc(25, 360)[:24]
    points = [point for i, point in enumerate(around) if i not in (5, 17)]
    venue = venue_of(points)
    assert venue.rings == set()
    assert either_way(venue.segments) == sorted(
        [list(range(5, 16)), [4, 3, 2, 1, 0, *range(21, 15, -1)]]
    )


def test_a_table_among_rows_is_the_only_ring():
    far = [(x + 500, y) for x, y in table(6)]
    venue = venue_of(line(0, 20, 40), far, line(0, 20, 40, y=60))
    assert [venue.segments[number] for number in venue.rings] == [[3, 4, 5, 6, 7, 8]]


def test_tables_of_a_chart_are_rings():
    venue = Venue(read_chart(charts.load("supper")))
    assert [
        [venue.labels[index] for index in venue.segments[number]]
        for number in sorted(venue.rings)
    ] == [["T1-1", "T1-2", "T1-3", "T1-4"]]


def test_tables_of_a_real_chart_are_rings():
    venue = Venue(read_chart(charts.real("tables")))
    assert sorted(len(venue.segments[number]) for number in venue.rings) == [6]


def test_a_row_that_is_too_long_is_taken_as_it_is_listed():
    count = WALKED_SEATS_MAX + 1
    points = line(*range(0, 20 * count, 20))
    assert listed(points[1:], [*range(0, count - 1, 2), *range(1, count - 1, 2)]) == [
        list(range(count - 1))
    ]
    odd_first = [*range(0, count, 2), *range(1, count, 2)]
    assert max(map(len, listed(points, odd_first))) < count


def test_who_sits_together_is_found_together():
    """A row with 1 3 5 7 to the left and 2 4 6 8 to the right of its middle."""
    xs = [-10, -30, -50, -70, 10, 30, 50, 70]
    names = ["1", "3", "5", "7", "2", "4", "6", "8"]
    finder = SeatFinder(venue_of(line(*xs, y=50)))
    two, five = finder.best(2), finder.best(5)
    assert two is not None
    assert five is not None
    assert {names[index] for index in two} == {"1", "2"}
    assert len(five) == 5
    assert finder.orphans([1]) == []
    finder.take([1])
    assert [names[index] for index in finder.orphans([4])] == ["1"]
