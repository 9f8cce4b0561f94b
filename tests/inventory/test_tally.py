"""What an actor did is counted by the batch."""

from inventory.ports import Expiry, Publication
from inventory.tally import TIMES_MAX, Tally


def publication(expired=0):
    holds = [Expiry("user", "hold", [], {}) for _ in range(expired)]
    return Publication("e", "h", 1, 0, 1, (), b"", {}, None, holds)


def test_batches_add_up_and_what_they_took_is_told_once():
    tally = Tally()
    tally.committed(3, 0.002, publication(), 0)
    tally.committed(4, 0.001, publication(expired=2), 3)
    assert (tally.commands, tally.commits, tally.expired) == (7, 2, 2)
    assert tally.released == 3
    assert tally.take_times() == [0.001, 0.002]
    assert tally.take_times() == []


def test_nobody_who_looks_keeps_no_more_than_the_latest():
    tally = Tally()
    for took in range(TIMES_MAX + 5):
        tally.committed(1, float(took), publication(), 0)
    assert tally.take_times()[0] == 5.0
    assert tally.commits == TIMES_MAX + 5


def test_refusals_are_counted_by_their_code():
    tally = Tally()
    for code in ("seat_not_free", "overloaded", "seat_not_free"):
        tally.refuse(code)
    assert tally.refused == {"seat_not_free": 2, "overloaded": 1}
