"""Who of those next in line is here: by what processes saw, with patience.

Pure. Processes tell which ranks they see, again and again, so what is lost repeats
itself. Who is not seen for half a minute is away, and back with the next sign of life.
"""

from collections.abc import Iterable
from typing import Final

from inventory import limits
from inventory.line.line import AWAY, WAITING, Line

GONE_S: Final = 30.0
KEPT_MAX: Final = 4 * limits.LINE_HEAD
"""So many ranks are remembered before those who wait no more are forgotten."""


class Presence:
    """Who was seen of one line, and when, in seconds of a clock that never goes back.

    Nobody is away before it is `GONE_S` old: a new owner has heard of nobody yet.
    """

    def __init__(self) -> None:
        self.head = limits.LINE_HEAD
        """Up to this rank it is noted who is here."""
        self.here = 0
        """How many who wait were seen between the last two looks."""
        self._seen: dict[int, float] = {}
        self._came: set[int] = set()

    def hear(self, ranks: Iterable[int], now: float) -> None:
        """Take note of who is seen now."""
        for rank in ranks:
            self._seen[rank] = now
            self._came.add(rank)

    def start_over(self) -> None:
        """Forget who was seen when: nobody could be heard for a while."""
        self._seen.clear()

    def look(self, line: Line, now: float) -> tuple[list[int], list[int]]:
        """Return who went away and who is back since the last look, by rank."""
        states, seen = line.states, self._seen
        gone_at = now - GONE_S
        away, at, rank = [], -1, 0
        for _ in range(limits.LINE_HEAD):
            at = states.find(WAITING, at + 1)
            if at < 0:
                break
            rank = at + 1
            if seen.setdefault(rank, now) <= gone_at:
                away.append(rank)
        self.head = max(rank, limits.LINE_HEAD)
        came, self._came = self._came, set()
        fed = line.fed
        self.here = sum(r <= fed and states[r - 1] == WAITING for r in came)
        back = [r for r in came if r <= fed and states[r - 1] == AWAY]
        if len(seen) > KEPT_MAX:
            self._seen = {
                r: s
                for r, s in seen.items()
                if r <= fed and states[r - 1] in (WAITING, AWAY)
            }
        return away, sorted(back)[: limits.LINE_HEAD]
