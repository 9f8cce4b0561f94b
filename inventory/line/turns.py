"""Open turns, those given outside the line, and those that ran out lately."""

from collections import deque
from heapq import heapify, heappop, heappush

from msgspec import Struct
from msgspec.structs import replace

from inventory import limits
from inventory.changes import TurnGiven
from inventory.records import Corrupt


class Turn(Struct, frozen=True, array_like=True, gc=False):
    """Somebody's right to buy now; replaced and never changed in place."""

    rank: int
    user: str
    until_ms: int
    hold: str | None = None
    """What was held for its user, where a wish was served."""
    extended: int = 0


class Turns:
    """Who may hold something, in an event where that takes a turn."""

    __slots__ = ("choosing", "deadlines", "granted", "open", "over", "over_at")

    def __init__(self) -> None:
        self.open: dict[str, Turn] = {}
        self.choosing: set[str] = set()
        """Users with an open turn who hold nothing."""
        self.granted: dict[str, int] = {}
        """Until when users have a turn outside the line."""
        self.over: dict[str, int] = {}
        """When the turns of users ran out, for an hour."""
        self.over_at: deque[tuple[int, str]] = deque()
        self.deadlines: list[tuple[int, int, str]] = []

    def lets(self, user: str, now_ms: int) -> bool:
        """Return whether a user may hold something now."""
        turn = self.open.get(user)
        if turn is not None and now_ms < turn.until_ms + limits.TURN_GRACE_MS:
            return True
        granted_ms = self.granted.get(user)
        return granted_ms is not None and now_ms < granted_ms + limits.TURN_GRACE_MS

    def ran_out(self, user: str) -> bool:
        """Return whether a user had a turn lately that is over."""
        return user in self.open or user in self.granted or user in self.over

    def give(self, change: TurnGiven, *, holding: bool = False) -> None:
        """Open a turn; its user may be `holding` something of before."""
        user = change.user
        if user in self.open:
            raise Corrupt(f"the user of rank {change.rank} has a turn already")
        turn = Turn(change.rank, user, change.until_ms, change.hold)
        self.open[user] = turn
        self.over.pop(user, None)
        if not holding:
            self.choosing.add(user)
        self._wait_for(turn)

    def end(self, rank: int, user: str, why: str, at_ms: int) -> None:
        """Close an open turn."""
        turn = self.open.get(user)
        if turn is None or turn.rank != rank:
            raise Corrupt(f"rank {rank} has no turn to end")
        del self.open[user]
        self.choosing.discard(user)
        if why == "ran_out":
            self.note_over(user, at_ms)

    def note_over(self, user: str, at_ms: int) -> None:
        """Remember that a turn ran out, and forget those of an hour ago."""
        self.over[user] = at_ms
        self.over_at.append((at_ms, user))
        while self.over_at[0][0] < at_ms - limits.TURN_OVER_MEMORY_MS:
            then_ms, gone = self.over_at.popleft()
            if self.over.get(gone) == then_ms:
                del self.over[gone]

    def extend(self, rank: int, user: str, until_ms: int) -> None:
        """Move the end of an open turn."""
        turn = self.open.get(user)
        if turn is None or turn.rank != rank or until_ms < turn.until_ms:
            raise Corrupt(f"rank {rank} has no turn to extend")
        turn = replace(turn, until_ms=until_ms, extended=turn.extended + 1)
        self.open[user] = turn
        self._wait_for(turn)

    def keep(self, until_ms: int) -> None:
        """Let no open or granted turn end before then."""
        for user, turn in list(self.open.items()):
            if turn.until_ms < until_ms:
                turn = replace(turn, until_ms=until_ms)
                self.open[user] = turn
                self._wait_for(turn)
        for user, granted_ms in list(self.granted.items()):
            self.granted[user] = max(granted_ms, until_ms)

    def grant(self, user: str, until_ms: int, at_ms: int) -> None:
        """Let somebody hold something until then; forget what is long over."""
        self.granted[user] = max(until_ms, self.granted.get(user, 0))
        if len(self.granted) & (len(self.granted) - 1):
            # Not each time: there may be many.
            return
        past_ms = at_ms - limits.TURN_OVER_MEMORY_MS
        for gone in [one for one, end_ms in self.granted.items() if end_ms < past_ms]:
            del self.granted[gone]

    def note_holding(self, user: str, holding: bool) -> None:
        """Note whether the user of an open turn holds anything now."""
        if user in self.open:
            if holding:
                self.choosing.discard(user)
            else:
                self.choosing.add(user)
                self._wait_for(self.open[user])

    def restore(self, turn: Turn, holding: bool) -> None:
        """Put back an open turn of a snapshot."""
        self.open[turn.user] = turn
        if not holding:
            self.choosing.add(turn.user)
        self._wait_for(turn)

    def next_end(self) -> tuple[int, str] | None:
        """Return when the next turn of one who holds nothing ends, and whose it is.

        A turn with a hold ends with that, which is looked after elsewhere.
        """
        while self.deadlines:
            ends_ms, rank, user = self.deadlines[0]
            turn = self.open.get(user)
            choosing = turn is not None and user in self.choosing
            if choosing and turn and _end_of(turn) == (ends_ms, rank, user):
                return ends_ms, user
            heappop(self.deadlines)
        return None

    def due(self, now_ms: int, count_max: int) -> list[int]:
        """Return the ranks whose turns end by now and who hold nothing, in order."""
        due: list[tuple[int, int, str]] = []
        while len(due) < count_max:
            end = self.next_end()
            if end is None or end[0] > now_ms:
                break
            due.append(heappop(self.deadlines))
        for entry in due:
            heappush(self.deadlines, entry)
        return [rank for _, rank, _ in due]

    def _wait_for(self, turn: Turn) -> None:
        heappush(self.deadlines, _end_of(turn))
        if len(self.deadlines) > 2 * len(self.open) + 1_024:
            self.deadlines = [_end_of(self.open[user]) for user in self.choosing]
            heapify(self.deadlines)


def _end_of(turn: Turn) -> tuple[int, int, str]:
    return turn.until_ms + limits.TURN_GRACE_MS, turn.rank, turn.user
