"""Who waits for what, in the order of the line.

A queue is read far more often than it changes, so nobody is taken out of one: whoever
should not be in it any more is dropped when the queue is asked for its first.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final, Literal

Standing = Literal["ready", "later", "gone"]
"""Of a rank that a queue asks about: to be served, to be put back when it comes back,
or never again."""

READY: Final = "ready"
LATER: Final = "later"
GONE: Final = "gone"

_COMPACT_AT: Final = 4_096
"""So many that were passed are kept before a queue is cut."""


class Queue:
    """Ranks in order: those that were fed, and those that came back."""

    __slots__ = ("_back", "_fed", "_head", "_later")

    def __init__(self) -> None:
        self._fed = array("I")
        self._head = 0
        self._back: list[int] = []
        self._later: set[int] = set()

    def append(self, rank: int) -> None:
        """Add a rank behind all that were ever added."""
        self._fed.append(rank)

    def extend(self, ranks: list[int]) -> None:
        """Add ranks, ascending, behind all that were ever added."""
        self._fed.extend(ranks)

    def put_back(self, rank: int) -> None:
        """Let somebody in again who was dropped for a while; nothing for others."""
        if rank in self._later:
            self._later.remove(rank)
            heappush(self._back, rank)

    def insert(self, rank: int) -> None:
        """Add a rank wherever it stands, once."""
        self._later.discard(rank)
        heappush(self._back, rank)
        if len(self._back) > len(self._fed) + _COMPACT_AT:
            # Somebody goes in and out of it. A sorted list is a heap.
            self._back = sorted(set(self._back))

    def first(self, standing: Callable[[int], Standing]) -> int | None:
        """Return the lowest rank that is ready; drop whoever is not, on the way."""
        fed, back = self._fed, self._back
        while True:
            at = self._head
            if at < len(fed) and not (back and back[0] < fed[at]):
                rank = fed[at]
            elif back:
                rank = back[0]
            else:
                return None
            found = standing(rank)
            if found is READY:
                return rank
            if found is LATER:
                self._later.add(rank)
            self._drop()

    def _drop(self) -> None:
        """Drop the lowest rank."""
        fed, back, at = self._fed, self._back, self._head
        if at < len(fed) and not (back and back[0] < fed[at]):
            self._head = at + 1
            if self._head >= _COMPACT_AT and 2 * self._head >= len(fed):
                del fed[: self._head]
                self._head = 0
        else:
            heappop(back)

    def has(self, rank: int) -> bool:
        """Return whether a rank is in it, or was dropped for a while; for checks."""
        at = bisect_left(self._fed, rank, self._head)
        fed = at < len(self._fed) and self._fed[at] == rank
        return fed or rank in self._later or rank in self._back
