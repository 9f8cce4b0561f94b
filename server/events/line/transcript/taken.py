"""How many seats and places left the stock, and by which way: also past the line."""

from collections import Counter

from inventory.changes import (
    AnyChange,
    HoldBooked,
    HoldExpired,
    HoldReleased,
    Seats,
    SeatsBlocked,
    SeatsHeld,
    TurnEnded,
    TurnGiven,
    TurnGranted,
)
from server.events.line.transcript.records import Taken


class Takings:
    """Follows holds from how they came about to their booking."""

    def __init__(self) -> None:
        self.is_gated = False
        """Whether buyers hold in a turn only; who holds without is no buyer."""
        self._counts: Counter[str] = Counter()
        self._holds: dict[str, tuple[str, int]] = {}
        """By token: the way, and how many seats and places."""
        self._in_turn: set[str] = set()
        self._granted: dict[str, int] = {}

    def begin(self, *, gated: bool) -> None:
        """Count from here on. What is held already counts when it is booked."""
        self.is_gated = gated
        self._counts.clear()

    def taken(self) -> Taken:
        """Return the counts."""
        counts = self._counts
        return Taken(
            blocked=counts["blocked"],
            box_office=counts["box_office"],
            granted=counts["granted"],
            other=counts["other"],
            turns=counts["turns"],
        )

    def take(self, at_ms: int, change: AnyChange) -> None:
        """Take the next change, of whatever kind."""
        match change:
            case TurnGiven(user=user):
                self._in_turn.add(user)
            case TurnEnded(user=user):
                self._in_turn.discard(user)
            case TurnGranted(user=user, until_ms=until_ms):
                self._granted[user] = until_ms
            case SeatsBlocked(seats=seats, areas=areas):
                self._counts["blocked"] += _count(seats, areas)
            case _:
                pass  # It may be of a hold.
        self._follow(at_ms, change)

    def _follow(self, at_ms: int, change: AnyChange) -> None:
        """Follow a hold. Those that a turn took with it are booked by nobody."""
        match change:
            case SeatsHeld(hold=hold, user=user, seats=seats, areas=areas):
                self._hold(hold, self._way_of(user, at_ms), _count(seats, areas))
            case TurnGiven(hold=str(hold), seats=seats, areas=areas):
                self._hold(hold, "turns", _count(seats, areas))
            case HoldReleased(hold=hold, seats=seats, areas=areas):
                self._hold(hold, "other", -_count(seats, areas))
            case HoldExpired(hold=hold):
                self._holds.pop(hold, None)
            case HoldBooked(hold=hold):
                way, count = self._holds.pop(hold, ("other", 0))
                self._counts[way] += count
            case _:
                pass  # Nothing leaves the stock by it.

    def _hold(self, hold: str, way: str, count: int) -> None:
        first, held = self._holds.get(hold, (way, 0))
        self._holds[hold] = first, held + count

    def _way_of(self, user: str, at_ms: int) -> str:
        if user in self._in_turn:
            return "turns"
        if self._granted.get(user, 0) >= at_ms:
            return "granted"
        return "box_office" if self.is_gated else "other"


def _count(seats: Seats, areas: dict[int, int]) -> int:
    return len(seats) + sum(areas.values())
