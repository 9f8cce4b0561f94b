"""The free seats of a venue, by segment and category, and which windows they have.

`finder` says what the words mean: window, clean, level, rank.
"""

from inventory.venue.map import Venue
from inventory.venue.windows import (
    ACCESSIBLE,
    CLEAN,
    INDEX_MAX,
    LEVELS,
    PLAIN,
    RESTRICTED,
    RESTRICTED_CLEAN,
    sizes_of,
    sizes_of_runs,
    sizes_with,
    windows,
)

CLEAN_LEVELS = (CLEAN, RESTRICTED_CLEAN)
_LARGE_LEVEL = (PLAIN, PLAIN, RESTRICTED, RESTRICTED, ACCESSIBLE)
"""Where to look for windows over `INDEX_MAX`: a large clean window need not have a
clean one of `INDEX_MAX` in its segment."""


class Segment:
    """One segment's free seats, bit i for its i-th seat, and what never changes."""

    __slots__ = (
        "accessible",
        "best_starts",
        "free",
        "general",
        "nearest",
        "rank",
        "restricted",
        "seats",
        "shares",
        "sums",
    )

    def __init__(
        self, rank: int, seats: list[int], venue: Venue, distances: list[int]
    ) -> None:
        self.rank = rank
        self.seats = seats
        self.free = (1 << len(seats)) - 1
        self.general = self.restricted = self.accessible = 0
        self.sums = [0]
        for position, index in enumerate(seats):
            seat = venue.seats[index]
            bit = 1 << position
            if seat.accessible:
                self.accessible |= bit
            elif not seat.companion:
                self.general |= bit
                if seat.restricted:
                    self.restricted |= bit
            self.sums.append(self.sums[-1] + distances[index])
        self.nearest = min(distances[index] for index in seats)
        self.best_starts: dict[int, int] = {}
        self.shares: list[Share] = []

    def window(self, starts: int, quantity: int) -> tuple[int, int]:
        """Cost and start of the nearest of these windows, as the module says it."""
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
        if not above:
            return sums[left + quantity] - sums[left], left
        right = best + (above & -above).bit_length()
        cost = sums[right + quantity] - sums[right]
        if left >= 0:
            left_cost = sums[left + quantity] - sums[left]
            if left_cost <= cost:
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
        self.plain = not segment.restricted and mask & segment.general in (
            0,
            segment.general,
        )
        self.general_free = (mask & segment.general).bit_count()
        self.indexed = self.present()

    def starts(self, level: int, quantity: int, without: int = 0) -> int:
        """Where windows of this level start that have no seat of `without`."""
        segment = self.segment
        if level == ACCESSIBLE:
            free = segment.free & self.mask & ~without
            return windows(free, quantity) & ~windows(
                free & ~segment.accessible, quantity
            )
        general = segment.free & segment.general
        free = general & self.mask & ~without
        if segment.restricted:
            starts = windows(free & ~segment.restricted, quantity)
            if level >= RESTRICTED_CLEAN:
                starts = windows(free, quantity) & ~starts
        else:
            starts = windows(free, quantity)
        if level in CLEAN_LEVELS:
            # A run's first seat becomes an orphan when the window starts after it, its
            # last one when the window ends before it.
            first = general & ~(general << 1)
            last = general & ~(general >> 1)
            starts &= ~(first << 1 | last >> quantity)
        return starts

    def present(self) -> int:
        """A bit for each level and size up to `INDEX_MAX` that has a window."""
        segment = self.segment
        general = segment.free & segment.general
        if self.plain:
            sizes = sizes_of_runs(general & self.mask)
        else:
            sizes = sizes_of(general, general & self.mask, segment.restricted)
        if segment.accessible:
            sizes |= sizes_with(segment.free & self.mask, segment.accessible)
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
