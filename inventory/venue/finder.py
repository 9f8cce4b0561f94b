"""The search for good seats: who sits together, how near, and whom it leaves alone.

What is found, exactly (`tests/naive_finder.py` says the same in the slowest words):

- A *window* of n is n adjacent free seats of one segment. A general window has neither
  accessible nor companion seats; an accessible one has any seats, at least one of them
  accessible. With a category, all its seats are of that category. In a ring windows may
  go over the end of the segment to its beginning.
- An *orphan* is a free general seat without company: without a free neighbour in its
  segment. An accessible or companion seat is company, and itself never an orphan. A
  window is *clean* when taking it makes no new orphan.
- General windows come in four levels, the first that has any window wins: clean without
  restricted view, without restricted view, clean with, and with. Accessible windows
  have two: clean, and any.
- The *cost* of a window is the sum of its seats' distances from the focal point, each
  as a whole number of `DISTANCE_STEPS`-ths of the largest, so that sums are exact.
- A segment's *rank* is its place in the order of (distance of its nearest seat, place
  in `venue.segments`). `best` goes in rank order through the segments that have a
  window of the level, until it has compared `SEGMENTS_EXAMINED_MAX` of them or the next
  one's nearest seat rules it out. In each it takes the nearer of two windows: the first
  on either side of the start that would cost least if the whole segment were free (in
  a straight row distances are convex, so that is the nearest window; a ring's two
  sides go on around it). Ties go to the lower rank, then to the lower start.
- For windows over `INDEX_MAX` seats the clean levels look at no more than
  `LARGE_TRIED_MAX` of the segments that have any window of `INDEX_MAX`, clean or not.

How it is fast: a segment is a bit mask of its free seats, and n shifts find all windows
in it. For each category, level and n up to `INDEX_MAX`, the index has one integer with
a bit per segment (its rank) that has such a window. A changed seat touches the bits of
its segment only, and those not before somebody searches; a search reads the lowest bits
set.
"""

from collections import defaultdict
from collections.abc import Sequence

from inventory.venue.map import Venue
from inventory.venue.pools import Pool, Segment, Share
from inventory.venue.windows import (
    ACCESSIBLE,
    ACCESSIBLE_LEVELS,
    CLEAN_LEVELS,
    GENERAL_LEVELS,
    INDEX_MAX,
    PLAIN,
    RESTRICTED,
    mix,
    next_bit,
    positions,
)

SEGMENTS_EXAMINED_MAX = 8
"""How many segments with a window one search compares."""

LARGE_TRIED_MAX = 32
"""How many segments may turn out to have no clean window of more than `INDEX_MAX`: one
of n has none in a row of n + 1, and all rows may be like that."""

DRAWS_MAX = 16
"""How many segments of a level one search for alternatives looks at."""

DISTANCE_STEPS = 1_000_000
"""The resolution of costs: the largest distance of a seat in the venue."""

# Where the sizes of a level begin in a pool's index, less one.
_PLAIN_AT = PLAIN * INDEX_MAX - 1
_RESTRICTED_AT = RESTRICTED * INDEX_MAX - 1
_ACCESSIBLE_AT = ACCESSIBLE * INDEX_MAX - 1


class SeatFinder:
    """Which seats of a venue are free, indexed for the search. At first all are."""

    def __init__(self, venue: Venue) -> None:
        longest = max(venue.focal_distances, default=0.0) or 1.0
        distances = [
            round(distance / longest * DISTANCE_STEPS)
            for distance in venue.focal_distances
        ]
        # Sorting is stable: equals stay in the order of the venue's segments.
        ordered = sorted(
            enumerate(venue.segments),
            key=lambda one: min(distances[seat] for seat in one[1]),
        )
        self._everything = Pool()
        self._pools: dict[str | None, Pool] = {None: self._everything}
        self._segments = [
            Segment(rank, seats, venue, distances, ring=number in venue.rings)
            for rank, (number, seats) in enumerate(ordered)
        ]
        self._longest = max((segment.count for segment in self._segments), default=0)
        bits = [1 << position for position in range(self._longest)]
        self._bits = [0] * len(venue.seats)
        self._segment_of = [self._segments[0]] * len(venue.seats) if ordered else []
        for segment in self._segments:
            for bit, seat in zip(bits, segment.seats[: segment.count], strict=False):
                self._bits[seat] = bit
                self._segment_of[seat] = segment
            self._add_shares(segment, venue)
        self._fill_index()
        self._stale: set[Segment] = set()

    def take(self, seats: Sequence[int]) -> None:
        """These seats are free no more; ValueError, and no change, if one was not."""
        changed = self._by_segment(seats)
        for segment, bits in changed.items():
            if segment.free & bits != bits:
                raise ValueError(f"some of seats {seats} are not free in the index")
        for segment, bits in changed.items():
            segment.free ^= bits
        self._stale.update(changed)

    def free(self, seats: Sequence[int]) -> None:
        """These seats are free again; ValueError, and no change, if one was."""
        changed = self._by_segment(seats)
        for segment, bits in changed.items():
            if segment.free & bits:
                raise ValueError(f"some of seats {seats} are free in the index")
        for segment, bits in changed.items():
            segment.free |= bits
        self._stale.update(changed)

    def free_count(self, category: str | None = None) -> int:
        """How many general seats are free."""
        self._freshen()
        pool = self._pools.get(category)
        return pool.general_free if pool else 0

    def is_free(self, seat: int) -> bool:
        """Whether the index has this seat as free."""
        return bool(self._segment_of[seat].free & self._bits[seat])

    def has_window(self, quantity: int, category: str | None, accessible: bool) -> bool:
        """Whether `best` would find something: a look at the index, no search."""
        if self._stale:
            self._freshen()
        pool = self._pools.get(category)
        if pool is None or quantity > self._longest:
            return False
        if quantity > INDEX_MAX:
            found = self.best(quantity, category=category, accessible=accessible)
            return found is not None
        index = pool.index
        if accessible:
            return bool(index[_ACCESSIBLE_AT + quantity])
        return bool(index[_PLAIN_AT + quantity] or index[_RESTRICTED_AT + quantity])

    def best(
        self, quantity: int, *, category: str | None = None, accessible: bool = False
    ) -> list[int] | None:
        """The best window, left to right; None where there is none."""
        assert quantity > 0, quantity
        self._freshen()
        pool = self._pools.get(category)
        if pool is None or quantity > self._longest:
            return None
        for level in ACCESSIBLE_LEVELS if accessible else GENERAL_LEVELS:
            found = _nearest(pool, level, quantity)
            if found:
                return found
        return None

    def scattered(
        self, quantity: int, *, category: str | None = None, accessible: bool = False
    ) -> list[int] | None:
        """Seats in as few pieces as is cheap to find; None where too few are free.

        Pieces of `INDEX_MAX` first, then smaller ones; of each size from the segments
        in rank order, in each as `best` would. Seats with restricted view come when the
        others are used up. An accessible request has one piece (the largest that there
        is) with an accessible seat, then general seats, then more accessible pieces.
        A piece leaves no orphan where its segment has such a place for it.
        """
        assert quantity > 0, quantity
        self._freshen()
        pool = self._pools.get(category)
        if pool is None or (not accessible and pool.general_free < quantity):
            return None
        found: list[int] = []
        used: dict[int, int] = {}
        if accessible:
            _gather(pool, ACCESSIBLE, quantity, 1, found, used)
            if not found:
                return None
        levels = (PLAIN, RESTRICTED, ACCESSIBLE) if accessible else (PLAIN, RESTRICTED)
        for level in levels:
            _gather(pool, level, quantity, quantity, found, used)
        return found if len(found) == quantity else None

    def alternatives(
        self, quantity: int, *, category: str | None, salt: int, count: int = 3
    ) -> list[list[int]]:
        """Up to `count` general windows without a common seat, others for other salts.

        Levels in order as in `best`; in each, every segment gives one window before any
        gives a second. A level has `DRAWS_MAX` draws: the k-th (from 0) is
        `mix(salt, level * DRAWS_MAX + k)`. Modulo the number of segments it names the
        rank from which on the next candidate is taken, its upper half modulo the
        segment's length the position from which on the window, both going around.
        """
        assert quantity > 0, quantity
        self._freshen()
        found: list[list[int]] = []
        pool = self._pools.get(category)
        if pool is not None and quantity <= self._longest:
            used: dict[int, int] = {}
            for level in GENERAL_LEVELS:
                if len(found) < count:
                    self._draw(pool, level, quantity, salt, count, found, used)
        return found

    def orphans(self, seats: Sequence[int]) -> list[int]:
        """Seats that taking these would orphan and that are no orphans yet."""
        found = []
        for segment, bits in self._by_segment(seats).items():
            before, beside = segment.free, segment.beside
            after = before & ~bits
            fresh = after & segment.general & ~beside(after) & beside(before)
            found += [segment.seats[position] for position in positions(fresh)]
        return found

    def alone_beside(self, kept: Sequence[int], freed: Sequence[int] = ()) -> list[int]:
        """Orphans beside the seats `kept`, once those `freed` are free as well."""
        found = []
        more = self._by_segment(freed)
        for segment, bits in self._by_segment(kept).items():
            free, beside = segment.free | more.get(segment, 0), segment.beside
            alone = free & segment.general & ~beside(free) & beside(bits)
            found += [segment.seats[position] for position in positions(alone)]
        return found

    def windows_beside(self, kept: Sequence[int], quantity: int) -> list[list[int]]:
        """Clean general windows next to some of the seats `kept`."""
        found = []
        for segment, bits in self._by_segment(kept).items():
            starts = segment.starts(segment.free & segment.general, quantity)
            if starts:
                starts &= ~segment.orphaning(quantity)
            found += [
                segment.seats[start : start + quantity]
                for start in positions(starts)
                if segment.beside(segment.bits(start, quantity)) & bits
            ]
        return found

    def neighbours(self, seat: int) -> list[int]:
        """The one or two seats beside a seat, free or not; none where it is alone."""
        segment = self._segment_of[seat]
        beside = segment.beside(self._bits[seat]) & segment.whole
        return [segment.seats[position] for position in positions(beside)]

    def in_order(self, seats: Sequence[int]) -> list[int]:
        """The same seats, those of one segment side by side."""
        return sorted(
            seats, key=lambda seat: (self._segment_of[seat].rank, self._bits[seat])
        )

    def _draw(
        self,
        pool: Pool,
        level: int,
        quantity: int,
        salt: int,
        count: int,
        found: list[list[int]],
        used: dict[int, int],
    ) -> None:
        """Add windows of one level that have no seat of `used`."""
        fresh, again = pool.segments(level, quantity), 0
        number = level * DRAWS_MAX
        while fresh and len(found) < count and number < (level + 1) * DRAWS_MAX:
            draw = mix(salt, number)
            number += 1
            rank = next_bit(fresh, draw % len(self._segments))
            mark = 1 << rank
            fresh ^= mark
            taken = used.get(rank, 0)
            share = pool.shares[rank]
            segment = share.segment
            starts = share.starts(level, quantity, taken)
            if starts:
                start = next_bit(starts, (draw >> 32) % segment.count)
                used[rank] = taken | segment.bits(start, quantity)
                found.append(segment.seats[start : start + quantity])
                again |= mark
            if not fresh:
                fresh, again = again, 0

    def _by_segment(self, seats: Sequence[int]) -> dict[Segment, int]:
        changed: dict[Segment, int] = {}
        for seat in seats:
            segment = self._segment_of[seat]
            changed[segment] = changed.get(segment, 0) | self._bits[seat]
        return changed

    def _freshen(self) -> None:
        """Bring the index up to date before a search reads it.

        Hand-picked seats, the most of a rush, never pay for it; a search pays once for
        each segment that changed since the last one, whatever happened in it.
        """
        if self._stale:
            for segment in self._stale:
                self._update(segment)
            self._stale.clear()

    def _update(self, segment: Segment) -> None:
        """Bring counts and index in line with the segment's free seats."""
        general = segment.free & segment.general
        for share in segment.shares:
            present = share.present()
            changed = present ^ share.indexed
            share.indexed = present
            count = (general & share.mask).bit_count()
            for pool in share.pools:
                pool.general_free += count - share.general_free
                if changed:
                    mark = 1 << segment.rank
                    index = pool.index
                    for place in positions(changed):
                        index[place] ^= mark
            share.general_free = count

    def _add_shares(self, segment: Segment, venue: Venue) -> None:
        masks: dict[str, int] = defaultdict(int)
        for seat in segment.seats:
            masks[venue.seats[seat].category] |= self._bits[seat]
        alone = len(masks) == 1
        for category, mask in masks.items():
            pool = self._pools.setdefault(category, Pool())
            pools = [self._everything, pool] if alone else [pool]
            segment.shares.append(Share(segment, mask, pools))
        if not alone:
            segment.shares.append(Share(segment, segment.free, [self._everything]))

    def _fill_index(self) -> None:
        """Set all bits at once: one by one would take the square of the segments."""
        ranks: dict[tuple[int, int], list[int]] = defaultdict(list)
        pools = list(self._pools.values())
        number_of = {id(pool): number for number, pool in enumerate(pools)}
        for segment in self._segments:
            for share in segment.shares:
                places = list(positions(share.indexed))
                for pool in share.pools:
                    pool.shares[segment.rank] = share
                    pool.general_free += share.general_free
                    for place in places:
                        ranks[number_of[id(pool)], place].append(segment.rank)
        for (number, place), members in ranks.items():
            packed = bytearray(members[-1] // 8 + 1)
            for rank in members:
                packed[rank >> 3] |= 1 << (rank & 7)
            pools[number].index[place] = int.from_bytes(packed, "little")


def _nearest(pool: Pool, level: int, quantity: int) -> list[int] | None:
    """The cheapest window among the first segments that have one of this level."""
    candidates = pool.segments(level, quantity)
    best_cost, best_start = -1, 0
    best_segment: Segment | None = None
    left = SEGMENTS_EXAMINED_MAX
    tries = LARGE_TRIED_MAX if level in CLEAN_LEVELS else len(pool.shares)
    while candidates and left and tries:
        lowest = candidates & -candidates
        candidates ^= lowest
        share = pool.shares[lowest.bit_length() - 1]
        segment = share.segment
        if best_segment is not None and segment.nearest * quantity >= best_cost:
            break
        tries -= 1
        starts = share.starts(level, quantity)
        if not starts:
            continue
        left -= 1
        cost, start = segment.window(starts, quantity)
        if best_segment is None or cost < best_cost:
            best_cost, best_start, best_segment = cost, start, segment
    if best_segment is None:
        return None
    return best_segment.seats[best_start : best_start + quantity]


def _gather(
    pool: Pool,
    level: int,
    quantity: int,
    pieces_max: int,
    found: list[int],
    used: dict[int, int],
) -> None:
    """Add pieces of one level, largest first, until `found` has `quantity` seats."""
    size = min(INDEX_MAX, quantity - len(found))
    while size and pieces_max:
        candidates = pool.segments(level, size)
        while candidates and pieces_max and size <= quantity - len(found):
            lowest = candidates & -candidates
            rank = lowest.bit_length() - 1
            share = pool.shares[rank]
            taken = used.get(rank, 0)
            starts = share.starts(level, size, taken)
            if not starts:
                candidates ^= lowest
                continue
            segment = share.segment
            clean = starts & ~segment.orphaning(size, taken)
            start = segment.window(clean or starts, size)[1]
            used[rank] = taken | segment.bits(start, size)
            found += segment.seats[start : start + size]
            pieces_max -= 1
        size = min(size - 1, quantity - len(found))
