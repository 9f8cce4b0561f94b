"""Budgets of requests per client in a sliding window, counted together by processes.

What a client used is counted by slots of a minute, and counts until the whole slot is
older than the window: so no 15 minutes, wherever they begin, see more than the budget,
and room that comes free is given back up to a minute late.

Each process decides alone and at once, with what it knows. What it let through it tells
the others once a second, as soon as that is worth telling. So while a client comes to N
processes in the same second, it may get N times what is left of its budget, and after
that `UNTOLD_SHARE` of it more in each of the others. Where messages are lost, or the
bus is away, each process counts for itself, and the bound is N budgets.
"""

from collections.abc import Iterator
from typing import Final

from server.rest.rate_limits import KEYS_MAX, Verdict

SLOT_S: Final = 60
SLOTS: Final = 15
WINDOW_S: Final = SLOT_S * SLOTS
UNITS: Final = 10
"""Of a request; a cheap one takes a single unit."""

UNTOLD_SHARE: Final = 0.02
"""Of a budget: so much use of a client need not be told to the other processes."""

TOLD_AT_ONCE_MAX: Final = 8_192
"""Clients of whom one message tells; the others are told of a second later."""

Use = tuple[str, int, int]
"""A client's key, the slot's number, and the units that were used in it."""


class Usage:
    """What one client used in the slots that count, the last of them at the end."""

    __slots__ = ("parts", "total", "untold")

    def __init__(self, slot: int) -> None:
        self.parts = [[slot, 0]]
        self.total = 0
        self.untold = 0

    def move(self, slot: int) -> None:
        """Go on to a later slot; forget those that count no more."""
        oldest = slot - SLOTS
        for part in self.parts:
            if part[0] < oldest:
                self.total -= part[1]
        self.parts = [part for part in self.parts if part[0] >= oldest and part[1]]
        self.parts.append([slot, 0])

    def add(self, slot: int, units: int) -> None:
        """Count what was used in a slot, where that still counts."""
        for part in reversed(self.parts):
            if part[0] <= slot:
                break
        else:
            part = self.parts[0]
        if slot >= self.parts[-1][0] - SLOTS:
            # In a slot near by, where none is kept of that one.
            part[1] += units
            self.total += units


class Windows:
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
        """Take a request of so many units, where the budget has them."""
        slot = int(now_s // SLOT_S)
        usage = self._table.get(key)
        # A clock that was set back finds the slot that it left.
        if usage is None or usage.parts[-1][0] < slot:
            usage = self._begin(key, usage, slot)
        last = usage.parts[-1]
        left = self._units - usage.total
        allowed = left >= cost
        if allowed:
            left -= cost
            usage.total += cost
            last[1] += cost
            if self.shared:
                usage.untold += cost
                self._untold[key] = usage
        return Verdict(
            allowed,
            self.limit,
            max(0, left) // UNITS,
            _ends_s(last[0], now_s),
            0 if allowed else self._wait_s(usage, now_s, cost),
        )

    def add(self, use: Use) -> None:
        """Count what another process let through."""
        key, slot, units = use
        usage = self._table.get(key)
        if usage is None or usage.parts[-1][0] < slot:
            usage = self._begin(key, usage, slot)
        usage.add(slot, units)

    def untold(self) -> Iterator[Use]:
        """Take what the other processes should know of, a bounded number of clients."""
        least = max(UNITS, int(self._units * UNTOLD_SHARE))
        count = 0
        for key, usage in list(self._untold.items()):
            if usage.untold < least:
                continue
            if count == TOLD_AT_ONCE_MAX:
                return
            count += 1
            del self._untold[key]
            yield key, usage.parts[-1][0], usage.untold
            usage.untold = 0

    def forget_untold(self, now_s: float) -> None:
        """Forget what was never worth telling, of clients that are quiet now."""
        oldest = int(now_s // SLOT_S) - 1
        quiet = [
            key for key, usage in self._untold.items() if usage.parts[-1][0] < oldest
        ]
        for key in quiet:
            self._untold.pop(key).untold = 0

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

    def _wait_s(self, usage: Usage, now_s: float, cost: int) -> int:
        """Return the seconds until a request of this cost would be let through."""
        left = self._units - usage.total
        for slot, units in usage.parts:
            left += units
            if left >= cost:
                return _ends_s(slot, now_s)
        raise AssertionError("a request that costs more than the budget")


def _ends_s(slot: int, now_s: float) -> int:
    """Return the seconds until a slot counts no more."""
    return max(1, -int((now_s - (slot + SLOTS + 1) * SLOT_S) // 1))
