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

CLEAN, PLAIN, RESTRICTED_CLEAN, RESTRICTED, ACCESSIBLE_CLEAN, ACCESSIBLE = range(6)
GENERAL = (CLEAN, PLAIN, RESTRICTED_CLEAN, RESTRICTED)
NOT_CLEAN = {
    CLEAN: PLAIN,
    RESTRICTED_CLEAN: RESTRICTED,
    ACCESSIBLE_CLEAN: ACCESSIBLE,
}
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
        self.rings = [venue.segments[number] for number in venue.rings]

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
        for level in [ACCESSIBLE_CLEAN, ACCESSIBLE] if accessible else GENERAL:
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
        for level in GENERAL:
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
                    found.append(self.window(segment, start, quantity))
                    again.add(rank)
        return found

    def orphans(self, seats, taken=()):
        """Seats left alone by these, in the order asked; `taken` were so before."""
        before = self.open - set(taken)
        left = before - set(seats)
        return [
            one
            for segment in self.segments_of(seats)
            for one in segment
            if self.is_orphan(segment, one, left)
            and not self.is_orphan(segment, one, before)
        ]

    def alone_beside(self, kept, freed=()):
        among = self.open | set(freed)
        return [
            seat
            for segment in self.segments_of(kept)
            for seat in segment
            if self.is_orphan(segment, seat, among)
            and set(kept) & set(self.neighbours(segment, seat))
        ]

    def segments_of(self, seats) -> list[list[int]]:
        found: list[list[int]] = []
        for seat in seats:
            segment = self.segment_of(seat)
            if segment not in found:
                found.append(segment)
        return found

    def segment_of(self, seat: int) -> list[int]:
        return next(segment for segment in self.ranked if seat in segment)

    # What the words mean.

    def is_general(self, seat: int) -> bool:
        flags = self.venue.seats[seat]
        return not flags.accessible and not flags.companion

    def in_category(self, seat: int, category: str | None) -> bool:
        return category in (None, self.venue.seats[seat].category)

    def window(self, segment: list[int], start: int, quantity: int) -> list[int]:
        """Seats in a row from here; none where the segment has not so many."""
        if segment in self.rings and quantity <= len(segment):
            segment = segment + segment
        return segment[start : start + quantity]

    def neighbours(self, segment: list[int], seat: int) -> list[int]:
        here = segment.index(seat)
        if segment in self.rings:
            return [segment[here - 1], segment[(here + 1) % len(segment)]]
        return [*segment[max(0, here - 1) : here], *segment[here + 1 : here + 2]]

    def is_orphan(self, segment: list[int], seat: int, among: set[int]) -> bool:
        if seat not in among or not self.is_general(seat):
            return False
        return not any(one in among for one in self.neighbours(segment, seat))

    def nearest(self, segment: list[int]) -> int:
        return min(self.distances[seat] for seat in segment)

    def cost(self, segment: list[int], start: int, quantity: int) -> int:
        seats = self.window(segment, start, quantity)
        return sum(self.distances[seat] for seat in seats)

    def is_window(self, seats: list[int], level: int, category: str | None) -> bool:
        flags = [self.venue.seats[seat] for seat in seats]
        if not set(seats) <= self.open:
            return False
        if not all(self.in_category(seat, category) for seat in seats):
            return False
        if level in NOT_CLEAN and self.orphans(seats):
            return False
        if level in (ACCESSIBLE_CLEAN, ACCESSIBLE):
            return any(seat.accessible for seat in flags)
        if not all(self.is_general(seat) for seat in seats):
            return False
        return any(seat.restricted for seat in flags) == (level >= RESTRICTED_CLEAN)

    def starts(
        self,
        segment: list[int],
        level: int,
        quantity: int,
        category: str | None,
        without: frozenset[int] | set[int] = NO_SEATS,
    ) -> list[int]:
        found = []
        for start in range(len(segment)):
            seats = self.window(segment, start, quantity)
            if len(seats) < quantity or without & set(seats):
                continue
            if self.is_window(seats, level, category):
                found.append(start)
        return found

    def may_have(
        self, segment: list[int], level: int, quantity: int, category: str | None
    ) -> bool:
        if quantity > INDEX_MAX:
            quantity = INDEX_MAX
            level = NOT_CLEAN.get(level, level)
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
            if tried == LARGE_TRIED_MAX and level in NOT_CLEAN:
                break
        if not compared:
            return None
        _, rank, start = min(compared)
        return self.window(self.ranked[rank], start, quantity)

    def nearer(
        self, segment: list[int], starts: list[int], quantity: int
    ) -> tuple[int, int]:
        every = [
            (self.cost(segment, start, quantity), start)
            for start in range(len(segment))
            if len(self.window(segment, start, quantity)) == quantity
        ]
        best = min(every)[1]
        left = [start for start in starts if start <= best][-1:]
        right = [start for start in starts if start > best][:1]
        if segment in self.rings:
            left, right = left or starts[-1:], right or starts[:1]
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
                    clean = [
                        start
                        for start in starts
                        if not self.orphans(self.window(segment, start, size), found)
                    ]
                    start = self.nearer(segment, clean or starts, size)[1]
                    found += self.window(segment, start, size)
                    pieces -= 1


def around(positions: set[int] | list[int], begin: int) -> int:
    """The first position at or after `begin`, else the first of all."""
    return min(positions, key=lambda position: (position < begin, position))
