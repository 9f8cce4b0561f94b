"""Windows and orphans at round tables, and who is alone beside whom."""

from math import cos, pi, sin

import pytest

from inventory.venue.finder import SeatFinder
from inventory.venue.map import Point, Seat
from tests.inventory.venue.test_finder import draw, rows, venue_of, with_taken


def around(marks: str) -> SeatFinder:
    """A round table whose first seat is the nearest to the stage."""
    step = 2 * pi / len(marks)
    seats = [
        Seat(
            index=place,
            label=f"T-{place}",
            row="T",
            number=str(place),
            category="a",
            x=round(10 * sin(place * step), 3),
            y=round(-10 * cos(place * step), 3),
            accessible=mark == "w",
            companion=mark == "c",
            restricted=mark == "r",
        )
        for place, mark in enumerate(marks)
    ]
    venue = venue_of(seats, ["a"], Point(0.0, -100.0))
    assert venue.rings == {0}
    finder = SeatFinder(venue)
    finder.take([place for place, mark in enumerate(marks) if mark == "x"])
    return finder


@pytest.mark.parametrize(
    ("marks", "quantity", "expected"),
    [
        pytest.param("........", 3, {7, 0, 1}, id="over-the-end-of-the-list"),
        pytest.param("........", 8, {*range(8)}, id="the-whole-table"),
        pytest.param("........", 9, None, id="no-more-than-the-table"),
        pytest.param("...xxx..", 5, {6, 7, 0, 1, 2}, id="all-that-is-left"),
        pytest.param("...xxx..", 4, {6, 7, 0, 1}, id="an-orphan-if-need-be"),
        pytest.param("..xx..xx", 2, {0, 1}, id="not-across-the-table"),
        pytest.param("w.xxxx..", 2, {6, 7}, id="an-accessible-seat-is-no-bridge"),
        pytest.param("r.xxx...", 3, {5, 6, 7}, id="restricted-view-last"),
    ],
)
def test_best_at_a_round_table(marks, quantity, expected):
    found = around(marks).best(quantity)
    assert (None if found is None else set(found)) == expected


@pytest.mark.parametrize(
    ("marks", "taken", "orphaned"),
    [
        pytest.param("......", [1, 5], [0], id="between-two-over-the-end"),
        pytest.param("......", [0, 1, 2, 3, 4], [5], id="all-but-one"),
        pytest.param("......", [0, 1, 2, 3], [], id="two-stay"),
        pytest.param("x.....", [4], [5], id="beside-a-taken-one"),
        pytest.param("w....x", [2], [], id="an-accessible-seat-is-company"),
    ],
)
def test_orphans_at_a_round_table(marks, taken, orphaned):
    assert around(marks).orphans(taken) == orphaned


@pytest.mark.parametrize(
    ("text", "kept", "freed", "alone"),
    [
        pytest.param(".xx..", [1, 2], [], [0], id="was-left-by-others"),
        pytest.param("..xx.", [2, 3], [], [4], id="on-the-right"),
        pytest.param("xxx..", [1, 2], [0], [0], id="given-back-at-the-end"),
        pytest.param("xxx..", [0, 1], [2], [], id="given-back-beside-free-seats"),
        pytest.param("xxxx", [2, 3], [0, 1], [], id="two-given-back"),
        pytest.param("xxx..", [0, 2], [1], [1], id="given-back-in-the-middle"),
        pytest.param("x.x..", [4], [], [], id="not-beside-those-kept"),
        pytest.param("wxx..", [1, 2], [], [], id="an-accessible-seat-may-be-alone"),
    ],
)
def test_alone_beside_what_is_kept(text, kept, freed, alone):
    drawn = rows(text)
    finder = with_taken(drawn, draw(*drawn))
    assert finder.alone_beside(kept, freed) == alone
