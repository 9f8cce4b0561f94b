"""When an event is sold out if it goes on as it did. Pure, and simple on purpose.

The pace of the last minute and that of the last five say when; the sooner and the later
of the two are the range. Whoever sells in waves sees a wide one.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from server.events.cockpit.seconds import Second

SPANS_S: Final = (60, 300)
KNOWN_S: Final = 30
"""So long a time has to be known before anything is said."""
AHEAD_S: Final = 7 * 24 * 3_600
"""What would be later than a week says only that hardly anything is sold."""


class Forecast(Struct, frozen=True):
    """When it is sold out, in seconds since 1970, and how many places go a minute."""

    at: int
    soonest: int
    latest: int
    per_min: float


def forecast_of(seconds: Sequence[Second], now: int) -> Forecast | None:
    """Return when it is sold out; None where it is, or nothing is being sold."""
    if not seconds or now - seconds[0].at < KNOWN_S:
        return None
    last = seconds[-1]
    left = last.free + last.held
    rates = [_rate(seconds, now, span_s) for span_s in SPANS_S]
    if not left or min(rates) <= 0:
        return None
    times = [left / rate for rate in rates]
    if max(times) > AHEAD_S:
        return None
    return Forecast(
        at=now + round(times[0]),
        soonest=now + round(min(times)),
        latest=now + round(max(times)),
        per_min=round(60 * rates[0], 1),
    )


def _rate(seconds: Sequence[Second], now: int, span_s: int) -> float:
    """Return the places booked a second over a span, or over what is known of it."""
    begin = max(now - span_s, seconds[0].at)
    before = [one for one in seconds if one.at <= begin]
    return (seconds[-1].booked - before[-1].booked) / (now - begin)
