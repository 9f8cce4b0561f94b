"""Who should own what: the same answer everywhere, and few moves."""

from collections import Counter

from server.live.cluster.membership.placement import choose

EVENTS = [f"evt_{number}" for number in range(2_000)]
FOUR = ["a.0.1", "a.1.2", "b.0.3", "c.0.4"]


def test_nobody_owns_anything_where_nobody_is():
    assert choose("evt", []) is None


def test_the_order_in_which_processes_are_known_does_not_matter():
    for event in EVENTS[:100]:
        assert (
            choose(event, FOUR) == choose(event, FOUR[::-1]) == choose(event, {*FOUR})
        )


def test_events_are_spread_evenly():
    owned = Counter(choose(event, FOUR) for event in EVENTS)
    assert set(owned) == set(FOUR)
    assert max(owned.values()) < 1.2 * min(owned.values())


def test_only_events_of_the_one_that_went_move():
    left = FOUR[:3]
    for event in EVENTS:
        before = choose(event, FOUR)
        assert before == FOUR[3] or choose(event, left) == before


def test_who_comes_back_gets_what_it_had():
    before = [choose(event, FOUR) for event in EVENTS]
    assert [choose(event, [*FOUR[1:], FOUR[0]]) for event in EVENTS] == before
