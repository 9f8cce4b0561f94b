"""Budgets in a sliding window: what is let through, when again, and by whom counted."""

import random

import pytest

from server.transport.ratelimit.sliding_windows import (
    SLOT_S,
    TOLD_AT_ONCE_MAX,
    UNITS,
    WINDOW_S,
    SlidingWindows,
)

T0 = 1_000.0 * WINDOW_S
CHEAP = 1


def taken(windows, count, now_s, key="a", cost=UNITS):
    """How many of these requests are let through."""
    return sum(windows.take(key, now_s, cost).allowed for _ in range(count))


def test_a_budget_is_used_up_and_another_client_has_its_own():
    windows = SlidingWindows(100)
    assert taken(windows, 150, T0) == 100
    assert taken(windows, 150, T0, key="b") == 100


def test_a_cheap_request_costs_a_tenth():
    windows = SlidingWindows(100)
    assert taken(windows, 2_000, T0, cost=CHEAP) == 1_000
    assert taken(windows, 1, T0) == 0


@pytest.mark.parametrize("burst", [1, 7, 100])
def test_no_window_wherever_it_begins_sees_more_than_the_budget(burst):
    windows, chance = SlidingWindows(100), random.Random(burst)
    let_through, now_s = [], T0 + 123.4
    while now_s < T0 + 5 * WINDOW_S:
        now_s += burst * chance.random() * 10
        let_through += [now_s] * taken(windows, burst, now_s)
    assert len(let_through) >= 400
    for first in let_through:
        assert sum(first <= at < first + WINDOW_S for at in let_through) <= 100


def test_what_was_used_comes_back_slot_by_slot_and_at_most_a_minute_late():
    windows = SlidingWindows(100)
    assert taken(windows, 60, T0 + 1) == 60
    assert taken(windows, 60, T0 + 5 * SLOT_S) == 40
    assert taken(windows, 60, T0 + WINDOW_S) == 0
    assert taken(windows, 200, T0 + WINDOW_S + SLOT_S) == 60
    assert taken(windows, 200, T0 + WINDOW_S + 6 * SLOT_S) == 40
    assert taken(windows, 200, T0 + 4 * WINDOW_S) == 100


def test_a_client_may_come_again_when_it_was_told_to_and_not_much_sooner():
    chance = random.Random(7)
    refused = 0
    for _ in range(300):
        windows = SlidingWindows(chance.randint(1, 20))
        now_s = T0 + chance.random() * WINDOW_S
        for _ in range(60):
            now_s += chance.choice([0, 1, 10, 200]) * chance.random()
            cost = chance.choice([CHEAP, UNITS])
            verdict = windows.take("a", now_s, cost)
            if verdict.allowed:
                assert verdict.retry_after_s == 0
                continue
            refused += 1
            wait_s = verdict.retry_after_s
            assert 1 <= wait_s <= WINDOW_S + SLOT_S
            if wait_s > 2:
                assert not windows.take("a", now_s + wait_s - 2, cost).allowed
            now_s += wait_s
            assert windows.take("a", now_s, cost).allowed
    assert refused > 300


def test_a_refused_request_costs_nothing():
    windows = SlidingWindows(10)
    assert taken(windows, 500, T0) == 10
    assert taken(windows, 500, T0 + WINDOW_S / 2) == 0
    assert taken(windows, 500, T0 + WINDOW_S + SLOT_S) == 10


@pytest.mark.parametrize("used", [991, 995, 999])
def test_what_is_left_is_enough_for_any_request_and_nothing_left_for_none(used):
    windows = SlidingWindows(100)
    last = [windows.take("a", T0, CHEAP) for _ in range(used)][-1]
    assert last.remaining == 1
    whole = windows.take("a", T0)
    assert whole.allowed
    assert whole.remaining == 0
    for cost in (UNITS, CHEAP):
        refused = windows.take("a", T0, cost)
        assert not refused.allowed
        assert refused.retry_after_s == WINDOW_S + SLOT_S


def test_whoever_is_told_of_one_more_has_one_more():
    windows, chance, before = SlidingWindows(20), random.Random(3), 20
    for _ in range(400):
        verdict = windows.take("a", T0, chance.choice([CHEAP, UNITS]))
        assert verdict.allowed == (before > 0)
        assert verdict.remaining <= before
        before = verdict.remaining


def test_the_headers_tell_where_a_client_stands():
    windows = SlidingWindows(3)
    first = windows.take("a", T0 + 40)
    assert first.headers() == {
        "RateLimit-Limit": "3",
        "RateLimit-Remaining": "2",
        "RateLimit-Reset": str(WINDOW_S + SLOT_S - 40),
    }
    taken(windows, 2, T0 + 40)
    last = windows.take("a", T0 + 40)
    assert last.remaining == 0
    assert last.headers()["Retry-After"] == str(last.retry_after_s)
    for verdict in (first, last):
        lines = dict(line.split(": ") for line in verdict.lines().split("\r\n")[:-1])
        assert lines == verdict.headers()


def test_a_clock_that_is_set_back_takes_nothing_from_anybody():
    windows = SlidingWindows(10)
    assert taken(windows, 4, T0) == 4
    assert taken(windows, 20, T0 - 2 * WINDOW_S) == 6
    assert taken(windows, 1, T0) == 0


def test_the_table_stays_within_its_bound_and_forgets_who_was_quiet():
    windows = SlidingWindows(1, keys_max=2)
    taken(windows, 1, T0, "a")
    taken(windows, 1, T0, "b")
    taken(windows, 1, T0 + SLOT_S, "a")
    taken(windows, 1, T0 + SLOT_S, "c")
    assert len(windows) == 2
    assert taken(windows, 1, T0 + SLOT_S, "a") == 0
    assert taken(windows, 1, T0 + SLOT_S, "b") == 1


def exchange(processes):
    for one in processes:
        for use in one.untold():
            for other in processes:
                if other is not one:
                    other.add(use)


def test_processes_that_tell_each_other_let_through_one_budget():
    processes = [SlidingWindows(100) for _ in range(4)]
    for one in processes:
        one.shared = True
    let_through = 0
    for second in range(100):
        for one in processes:
            let_through += taken(one, 5, T0 + second)
        exchange(processes)
    # At most what all take within the second in which the budget ends.
    assert 100 <= let_through <= 100 + 3 * 5
    assert all(taken(one, 1, T0 + 101) == 0 for one in processes)


def test_processes_that_hear_nothing_let_through_a_budget_each():
    processes = [SlidingWindows(100) for _ in range(4)]
    assert sum(taken(one, 500, T0) for one in processes) == 400


def test_what_was_let_through_is_told_once():
    windows = SlidingWindows(300)
    assert taken(windows, 5, T0) == 5
    assert not windows.has_untold
    windows.shared = True
    assert taken(windows, 6, T0) == 6
    assert windows.has_untold
    assert list(windows.untold()) == [("a", int(T0 // SLOT_S), 6 * UNITS)]
    assert list(windows.untold()) == []


def test_a_message_tells_of_so_many_clients_only():
    windows = SlidingWindows(1)
    windows.shared = True
    for number in range(TOLD_AT_ONCE_MAX + 5):
        taken(windows, 1, T0, f"client {number}")
    assert [len(list(windows.untold())) for _ in range(3)] == [TOLD_AT_ONCE_MAX, 5, 0]


@pytest.mark.parametrize(
    ("slots_ago", "left"), [(0, 3), (1, 3), (5, 3), (15, 3), (16, 9), (40, 9)]
)
def test_what_is_told_late_counts_where_its_slot_still_does(slots_ago, left):
    windows = SlidingWindows(10)
    assert taken(windows, 1, T0) == 1
    windows.add(("a", int(T0 // SLOT_S) - slots_ago, 6 * UNITS))
    assert taken(windows, 20, T0) == left


def test_what_is_told_late_and_often_is_counted_all_and_ends_with_its_slot():
    windows = SlidingWindows(10)
    assert taken(windows, 1, T0 + 5 * SLOT_S) == 1
    for _ in range(3):
        for ago in (1, 3, 2):
            windows.add(("a", int(T0 // SLOT_S) + 5 - ago, UNITS))
    refused = windows.take("a", T0 + 5 * SLOT_S)
    assert not refused.allowed
    assert refused.retry_after_s == WINDOW_S + SLOT_S - 3 * SLOT_S
    assert taken(windows, 9, T0 + 5 * SLOT_S + refused.retry_after_s) == 3


def test_who_is_a_little_ahead_is_believed():
    windows = SlidingWindows(10)
    assert taken(windows, 1, T0) == 1
    windows.add(("a", int(T0 // SLOT_S) + 1, 6 * UNITS))
    assert taken(windows, 20, T0) == 3
    windows.add(("b", int(T0 // SLOT_S), 6 * UNITS))
    assert taken(windows, 20, T0, "b") == 4
