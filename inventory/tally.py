"""What an event's actor did, counted once a batch: for whoever looks at it live."""

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from inventory.ports import Publication

TIMES_MAX: Final = 1_024
"""So many of the latest commits are kept with what they took."""


class Tally:
    """Numbers that only grow while the actor lives, and what its last commits took."""

    def __init__(self) -> None:
        self.commands = 0
        """How many commands were answered by commits, refused ones among them."""
        self.commits = 0
        self.expired = 0
        """How many holds ran out."""
        self.released = 0
        """How often a hold was given back before it was booked, or a part of one."""
        self.refused: dict[str, int] = {}
        """How many commands were refused, by the code."""
        self.turns = 0
        """How many turns were given."""
        self._took_s: deque[float] = deque(maxlen=TIMES_MAX)

    def committed(
        self, commands: int, took_s: float, what: "Publication", released: int
    ) -> None:
        """Count a batch that was committed, and took so many seconds."""
        self.commands += commands
        self.commits += 1
        self.expired += len(what.expired)
        self.released += released
        self.turns += len(what.turns)
        self._took_s.append(took_s)

    def refuse(self, code: str) -> None:
        """Count a command that was refused: those that do something pay nothing."""
        self.refused[code] = self.refused.get(code, 0) + 1

    def take_times(self) -> list[float]:
        """Return what the commits since the last call took, in seconds, ascending.

        Of very many the latest; empty where there was none.
        """
        times = sorted(self._took_s)
        self._took_s.clear()
        return times
