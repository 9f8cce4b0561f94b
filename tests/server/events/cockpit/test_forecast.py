"""When an event is sold out at the pace of the last minutes."""

from server.events.cockpit.forecast import KNOWN_S, forecast_of
from server.events.cockpit.seconds import Second

SEATS = 6_000


def selling(*steps):
    """Return seconds with so many places booked a second, for so long, one by one."""
    booked, at, seconds = 0, 1_000, []
    for per_s, span in steps:
        for _ in range(span):
            seconds.append(Second(at=at, free=SEATS - booked, booked=booked))
            at, booked = at + 1, booked + per_s
    return seconds, seconds[-1].at


def test_an_even_pace_has_one_answer():
    seconds, now = selling((2, 301))
    told = forecast_of(seconds, now)
    assert told is not None
    left = SEATS - seconds[-1].booked
    assert told.at == told.soonest == told.latest == now + left // 2
    assert told.per_min == 120.0


def test_held_places_are_still_to_be_sold():
    seconds, now = selling((2, 301))
    last = seconds[-1]
    seconds[-1] = Second(at=now, free=0, held=last.free, booked=last.booked)
    told = forecast_of(seconds, now)
    assert told is not None
    assert told.at == now + last.free // 2


def test_a_pace_that_falls_makes_a_range():
    seconds, now = selling((10, 240), (1, 61))
    told = forecast_of(seconds, now)
    assert told is not None
    assert told.soonest < told.latest == told.at
    assert told.per_min == 60.0


def test_of_too_short_a_time_nothing_is_said():
    seconds, now = selling((2, KNOWN_S))
    assert forecast_of(seconds, now) is None
    assert forecast_of(seconds, now + 1) is not None
    assert forecast_of([], now) is None


def test_without_a_rate_nothing_is_said():
    seconds, now = selling((2, 200), (0, 61))
    assert forecast_of(seconds, now) is None


def test_what_was_sold_before_it_was_looked_at_is_no_pace():
    seconds = [Second(at=1_000, free=10, booked=5_000)]
    assert forecast_of(seconds, 1_100) is None


def test_what_is_sold_out_needs_none():
    seconds, now = selling((2, 100))
    seconds.append(Second(at=now + 1, booked=SEATS))
    assert forecast_of(seconds, now + 1) is None
