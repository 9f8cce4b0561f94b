"""The pace: bounded by its highest rate, up when it is used, down when all is full."""

import random

import pytest

from server.events.line.pace.rate import Rate, rates


def test_a_rate_begins_so_that_all_is_sold_in_time():
    assert rates(900, 2.0, 900, None) == (0.5, 1.0)
    # The organiser's is where it begins, and the highest.
    assert rates(900, 2.0, 900, 120) == (2.0, 2.0)
    assert rates(900, 2.0, 0, 60) == (1.0, 1.0)
    assert rates(900, 2.0, 0, None) is None


def test_turns_are_given_by_the_time_that_passed_and_not_saved_up():
    rate = Rate(4.0, 8.0, 0.0)
    assert rate.allowed(0.25) == 2
    rate.gave(2)
    assert rate.allowed(0.5) == 1
    rate.gave(1)
    # Nobody was there for an hour: two seconds' worth are kept.
    assert rate.allowed(3_600.0) == 8


def test_a_slow_pace_gives_one_at_a_time():
    rate = Rate(0.1, 0.2, 0.0)
    assert rate.allowed(0.25) == 1
    rate.gave(1)
    given = 0
    for tick in range(2, 4 * 100):
        now = rate.allowed(tick / 4)
        assert now <= 1
        rate.gave(now)
        given += now
    assert given == 9


def test_what_came_back_is_paid_for():
    rate = Rate(1.0, 2.0, 0.0)
    rate.gave(16)
    assert rate.allowed(1.0) == 0
    # It owes two seconds at most, or a flood of returns would stop all others.
    assert rate.allowed(3.0) == 1


@pytest.mark.parametrize("seed", range(20))
def test_never_more_than_the_highest_rate_allows(seed):
    """L29: within any ten seconds at most 10 r_max + 2 r_max turns."""
    choose = random.Random(seed)
    start = choose.choice([0.2, 1.0, 5.0, 20.0])
    rate, now = Rate(start, 2 * start, 0.0), 0.0
    given: list[tuple[float, int]] = []
    for _ in range(2_000):
        now += choose.choice([0.25, 0.25, 0.25, 0.3, 1.0, 7.0])
        allowed = rate.allowed(now)
        turns = choose.randint(0, allowed)
        rate.gave(turns)
        given.append((now, turns))
        if choose.random() < 0.3:
            rate.checked_out(choose.uniform(1, 200))
        if rate.is_due(now):
            rate.move(now, congested=choose.random() < 0.3)
        assert rate.r_min <= rate.r <= rate.r_max
        recent = sum(n for at, n in given[-41:] if at > now - 10)
        assert recent <= 12 * rate.r_max + 1


def test_congestion_slows_down_within_an_interval_and_never_to_nothing():
    rate = Rate(10.0, 20.0, 0.0)
    assert not rate.is_due(59.0)
    assert rate.is_due(60.0)
    assert rate.move(60.0, congested=True) == "congested"
    assert rate.r == pytest.approx(7.0)
    assert not rate.is_due(119.0)
    for interval in range(2, 30):
        rate.move(60.0 * interval, congested=True)
    assert rate.r == pytest.approx(0.5)
    assert rate.move(60.0 * 30, congested=True) is None


def test_what_is_used_grows_to_the_highest_and_what_is_not_stays():
    rate = Rate(1.0, 2.0, 0.0)
    rate.gave(48)
    assert rate.move(60.0, congested=False) is None
    rate.gave(49)
    assert rate.move(120.0, congested=False) == "used"
    assert rate.r == pytest.approx(1.25)
    for interval in range(3, 8):
        rate.gave(120)
        rate.move(60.0 * interval, congested=False)
    assert rate.r == pytest.approx(2.0)


def test_full_and_used_is_full():
    rate = Rate(1.0, 2.0, 0.0)
    rate.gave(60)
    assert rate.move(60.0, congested=True) == "congested"
    assert rate.r == pytest.approx(0.7)


def test_it_is_watched_as_long_as_it_takes_to_check_out():
    rate = Rate(1.0, 2.0, 0.0)
    assert rate.interval_s == 60
    for after_s in (30.0, 40.0, 500.0):
        rate.checked_out(after_s)
    assert rate.interval_s == 40
    for _ in range(101):
        rate.checked_out(1.0)
    assert rate.interval_s == 10
    for _ in range(101):
        rate.checked_out(999.0)
    assert rate.interval_s == 120


def test_another_highest_holds_at_once():
    rate = Rate(4.0, 8.0, 0.0)
    rate.limit(1.0, 1.0)
    assert (rate.r, rate.r_max) == (1.0, 1.0)
    # Whoever wants more of it need not wait for intervals.
    rate.limit(10.0, 20.0)
    assert (rate.r, rate.r_max) == (10.0, 20.0)
