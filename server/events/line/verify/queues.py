"""Who waits first for what: what the skip rule asks, in constant time a turn.

A queue holds ranks as they were fed, which is in order, and those that came back in a
heap beside it. What does not count any more is dropped when it is met.
"""

from array import array
from heapq import heappop, heappush
from typing import Final

from server.events.line.transcript.records import Wish

WAITING: Final = ord("w")
AWAY: Final = ord("a")
PAUSED: Final = ord("p")
LIMITED: Final = ord("m")
TURN: Final = ord("t")
DONE: Final = ord("d")
LEFT: Final = ord("x")

NAMES: Final = {
    WAITING: "waiting",
    AWAY: "away",
    PAUSED: "paused",
    LIMITED: "limited",
    TURN: "turn",
    DONE: "done",
    LEFT: "left",
}

What = tuple[object, ...]
"""What a queue waits for: seats of a category (None for any), or to choose."""


class Queue:
    """Ranks that wait for one thing."""

    __slots__ = ("back", "head", "ranks")

    def __init__(self) -> None:
        self.ranks = array("I")
        self.head = 0
        self.back: list[int] = []


class Queues:
    """The states and classes of all places, and who of them is first."""

    def __init__(self) -> None:
        self.states = bytearray(1)
        """By rank; nobody has rank 0."""
        self.classes = array("H", [0])
        self.wishes: dict[int, Wish] = {}
        self._queues: dict[What, Queue] = {}
        self._of_class: dict[int, tuple[Queue, ...]] = {
            0: (self._queue(("browse", 0)),)
        }

    def define(self, wishes: list[Wish]) -> None:
        """Take classes that are new."""
        for wish in wishes:
            self.wishes[wish.class_] = wish
            wanted: list[What] = [
                (wish.quantity, wish.accessible, category, wish.together)
                for category in wish.categories or (None,)
            ]
            if wish.if_none == "browse":
                wanted.append(("browse", wish.class_))
            self._of_class[wish.class_] = tuple(map(self._queue, wanted))

    def feed(self, class_: int, *, left: bool) -> None:
        """Take the next place."""
        rank = len(self.states)
        self.states.append(LEFT if left else WAITING)
        self.classes.append(class_)
        if not left:
            for queue in self._of_class[class_]:
                queue.ranks.append(rank)

    def set_state(self, rank: int, state: int) -> None:
        """Give a place another state."""
        self.states[rank] = state
        if state == WAITING:
            self._come_back(rank)

    def set_class(self, rank: int, class_: int) -> None:
        """Give a place another wish."""
        self.classes[rank] = class_
        if self.states[rank] == WAITING:
            self._come_back(rank)

    def passed_over(self, rank: int, category: str | None, quantity: int) -> int | None:
        """Return who waited before a rank and could have had its very turn.

        `category` and `quantity` are those of its seats; None and 0 to choose.
        """
        class_ = self.classes[rank]
        wish = self.wishes.get(class_)
        wanted: list[What] = [("browse", class_), ("browse", 0)]
        if category is not None and wish is not None:
            together = (False, True) if wish.together or quantity == 1 else (False,)
            wanted = [
                (wish.quantity, wish.accessible, which, both)
                for which in (category, None)
                for both in together
            ]
        queues = [self._queues[what] for what in wanted if what in self._queues]
        first = min((self._first(queue) for queue in queues), default=rank)
        return first if first < rank else None

    def _queue(self, what: What) -> Queue:
        return self._queues.setdefault(what, Queue())

    def _come_back(self, rank: int) -> None:
        for queue in self._of_class[self.classes[rank]]:
            heappush(queue.back, rank)

    def _waits(self, rank: int, queue: Queue) -> bool:
        return self.states[rank] == WAITING and any(
            own is queue for own in self._of_class[self.classes[rank]]
        )

    def _first(self, queue: Queue) -> int:
        """Return the lowest rank that waits in a queue; beyond all where none does."""
        ranks, back = queue.ranks, queue.back
        while queue.head < len(ranks) and not self._waits(ranks[queue.head], queue):
            queue.head += 1
        while back and not self._waits(back[0], queue):
            heappop(back)
        none = len(self.states)
        return min(
            ranks[queue.head] if queue.head < len(ranks) else none,
            back[0] if back else none,
        )
