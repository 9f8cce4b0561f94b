"""The time of one event, as its actor decides by it."""

from inventory import limits
from inventory.ports import Clock


class EventTime:
    """The database's time, which for an event never goes back and never stands still.

    Where the newest entry of its journal is in the clock's future when it is loaded,
    the clock was set back since. Time then goes on from that entry, a little slower, by
    the monotonic clock, until the other one is there again: a hold that was to end in
    five minutes does not last an hour longer.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead_at: float | None = None
        self._ahead_ms = 0

    def begin(self, at_ms: int) -> None:
        """Begin at a state whose newest entry is of that time, in Unix ms."""
        self._ahead_at = None
        if at_ms > self._clock.now_ms():
            self._ahead_at, self._ahead_ms = self._clock.monotonic(), at_ms

    def now_ms(self, at_ms: int) -> int:
        """Return the event's time in Unix ms; `at_ms` is that of its newest entry."""
        now_ms = self._clock.now_ms()
        if self._ahead_at is not None:
            passed_ms = (self._clock.monotonic() - self._ahead_at) * 1_000
            slower_ms = passed_ms - passed_ms / limits.BEHIND_SLOWS
            now_ms = max(now_ms, self._ahead_ms + int(slower_ms))
        return max(now_ms, at_ms)
