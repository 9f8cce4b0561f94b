import time

from hypothesis import given
from hypothesis import strategies as st

from persistence.postgres.clock import DatabaseClock


class Ticks:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_before_the_first_answer_the_wall_clock_has_to_do():
    assert abs(DatabaseClock().now_ms() - time.time() * 1000) < 1000


def test_an_answer_sets_the_clock_and_time_goes_on_from_there():
    ticks = Ticks()
    clock = DatabaseClock(ticks)
    future_ms = clock.now_ms() + 60_000
    clock.observe(future_ms, ticks.now, ticks.now)
    assert 0 <= clock.now_ms() - future_ms <= 1
    ticks.now += 2
    assert 2000 <= clock.now_ms() - future_ms <= 2001


def test_a_slow_answer_does_not_move_a_clock_that_agrees_with_it():
    ticks = Ticks()
    clock = DatabaseClock(ticks)
    start_ms = clock.now_ms()
    clock.observe(start_ms, ticks.now, ticks.now)
    ticks.now += 5
    # Read somewhere between the sending and the receiving 5 s later.
    clock.observe(start_ms + 3000, ticks.now - 5, ticks.now)
    assert 5000 <= clock.now_ms() - start_ms <= 5001


HOUR_MS = 3_600_000


def test_a_clock_that_is_set_back_by_an_hour_is_caught_up_slowly():
    ticks = Ticks()
    clock = DatabaseClock(ticks)
    start_ms = clock.now_ms()
    clock.observe(start_ms, ticks.now, ticks.now)
    # A commit each second, by a clock that an hour was taken from.
    for second in range(1, 301):
        ticks.now += 1
        clock.observe(start_ms - HOUR_MS + second * 1_000, ticks.now, ticks.now)
        passed_ms = clock.now_ms() - start_ms
        assert second * 1_000 * 15 / 16 - 2 <= passed_ms <= second * 1_000 + 1
    # In sixteen hours it is there again, and stays.
    told_ms = start_ms - HOUR_MS + 300_000
    for _ in range(17):
        ticks.now += 3_600
        told_ms += HOUR_MS
        clock.observe(told_ms, ticks.now, ticks.now)
    assert abs(clock.now_ms() - told_ms) <= 2


def test_a_clock_that_is_set_right_again_is_believed_at_once():
    ticks = Ticks()
    clock = DatabaseClock(ticks)
    start_ms = clock.now_ms()
    clock.observe(start_ms, ticks.now, ticks.now)
    for second in range(1, 61):
        ticks.now += 1
        clock.observe(start_ms - HOUR_MS + second * 1_000, ticks.now, ticks.now)
    ticks.now += 1
    clock.observe(start_ms + 61_000, ticks.now, ticks.now)
    assert abs(clock.now_ms() - start_ms - 61_000) <= 1


def test_the_first_answer_counts_more_than_the_clock_of_this_machine():
    ticks = Ticks()
    clock = DatabaseClock(ticks)
    start_ms = round(clock._offset_ms + ticks.now * 1_000)
    clock.observe(start_ms - HOUR_MS, ticks.now, ticks.now)
    assert abs(clock.now_ms() - start_ms + HOUR_MS) <= 1


@given(
    st.lists(
        st.tuples(st.integers(-(10**7), 10**7), st.floats(0, 100), st.floats(0, 100)),
        max_size=30,
    )
)
def test_the_clock_never_goes_back_whatever_the_server_says(answers):
    ticks = Ticks()
    clock = DatabaseClock(ticks)
    last_ms = clock.now_ms()
    for jump_ms, before_s, after_s in answers:
        sent = ticks.now
        ticks.now += before_s
        clock.observe(last_ms + jump_ms, sent, ticks.now)
        ticks.now += after_s
        assert clock.now_ms() >= last_ms
        last_ms = clock.now_ms()
