"""A house as the slow twin of the line sees it: what is free, and what would fit."""

from inventory.line.wishes import Wish
from inventory.venue.map import Venue


class NaiveHouse:
    """The free seats and places of a venue; at first all are."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.free = {seat.index for seat in venue.seats}
        self.areas = [area.capacity for area in venue.areas]

    def general(self, seat: int) -> bool:
        drawn = self.venue.seats[seat]
        return not drawn.accessible and not drawn.companion

    def has_adjacent(self, wish: Wish, category: str) -> bool:
        for row in self.venue.segments:
            for at in range(len(row) - wish.quantity + 1):
                window = row[at : at + wish.quantity]
                if not all(
                    seat in self.free and self.venue.seats[seat].category == category
                    for seat in window
                ):
                    continue
                if wish.accessible:
                    if any(self.venue.seats[seat].accessible for seat in window):
                        return True
                elif all(map(self.general, window)):
                    return True
        return False

    def fits_in(self, wish: Wish, category: str) -> bool:
        if self.has_adjacent(wish, category):
            return True
        if wish.accessible:
            return False
        if not wish.together:
            seats = [seat for seat in self.free if self.general(seat)]
            drawn = self.venue.seats
            if sum(drawn[s].category == category for s in seats) >= wish.quantity:
                return True
        return any(
            area.category == category and free >= wish.quantity
            for area, free in zip(self.venue.areas, self.areas, strict=True)
        )

    def categories(self, wish: Wish) -> list[str]:
        return [*wish.categories] or [one.key for one in self.venue.map.categories]

    def fits(self, wish: Wish) -> bool:
        return any(self.fits_in(wish, one) for one in self.categories(wish))

    def position(self, seat: int) -> tuple[int, int]:
        for number, row in enumerate(self.venue.segments):
            if seat in row:
                return number, row.index(seat)
        raise AssertionError(seat)
