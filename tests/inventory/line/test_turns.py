"""Open turns and their ends."""

import pytest

from inventory.changes import TurnGiven
from inventory.line.turns import Turns
from inventory.records import Corrupt

HOUR_MS = 3_600_000


def given(rank: int, user: str, until_ms: int) -> TurnGiven:
    return TurnGiven(rank, user, "line", until_ms)


def test_a_turn_lasts_five_seconds_longer_than_promised():
    turns = Turns()
    turns.give(given(1, "ann", 10_000))
    assert turns.lets("ann", 14_999)
    assert not turns.lets("ann", 15_000)
    assert not turns.lets("bob", 0)
    assert turns.next_end() == (15_000, "ann")
    assert turns.due(14_999, 10) == []
    assert turns.due(15_000, 10) == [1]
    # Asked again, it says the same: it is due until it ends.
    assert turns.due(15_000, 10) == [1]


def test_a_turn_with_a_hold_has_no_end_of_its_own():
    turns = Turns()
    turns.give(given(1, "ann", 10_000))
    turns.note_holding("ann", holding=True)
    assert turns.next_end() is None
    turns.note_holding("ann", holding=False)
    assert turns.next_end() == (15_000, "ann")


def test_the_moved_end_counts_and_the_former_does_not():
    turns = Turns()
    turns.give(given(1, "ann", 10_000))
    turns.give(given(2, "bob", 11_000))
    turns.extend(1, "ann", 12_000)
    assert turns.next_end() == (16_000, "bob")
    turns.keep(20_000)
    assert turns.next_end() == (25_000, "ann")
    with pytest.raises(Corrupt):
        turns.extend(1, "ann", 19_000)


def test_one_user_has_one_turn_and_ends_it_once():
    turns = Turns()
    turns.give(given(1, "ann", 10_000))
    with pytest.raises(Corrupt):
        turns.give(given(2, "ann", 10_000))
    with pytest.raises(Corrupt):
        turns.end(2, "ann", "booked", 0)
    turns.end(1, "ann", "booked", 0)
    assert not turns.ran_out("ann")
    with pytest.raises(Corrupt):
        turns.end(1, "ann", "booked", 0)


def test_who_ran_out_of_time_is_known_for_an_hour():
    turns = Turns()
    turns.give(given(1, "ann", 10_000))
    turns.end(1, "ann", "ran_out", 15_000)
    assert turns.ran_out("ann")
    turns.note_over("bob", 15_000 + HOUR_MS)
    assert turns.ran_out("ann")
    turns.note_over("cat", 15_001 + HOUR_MS)
    assert not turns.ran_out("ann")
    assert turns.ran_out("bob")


def test_a_turn_outside_the_line_is_the_longest_that_was_granted():
    turns = Turns()
    turns.grant("ann", 10_000, 0)
    turns.grant("ann", 5_000, 0)
    assert turns.lets("ann", 14_999)
    assert not turns.lets("ann", 15_000)
    turns.grant("bob", 10_000 + 2 * HOUR_MS, 20_000 + HOUR_MS)
    assert set(turns.granted) == {"bob"}


def test_holding_and_letting_go_for_ever_takes_no_more_room():
    turns = Turns()
    turns.give(given(1, "ann", 10_000))
    for _ in range(5_000):
        turns.note_holding("ann", holding=True)
        turns.note_holding("ann", holding=False)
    assert len(turns.deadlines) < 2_000
    assert turns.next_end() == (15_000, "ann")
