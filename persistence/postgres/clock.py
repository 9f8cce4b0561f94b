"""The database's clock as this process knows it."""

import time
from collections.abc import Callable

from inventory.limits import BEHIND_SLOWS


class DatabaseClock:
    """Implements `inventory.ports.Clock` from the times that come with every answer.

    The server read its clock between our sending and our receiving, which bounds the
    difference between its clock and our monotonic one from both sides. The difference
    is moved only when it leaves these bounds, so one slow answer does not disturb it.

    A clock that is set forward is believed at once. One that is set back is not: what
    `now_ms` returns goes on, only slower by one in `BEHIND_SLOWS`, until the server's
    clock has caught up. So holds end nearly when they would have, and not an hour late.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        # Until the first answer our own wall clock has to do.
        self._offset_ms = time.time() * 1000 - monotonic() * 1000
        self._last_ms = 0
        self._learned_at: float | None = None

    def now_ms(self) -> int:
        """Return the database's time in Unix milliseconds."""
        now_ms = int(self.monotonic() * 1000 + self._offset_ms)
        self._last_ms = max(self._last_ms, now_ms)
        return self._last_ms

    def observe(self, now_ms: int, sent: float, received: float) -> None:
        """Learn from an answer with the server's time, asked and got at our times."""
        low = now_ms - received * 1000
        high = now_ms + 1 - sent * 1000
        if high < self._offset_ms:
            if self._learned_at is not None:
                passed_ms = max(0.0, received - self._learned_at) * 1000
                high = max(high, self._offset_ms - passed_ms / BEHIND_SLOWS)
            self._offset_ms = high
        elif low > self._offset_ms:
            self._offset_ms = low
        self._learned_at = received
