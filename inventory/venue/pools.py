"""The free seats of a venue, by segment and category, and which windows they have.

`finder` says what the words mean: window, clean, company, level, rank.
"""

from inventory.venue.map import Venue
from inventory.venue.windows import (
    ACCESSIBLE,
    ACCESSIBLE_CLEAN,
    ACCESSIBLE_LEVELS,
    CLEAN,
    CLEAN_LEVELS,
    INDEX_MAX,
    LEVELS,
    PLAIN,
    RESTRICTED,
    RESTRICTED_CLEAN,
    sizes_of,
    sizes_of_ring,
    sizes_of_runs,
    sizes_with,
    windows,
)

_LARGE_LEVEL = (PLAIN, PLAIN, RESTRICTED, RESTRICTED, ACCESSIBLE, ACCESSIBLE)
"""Where to look for windows over `INDEX_MAX`: a large clean window need not have a
clean one of `INDEX_MAX` in its segment."""


class Segment:
    """One segment's free seats, bit i for its i-th seat, and what never changes.

    A ring's `seats` and `sums` go round twice, so that its windows are slices, too;
    they start in the first round.
    """

    __slots__ = (
        "accessible",
        "best_starts",
        "count",
        "free",
        "general",
        "nearest",
        "rank",
        "restricted",
        "ring",
        "seats",
        "shares",
        "sums",
        "whole",
        "wrap",
    )

    def __init__(
        self,
        rank: int,
        seats: list[int],
        venue: Venue,
        distances: list[int],
        *,
        ring: bool = False,
    ) -> None:
        self.rank = rank
        self.seats = seats * 2 if ring else seats
        self.count = len(seats)
        self.ring = ring
        # So far around a seat's other neighbour is; in a line nothing is.
        self.wrap = self.count - 1 if ring else self.count
        self.whole = self.free = (1 << len(seats)) - 1
        self.general = self.restricted = self.accessible = 0
        for position, index in enumerate(seats):
            seat = venue.seats[index]
            bit = 1 << position
            if seat.accessible:
                self.accessible |= bit
            elif not seat.companion:
                self.general |= bit
                if seat.restricted:
                    self.restricted |= bit
        self.sums = [0]
        for index in self.seats:
            self.sums.append(self.sums[-1] + distances[index])
        self.nearest = min(distances[index] for index in seats)
        self.best_starts: dict[int, int] = {}
        self.shares: list[Share] = []

    def beside(self, seats: int) -> int:
        """The seats next to these; in a line perhaps bits that are no seats."""
        wrap = self.wrap
        return seats << 1 | seats >> 1 | seats >> wrap | seats << wrap

    def bits(self, start: int, quantity: int) -> int:
        """The seats of a window."""
        window = (1 << quantity) - 1 << start
        return (window | window >> self.count) & self.whole

    def starts(self, free: int, quantity: int) -> int:
        """Where windows of these seats start."""
        if not self.ring:
            return windows(free, quantity)
        if quantity > self.count:
            return 0
        return windows(free | free << self.count, quantity) & self.whole

    def orphaning(self, quantity: int, without: int = 0) -> int:
        """Where a window starts that leaves a seat alone; `without` is taken as well.

        A seat at the end of a run becomes an orphan when the window starts after it, or
        ends before it.
        """
        free = self.free & ~without
        general = free & self.general
        wrap = self.wrap
        first = general & ~(free << 1 | free >> wrap)
        last = general & ~(free >> 1 | free << wrap)
        if not self.ring:
            return first << 1 | last >> quantity
        count = self.count
        if quantity == count - 1:
            first = general
        around = first << 1 | first >> wrap | last >> quantity
        return (around | last << (count - quantity)) & self.whole

    def window(self, starts: int, quantity: int) -> tuple[int, int]:
        """Cost and start of the nearest of these windows, as `finder` says it."""
        sums = self.sums
        best = self.best_starts.get(quantity)
        if best is None:
            # At most one entry per length of the segment is ever kept.
            costs = [
                above - below
                for below, above in zip(sums, sums[quantity:], strict=False)
            ]
            best = self.best_starts[quantity] = costs.index(min(costs))
        left = (starts & ((2 << best) - 1)).bit_length() - 1
        above = starts >> (best + 1)
        if self.ring:
            # In a ring there are both, if need be from the other side.
            if left < 0:
                left = starts.bit_length() - 1
            above = above or starts << (self.count - best - 1)
        if not above:
            return sums[left + quantity] - sums[left], left
        right = best + (above & -above).bit_length()
        if right >= self.count:
            right -= self.count
        cost = sums[right + quantity] - sums[right]
        if left >= 0:
            left_cost = sums[left + quantity] - sums[left]
            if (left_cost, left) <= (cost, right):
                return left_cost, left
        return cost, right


class Share:
    """The part of a segment in one category (or all of it), and what is indexed of it.

    Where the two are the same seats, one share serves both pools.
    """

    __slots__ = ("general_free", "indexed", "mask", "plain", "pools", "segment")

    def __init__(self, segment: Segment, mask: int, pools: "list[Pool]") -> None:
        self.segment = segment
        self.mask = mask
        self.pools = pools
        self.plain = mask == segment.general == segment.whole and not segment.restricted
        self.general_free = (mask & segment.general).bit_count()
        self.indexed = self.present()

    def starts(self, level: int, quantity: int, without: int = 0) -> int:
        """Where windows of this level start that have no seat of `without`."""
        segment = self.segment
        find = segment.starts if segment.ring else windows
        free = segment.free & self.mask & ~without
        if level >= ACCESSIBLE_CLEAN:
            starts = find(free, quantity) & ~find(free & ~segment.accessible, quantity)
        elif segment.restricted:
            free &= segment.general
            starts = find(free & ~segment.restricted, quantity)
            if level >= RESTRICTED_CLEAN:
                starts = find(free, quantity) & ~starts
        else:
            starts = find(free & segment.general, quantity)
        if starts and level in CLEAN_LEVELS:
            starts &= ~segment.orphaning(quantity)
        return starts

    def present(self) -> int:
        """A bit for each level and size up to `INDEX_MAX` that has a window."""
        segment = self.segment
        free = segment.free
        if self.plain:
            if segment.ring:
                return sizes_of_ring(free, segment.count)
            return sizes_of_runs(free)
        if segment.ring:
            return self._present_in_ring()
        general = free & segment.general
        sizes = sizes_of(general, free, general & self.mask, segment.restricted)
        if segment.accessible:
            sizes |= sizes_with(general, free, free & self.mask, segment.accessible)
        return sizes

    def _present_in_ring(self) -> int:
        """`present` where seats of several kinds sit around one table."""
        segment = self.segment
        levels = [CLEAN, PLAIN]
        if segment.restricted:
            levels += [RESTRICTED_CLEAN, RESTRICTED]
        if segment.accessible:
            levels += ACCESSIBLE_LEVELS
        sizes = 0
        for quantity in range(1, min(INDEX_MAX, segment.count) + 1):
            for level in levels:
                if self.starts(level, quantity):
                    sizes |= 1 << (level * INDEX_MAX + quantity - 1)
        return sizes


class Pool:
    """The segments of one category, or of all: how many seats, which windows."""

    __slots__ = ("general_free", "index", "shares")

    def __init__(self) -> None:
        self.general_free = 0
        self.shares: dict[int, Share] = {}
        self.index = [0] * (len(LEVELS) * INDEX_MAX)

    def segments(self, level: int, quantity: int) -> int:
        """Ranks that have such a window; over `INDEX_MAX`, that may have one."""
        if quantity <= INDEX_MAX:
            return self.index[level * INDEX_MAX + quantity - 1]
        return self.index[_LARGE_LEVEL[level] * INDEX_MAX + INDEX_MAX - 1]
