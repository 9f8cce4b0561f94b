"""Who is next, and what they get: the first in line whose wish fits.

Nothing is changed here that another would see: queues drop whoever waits no more, and
what did not fit is noted, until something is freed.
"""

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from inventory.changes import Seats
from inventory.line.wishes import Atom, Wish
from inventory.venue.map import Venue

if TYPE_CHECKING:
    from inventory.line.line import Line
    from inventory.state import Stock

_NO_AREAS: Final[dict[int, int]] = {}


class Found(Struct, frozen=True, gc=False):
    """What serves a wish: seats and places of one category."""

    category: str
    seats: Seats
    areas: dict[int, int]


def note_freed(line: "Line", venue: Venue, seats: Seats, areas: Iterable[int]) -> None:
    """Note that these are free, which were not."""
    drawn = venue.seat_categories
    line.freed.update([drawn[seat] for seat in seats])
    line.freed.update([venue.areas[area].category for area in areas])


def next_wish(stock: "Stock", line: "Line") -> int | None:
    """Return the lowest rank whose wish fits."""
    if line.freed:
        _look_again(stock, line)
    heads = line.heads
    while heads:
        rank, atom = heads[0]
        first = None if line.is_parked(atom) else line.first_of(atom)
        if first is None:
            heappop(heads)
            if not line.is_parked(atom):
                line.idle(atom)
        elif first != rank:
            heappop(heads)
            heappush(heads, (first, atom))
        elif fits(stock, atom):
            return rank
        else:
            heappop(heads)
            line.park(rank, atom)
    return None


def _look_again(stock: "Stock", line: "Line") -> None:
    """Look again for what did not fit, where something of it was freed.

    Of one kind, the fewest come first: where they do not fit, more do not either. So
    there is one look for a kind, not one for each of its atoms.
    """
    for kind, parked in line.unfit.items():
        category, together, accessible = kind
        if category and category not in line.freed:
            continue
        for atom in sorted(parked):
            if fits(stock, atom):
                line.unpark(atom)
            elif together or not accessible:
                break
    line.freed.clear()


def fits(stock: "Stock", atom: Atom) -> bool:
    """Return whether an atom can be served now."""
    quantity, category, together, accessible = atom
    if category:
        return _fits_in(stock, quantity, category, together, accessible)
    # One look tells of most that there is not even a part of it.
    window = stock.finder.has_window(quantity, None, accessible)
    if together and not window and not stock.areas:
        return False
    for one in stock.venue.areas_of:
        if _fits_in(stock, quantity, one, together, accessible):
            return True
    return False


def _fits_in(
    stock: "Stock", quantity: int, category: str, together: bool, accessible: bool
) -> bool:
    finder = stock.finder
    if finder.has_window(quantity, category, accessible):
        return True
    if not together:
        if not accessible:
            if finder.free_count(category) >= quantity:
                return True
        elif finder.scattered(quantity, category=category, accessible=True):
            return True
    return not accessible and _roomiest(stock, category, quantity) is not None


def serve(stock: "Stock", wish: Wish) -> Found | None:
    """Return what serves a wish: of the first of its categories that has it.

    Who wants any has the best there is, if that is of one category, else what the first
    category of the venue has.
    """
    if not wish.categories:
        found = _best_of_any(stock, wish)
        if found is not None:
            return found
    for category in wish.categories or stock.venue.areas_of:
        found = _serve_in(stock, category, wish)
        if found is not None:
            return found
    return None


def _best_of_any(stock: "Stock", wish: Wish) -> Found | None:
    """Return the best seats of the venue, where they are of one category."""
    seats = stock.finder.best(wish.quantity, accessible=wish.accessible)
    if seats is None:
        return None
    drawn = stock.venue.seat_categories
    category = drawn[seats[0]]
    if any(drawn[seat] != category for seat in seats):
        return None
    return Found(category, tuple(seats), _NO_AREAS)


def _serve_in(stock: "Stock", category: str, wish: Wish) -> Found | None:
    """Return what serves a wish in one category: seats, else places of an area."""
    finder, quantity, accessible = stock.finder, wish.quantity, wish.accessible
    seats = finder.best(quantity, category=category, accessible=accessible)
    if seats is None and not wish.together:
        seats = finder.scattered(quantity, category=category, accessible=accessible)
    if seats is not None:
        return Found(category, tuple(seats), _NO_AREAS)
    area = None if accessible else _roomiest(stock, category, quantity)
    return None if area is None else Found(category, (), {area: quantity})


def _roomiest(stock: "Stock", category: str, quantity: int) -> int | None:
    """Return the area of a category with the most free places, if there are enough."""
    best, most = None, quantity - 1
    for index in stock.venue.areas_of.get(category, ()):
        if stock.areas[index].free > most:
            best, most = index, stock.areas[index].free
    return best


def free_places(stock: "Stock") -> int:
    """Return how many seats and places anybody may have."""
    return stock.finder.free_count() + sum(area.free for area in stock.areas)


def held_places(stock: "Stock") -> int:
    """Return how many seats and places are in holds."""
    return stock.letters.count(b"h") + sum(area.held for area in stock.areas)


def all_places(stock: "Stock") -> int:
    """Return how many seats and places there are."""
    return len(stock.letters) + sum(sum(area.counts()) for area in stock.areas)
