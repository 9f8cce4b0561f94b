from inventory.event_time import EventTime
from inventory.limits import BEHIND_SLOWS
from tests.fakes import ManualClock

HOUR_S = 3_600


def test_it_is_the_clocks_and_never_before_the_newest_entry():
    clock = ManualClock()
    time = EventTime(clock)
    time.begin(clock.time_ms)
    assert time.now_ms(clock.time_ms) == clock.time_ms
    assert time.now_ms(clock.time_ms + 5) == clock.time_ms + 5
    clock.advance(1)
    assert time.now_ms(clock.time_ms - 500) == clock.time_ms


def test_an_entry_in_the_future_is_where_time_goes_on_from():
    clock = ManualClock()
    newest_ms = clock.time_ms
    clock.time_ms -= HOUR_S * 1_000
    time = EventTime(clock)
    time.begin(newest_ms)
    assert time.now_ms(newest_ms) == newest_ms
    clock.advance(160)
    assert time.now_ms(newest_ms) == newest_ms + 160_000 - 160_000 // BEHIND_SLOWS
    # Until the clock is there again.
    clock.advance(2 * BEHIND_SLOWS * HOUR_S)
    assert time.now_ms(newest_ms) == clock.time_ms


def test_a_new_beginning_forgets_the_former_one():
    clock = ManualClock()
    time = EventTime(clock)
    time.begin(clock.time_ms + HOUR_S * 1_000)
    time.begin(clock.time_ms)
    assert time.now_ms(0) == clock.time_ms
