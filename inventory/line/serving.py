"""Who is next, and what they get: the first in line whose wish fits.

Nothing is changed here that another would see: queues drop whoever waits no more, and
what did not fit is noted, until something is freed.
"""

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from inventory.changes import Seats
from inventory.line.wishes import Atom, Wish

if TYPE_CHECKING:
    from inventory.line.line import Line
    from inventory.state import Stock

_NO_AREAS: Final[dict[int, int]] = {}


class Found(Struct, frozen=True, gc=False):
    """What serves a wish: seats and places of one category."""

    category: str
    seats: Seats
    areas: dict[int, int]


def next_wish(stock: "Stock", line: "Line") -> int | None:
    """Return the lowest rank whose wish fits."""
    heads, unfit = line.heads, line.unfit
    while heads:
        rank, atom = heads[0]
        first = None if atom in unfit else line.first_of(atom)
        if first is None:
            heappop(heads)
            if atom not in unfit:
                line.idle(atom)
        elif first != rank:
            heappop(heads)
            heappush(heads, (first, atom))
        elif fits(stock, line, atom):
            return rank
        else:
            heappop(heads)
            unfit[atom] = rank
    return None


def fits(stock: "Stock", line: "Line", atom: Atom) -> bool:
    """Return whether an atom can be served now; more of a kind than do not, cannot."""
    quantity, category, together, accessible = atom
    kind = category, together, accessible
    if quantity >= line.cut.get(kind, quantity + 1):
        return False
    categories = (category,) if category else stock.venue.areas_of
    if any(_fits_in(stock, one, atom) for one in categories):
        return True
    if together or not accessible:
        line.cut[kind] = quantity
    return False


def _fits_in(stock: "Stock", category: str, atom: Atom) -> bool:
    quantity, _, together, accessible = atom
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
