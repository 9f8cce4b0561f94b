"""Signals that the shop is full, for whoever sets the pace of a line.

Those who know a signal give it here when they open; who asks knows none of them. A
level is what it is now; a share counts since the same event asked last, so it speaks of
one interval.
"""

from collections.abc import Callable
from typing import Final

from aiohttp import web

Count = Callable[[str], float]
"""What was counted so far, for an event; some signals are of the whole process."""


class Pressure:
    """The signals of one process."""

    def __init__(self) -> None:
        self._levels: dict[str, tuple[float, Count]] = {}
        self._shares: dict[str, tuple[float, Count, Count]] = {}
        self._last: dict[str, dict[str, tuple[float, float]]] = {}

    def level(self, name: str, most: float, read: Count) -> None:
        """Add a signal that is on while `read` is above `most`."""
        self._levels[name] = most, read

    def share(self, name: str, most: float, bad: Count, of: Count) -> None:
        """Add a signal that is on when more than `most` of what came was `bad`."""
        self._shares[name] = most, bad, of

    def why(self, event: str) -> str | None:
        """Return which signal is on for an event; None where none is.

        The first time an event asks, shares begin to count.
        """
        on = [name for name, (most, read) in self._levels.items() if read(event) > most]
        last = self._last.setdefault(event, {})
        for name, (most, bad, of) in self._shares.items():
            now = bad(event), of(event)
            was_bad, was_of = last.get(name, now)
            last[name] = now
            if now[0] - was_bad > most * (now[1] - was_of):
                on.append(name)
        return on[0] if on else None

    def forget(self, event: str) -> None:
        """Forget an event that asks no more."""
        self._last.pop(event, None)


PRESSURE: Final = web.AppKey("pressure", Pressure)
