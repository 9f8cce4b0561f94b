"""What one connection may send: a burst of frames, and so many a second after it."""

from typing import Final

from server.base import limits

CERTAIN_FLOOD: Final = int(limits.COMMANDS_BURST) + limits.FLOOD_REFUSALS_MAX + 1
"""So many frames at once end any connection."""


class Rates:
    """Counts the frames of one connection, where rates are limited."""

    __slots__ = ("_allowance", "_at", "refused")

    def __init__(self, now: float) -> None:
        self._allowance = limits.COMMANDS_BURST
        self._at = now
        self.refused = 0

    def allow(self, now: float) -> bool:
        """Take one frame from the allowance."""
        self._allowance = min(
            limits.COMMANDS_BURST,
            self._allowance + (now - self._at) * limits.COMMANDS_PER_S,
        )
        self._at = now
        if self._allowance < 1:
            self.refused += 1
            return False
        self._allowance -= 1
        self.refused = max(0, self.refused - 1)
        return True

    def take(self, frames: int, now: float) -> None:
        """Take frames that come together and are not answered one by one."""
        for _ in range(min(frames, CERTAIN_FLOOD)):
            self.allow(now)
