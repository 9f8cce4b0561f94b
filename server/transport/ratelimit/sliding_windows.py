"""Budgets of requests per client in a sliding window, counted together by processes.

What a client used is counted by slots of a minute, and counts until the whole slot is
older than the window: so no 15 minutes, wherever they begin, see more than the budget,
and room that comes free is given back up to a minute late.

Each process decides alone and at once, with what it knows; what it let through it tells
the others (`request_limits.py` says when). What is not heard is let through.

Whoever has anything left of its budget is let through, whatever the request costs, and
whoever has nothing left is refused: so a refusal is never followed by an answer to
something cheaper. The last request may cost more than what was left.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from server.transport.ratelimit.token_buckets import KEYS_MAX, Verdict

SLOT_S: Final = 60
SLOTS: Final = 15
WINDOW_S: Final = SLOT_S * SLOTS
UNITS: Final = 10
"""Of a request; a cheap one takes a single unit."""

TOLD_AT_ONCE_MAX: Final = 8_192
"""Clients of whom one message tells; the others are told of in the next."""

Use = tuple[str, int, int]
"""A client's key, the slot's number, and the units that were used in it."""


class Usage:
    """What one client used in the slots that count."""

    __slots__ = ("now", "past", "slot", "total", "untold")

    def __init__(self, slot: int) -> None:
        self.slot = slot
        self.now = 0
        """In this slot."""
        self.past: list[tuple[int, int]] = []
        """Slots before it, in order, and what was used in each."""
        self.total = 0
        self.untold = 0

    def move(self, slot: int) -> None:
        """Go on to a later slot; forget those that count no more."""
        if self.now:
            self.past.append((self.slot, self.now))
        self.past = [one for one in self.past if one[0] >= slot - SLOTS]
        self.slot, self.now = slot, 0
        self.total = sum(units for _, units in self.past)

    def add(self, slot: int, units: int) -> None:
        """Count what was used in a slot, where that still counts."""
        if slot < self.slot - SLOTS:
            return
        self.total += units
        if slot >= self.slot:
            self.now += units
        else:
            past = dict(self.past)
            past[slot] = past.get(slot, 0) + units
            self.past = sorted(past.items())


class SlidingWindows:
    """One budget of requests, for each client its own.

    Time is an argument, in Unix seconds. Where the table is full, the client is
    forgotten that has been quiet for the longest.
    """

    def __init__(self, limit: int, keys_max: int = KEYS_MAX) -> None:
        assert limit >= 1
        self.limit = limit
        self.shared = False
        """Whether other processes are told."""
        self._units = limit * UNITS
        self._keys_max = keys_max
        # In order of the slot in which a client was heard of last.
        self._table: dict[str, Usage] = {}
        self._untold: dict[str, Usage] = {}

    def __len__(self) -> int:
        """Return how many clients are remembered."""
        return len(self._table)

    def take(self, key: str, now_s: float, cost: int = UNITS) -> Verdict:
        """Take a request of so many units, where anything of the budget is left."""
        second = int(now_s)
        slot = second // SLOT_S
        usage = self._table.get(key)
        # A clock that was set back finds the slot that it left.
        if usage is None or usage.slot < slot:
            usage = self._begin(key, usage, slot)
        left = self._units - usage.total
        reset_s = (usage.slot + SLOTS + 1) * SLOT_S - second
        if left <= 0:
            wait_s = self._wait_s(usage, second)
            return Verdict(False, self.limit, 0, reset_s, wait_s)
        # Rounded up: who is told of one more is let through once more.
        remaining = max(0, -((cost - left) // UNITS))
        usage.total += cost
        usage.now += cost
        if self.shared:
            usage.untold += cost
            self._untold[key] = usage
        return Verdict(True, self.limit, remaining, reset_s, 0)

    def add(self, use: Use) -> None:
        """Count what another process let through."""
        key, slot, units = use
        usage = self._table.get(key)
        if usage is None or usage.slot < slot:
            usage = self._begin(key, usage, slot)
        usage.add(slot, units)

    def untold(self) -> Iterator[Use]:
        """Take what the other processes should know of, a bounded number of clients."""
        for key in list(islice(self._untold, TOLD_AT_ONCE_MAX)):
            usage = self._untold.pop(key)
            yield key, usage.slot, usage.untold
            usage.untold = 0

    @property
    def has_untold(self) -> bool:
        """Return whether there is more to tell."""
        return bool(self._untold)

    def _begin(self, key: str, usage: Usage | None, slot: int) -> Usage:
        """Return a client's usage in a slot that it is first heard of in."""
        if usage is None:
            usage = Usage(slot)
            if len(self._table) >= self._keys_max:
                del self._table[next(iter(self._table))]
        else:
            del self._table[key]
            usage.move(slot)
        self._table[key] = usage
        return usage

    def _wait_s(self, usage: Usage, second: int) -> int:
        """Return the seconds until something of the budget is there again."""
        left = self._units - usage.total
        for slot, units in (*usage.past, (usage.slot, usage.now)):
            left += units
            if left > 0:
                return (slot + SLOTS + 1) * SLOT_S - second
        raise AssertionError("a budget of nothing")
