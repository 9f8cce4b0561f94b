"""The slow twin of `inventory.venue.finder`: its documented rules, word for word.

It looks at every window of every segment each time, keeps nothing but the set of free
seats, and shares with the finder only the numbers that the rules name.
"""

from inventory.venue.finder import (
    DISTANCE_STEPS,
    DRAWS_MAX,
    LARGE_TRIED_MAX,
    SEGMENTS_EXAMINED_MAX,
)
from inventory.venue.map import Venue
from inventory.venue.windows import INDEX_MAX, mix

CLEAN, PLAIN, RESTRICTED_CLEAN, RESTRICTED, ACCESSIBLE = range(5)
NO_SEATS: frozenset[int] = frozenset()


class NaiveFinder:
    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.open = {seat.index for seat in venue.seats}
        largest = max(venue.focal_distances, default=0.0) or 1.0
        self.distances = [
            round(distance / largest * DISTANCE_STEPS)
            for distance in venue.focal_distances
        ]
        self.ranked = sorted(venue.segments, key=self.nearest)

    def take(self, seats):
        assert set(seats) <= self.open
        self.open -= set(seats)

    def free(self, seats):
        assert not set(seats) & self.open
        self.open |= set(seats)

    def free_count(self, category=None):
        return sum(
            self.is_general(seat) and self.in_category(seat, category)
            for seat in self.open
        )

    def best(self, quantity, *, category=None, accessible=False):
        for level in [ACCESSIBLE] if accessible else range(ACCESSIBLE):
            found = self.nearest_window(level, quantity, category)
            if found:
                return found
        return None

    def scattered(self, quantity, *, category=None, accessible=False):
        found: list[int] = []
        if accessible:
            self.gather(ACCESSIBLE, quantity, 1, category, found)
            if not found:
                return None
        for level in (PLAIN, RESTRICTED, ACCESSIBLE)[: 3 if accessible else 2]:
            self.gather(level, quantity, quantity, category, found)
        return found if len(found) == quantity else None

    def alternatives(self, quantity, *, category, salt, count=3):
        found: list[list[int]] = []
        for level in range(ACCESSIBLE):
            fresh = {
                rank
                for rank, segment in enumerate(self.ranked)
                if self.may_have(segment, level, quantity, category)
            }
            again: set[int] = set()
            for draw_number in range(DRAWS_MAX):
                if not fresh:
                    fresh, again = again, set()
                if not fresh or len(found) >= count:
                    break
                draw = mix(salt, level * DRAWS_MAX + draw_number)
                rank = around(fresh, draw % len(self.ranked))
                fresh.remove(rank)
                segment = self.ranked[rank]
                offered = frozenset(seat for window in found for seat in window)
                starts = self.starts(segment, level, quantity, category, offered)
                if starts:
                    start = around(starts, (draw >> 32) % len(segment))
                    found.append(segment[start : start + quantity])
                    again.add(rank)
        return found

    def orphans(self, seats):
        left = self.open - set(seats)
        found = []
        seen = []
        for seat in seats:
            segment = next(one for one in self.ranked if seat in one)
            if segment not in seen:
                seen.append(segment)
                found += [
                    one
                    for one in segment
                    if self.is_orphan(segment, one, left)
                    and not self.is_orphan(segment, one, self.open)
                ]
        return found

    # What the words mean.

    def is_general(self, seat: int) -> bool:
        flags = self.venue.seats[seat]
        return not flags.accessible and not flags.companion

    def in_category(self, seat: int, category: str | None) -> bool:
        return category in (None, self.venue.seats[seat].category)

    def is_orphan(self, segment: list[int], seat: int, among: set[int]) -> bool:
        def free(position: int) -> bool:
            return (
                0 <= position < len(segment)
                and segment[position] in among
                and self.is_general(segment[position])
            )

        here = segment.index(seat)
        return free(here) and not free(here - 1) and not free(here + 1)

    def nearest(self, segment: list[int]) -> int:
        return min(self.distances[seat] for seat in segment)

    def cost(self, segment: list[int], start: int, quantity: int) -> int:
        return sum(self.distances[seat] for seat in segment[start : start + quantity])

    def is_window(self, seats: list[int], level: int, category: str | None) -> bool:
        flags = [self.venue.seats[seat] for seat in seats]
        if not set(seats) <= self.open:
            return False
        if not all(self.in_category(seat, category) for seat in seats):
            return False
        if level == ACCESSIBLE:
            return any(seat.accessible for seat in flags)
        if not all(self.is_general(seat) for seat in seats):
            return False
        if any(seat.restricted for seat in flags) != (level >= RESTRICTED_CLEAN):
            return False
        return level in (PLAIN, RESTRICTED) or not self.orphans(seats)

    def starts(
        self,
        segment: list[int],
        level: int,
        quantity: int,
        category: str | None,
        without: frozenset[int] | set[int] = NO_SEATS,
    ) -> list[int]:
        return [
            start
            for start in range(len(segment) - quantity + 1)
            if not without & set(segment[start : start + quantity])
            and self.is_window(segment[start : start + quantity], level, category)
        ]

    def may_have(
        self, segment: list[int], level: int, quantity: int, category: str | None
    ) -> bool:
        if quantity > INDEX_MAX:
            quantity = INDEX_MAX
            level = {CLEAN: PLAIN, RESTRICTED_CLEAN: RESTRICTED}.get(level, level)
        return bool(self.starts(segment, level, quantity, category))

    # How it is searched.

    def nearest_window(
        self, level: int, quantity: int, category: str | None
    ) -> list[int] | None:
        compared: list[tuple[int, int, int]] = []
        tried = 0
        for rank, segment in enumerate(self.ranked):
            if not self.may_have(segment, level, quantity, category):
                continue
            if compared and self.nearest(segment) * quantity >= min(compared)[0]:
                break
            starts = self.starts(segment, level, quantity, category)
            tried += 1
            if starts:
                cost, start = self.nearer(segment, starts, quantity)
                compared.append((cost, rank, start))
            if len(compared) == SEGMENTS_EXAMINED_MAX:
                break
            if tried == LARGE_TRIED_MAX and level in (CLEAN, RESTRICTED_CLEAN):
                break
        if not compared:
            return None
        _, rank, start = min(compared)
        return self.ranked[rank][start : start + quantity]

    def nearer(
        self, segment: list[int], starts: list[int], quantity: int
    ) -> tuple[int, int]:
        every = range(len(segment) - quantity + 1)
        best = min((self.cost(segment, start, quantity), start) for start in every)[1]
        left = [start for start in starts if start <= best][-1:]
        right = [start for start in starts if start > best][:1]
        return min(
            (self.cost(segment, start, quantity), start) for start in left + right
        )

    def gather(
        self,
        level: int,
        quantity: int,
        pieces: int,
        category: str | None,
        found: list[int],
    ) -> None:
        for size in range(INDEX_MAX, 0, -1):
            for segment in self.ranked:
                while pieces and size <= quantity - len(found):
                    starts = self.starts(segment, level, size, category, set(found))
                    if not starts:
                        break
                    start = self.nearer(segment, starts, size)[1]
                    found += segment[start : start + size]
                    pieces -= 1


def around(positions: set[int] | list[int], begin: int) -> int:
    """The first position at or after `begin`, else the first of all."""
    return min(positions, key=lambda position: (position < begin, position))
