"""Making a forecast: one pass over the line, from its front to its end.

Pure, and in slices: after each stretch of the line whoever makes one may let others go
on. A rank that changes its state meanwhile is counted as it was, or as it is.

Stretches are even up to twice the rank at which all will be gone, which is where odds
change, and grow behind it. Those of a stretch who wish for the same are one cell: it
takes what it is expected to find, in the order of its wishes.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import compress, pairwise
from math import prod
from typing import Final
from weakref import WeakKeyDictionary

from msgspec import Struct

from inventory.line.line import AWAY, PAUSED, WAITING, Line
from inventory.line.serving import all_places
from inventory.line.wishes import NO_WISH
from inventory.records import FREE, HELD
from inventory.rules.line_guard import wish_floor
from inventory.state import Stock
from inventory.venue.map import Venue
from server.events.line.odds.forecast import (
    TENTHS,
    Forecast,
    Supply,
    chance_of,
    reach,
    to_choose,
)
from server.events.line.odds.words import Calibration

EVEN: Final = 40
GROWING: Final = 16
AWAY_SHARE: Final = 0.5
"""Of those who are gone, or paused, so many are back when it is their turn."""

_LITTLE: Final = 0.01
_HERE: Final = bytes(state == WAITING for state in range(256))
_GONE: Final = bytes(state in (AWAY, PAUSED) for state in range(256))


class Habits(Struct, frozen=True):
    """What is known of those who had their turn."""

    kept: float
    """The share of held places that is booked."""
    mean: float
    """Places that a turn without a wish takes, and their variance."""
    variance: float
    common: float
    """The part by which all of that may be wrong at once."""
    holding: float
    """So many hold something at a time, undecided."""
    known: bool
    """Whether that is known, and not only expected."""
    calibration: Calibration


class Cell(Struct, frozen=True):
    """Those of a stretch who wish for the same; `choosing` ones take what they like."""

    count: float
    quantity: float
    supplies: tuple[int, ...]
    choosing: bool = False
    together: bool = True
    ranked: bool = True


class ForecastMaking:
    """One forecast in the making."""

    def __init__(
        self, stock: Stock, line: Line, epoch: int, now_ms: int, habits: Habits
    ) -> None:
        self._line = line
        self._habits = habits
        self._at = epoch, stock.version, now_ms
        self._supplies = supplies_of(stock)
        self._there = [
            one.free + one.held * (1 - habits.kept) for one in self._supplies
        ]
        self._floor = (
            wish_floor(all_places(stock), line.opened.wish_floor) if line.gated else 0
        )
        self._wished = line.waiting_wishes > 0
        count = len(self._supplies)
        self._mean, self._spread = [0.0] * count, [0.0] * count
        self._wanted = 0.0
        self._marks: list[tuple[int, int, list[int], list[int]]] = []
        self._cells: dict[int, Cell] = {}

    def steps(self) -> Iterator[None]:
        """Go over the line, a stretch at each step."""
        ranks = stretches(self._line, sum(self._there), self._habits)
        self._mark(ranks[0])
        for begin, end in pairwise(ranks):
            self._pass(begin, end)
            self._mark(end)
            yield

    def forecast(self) -> Forecast:
        """Return the forecast of a line that was gone over."""
        habits, line = self._habits, self._line
        epoch, version, at_ms = self._at
        supplies = tuple(
            Supply(
                one.category,
                one.accessible,
                one.places,
                one.free,
                one.held,
                one.rows,
                tuple(mark[2][number] for mark in self._marks),
                tuple(mark[3][number] for mark in self._marks),
            )
            for number, one in enumerate(self._supplies)
        )
        return Forecast(
            line.rules.event,
            epoch,
            version,
            at_ms,
            habits.known,
            not line.gated,
            tuple(mark[0] for mark in self._marks),
            tuple(mark[1] for mark in self._marks),
            supplies,
            habits.kept,
            habits.common,
            habits.holding,
            self._floor,
            self._wished,
            habits.calibration.shift,
            habits.calibration.slope,
        )

    def _mark(self, rank: int) -> None:
        means = [round(TENTHS * one) for one in self._mean]
        spreads = [round(TENTHS * one) for one in self._spread]
        self._marks.append((rank, round(self._wanted), means, spreads))

    def _pass(self, begin: int, end: int) -> None:
        """Let those from one rank to before another take what they will."""
        line = self._line
        states = line.states[begin - 1 : end - 1]
        classes = line.classes[begin - 1 : end - 1]
        here = Counter(compress(classes, states.translate(_HERE)))
        gone = Counter(compress(classes, states.translate(_GONE)))
        cells: list[Cell] = []
        for number in here.keys() | gone.keys():
            some, others = here[number], gone[number]
            wishes = number != NO_WISH
            waits = some + others
            self._wanted += waits * (line.wishes[number - 1].quantity if wishes else 1)
            # A wish is served though nobody looks, where the line does that.
            share = 1.0 if wishes and line.serve_away else AWAY_SHARE
            cells.append(self._cell(number, some + share * others))
        # What they find at the begin is more than at the end: so count with the middle.
        first = self._taken(cells, self._mean, self._spread)
        middle = [
            [old + new / 2 for old, new in zip(olds, news, strict=True)]
            for olds, news in zip((self._mean, self._spread), first, strict=True)
        ]
        mean, spread = self._taken(cells, *middle)
        for number, begun in enumerate(first[0]):
            self._mean[number] += mean[number]
            # Where more is gone less is found: that draws together what may be gone.
            less = 2 * (begun - mean[number]) / begun if begun > _LITTLE else 0.0
            drawn = min(1.0, max(0.0, 1.0 - less))
            self._spread[number] *= drawn * drawn
            self._spread[number] += spread[number]

    def _cell(self, number: int, count: float) -> Cell:
        known = self._cells.get(number)
        if known is None:
            known = self._cells[number] = self._new_cell(number)
        return Cell(
            count,
            known.quantity,
            known.supplies,
            known.choosing,
            known.together,
            known.ranked,
        )

    def _new_cell(self, number: int) -> Cell:
        every = tuple(at for at, one in enumerate(self._supplies) if not one.accessible)
        if number == NO_WISH:
            return Cell(0, self._habits.mean, every, choosing=True, ranked=False)
        wish = self._line.wishes[number - 1]
        mine = {
            one.category: at
            for at, one in enumerate(self._supplies)
            if one.accessible is wish.accessible
        }
        wished = [mine[one] for one in wish.categories if one in mine]
        return Cell(
            0,
            wish.quantity,
            tuple(wished) if wish.categories else tuple(mine.values()),
            together=wish.together,
            ranked=bool(wish.categories),
        )

    def _taken(
        self, cells: list[Cell], mean: list[float], spread: list[float]
    ) -> tuple[list[float], list[float]]:
        """Return what cells take in the mean, and its variance, as it is by then."""
        count = len(self._supplies)
        means, spreads = [0.0] * count, [0.0] * count
        for cell in cells:
            for at, share in self._shares(cell, mean, spread):
                got = share * self._habits.kept
                size = cell.quantity
                square = size * size
                if cell.choosing:
                    square += self._habits.variance
                means[at] += cell.count * got * size
                spreads[at] += cell.count * (got * square - (got * size) ** 2)
        return means, spreads

    def _shares(
        self, cell: Cell, mean: list[float], spread: list[float]
    ) -> Iterator[tuple[int, float]]:
        """Return which share of a cell is served from each supply."""
        if cell.choosing:
            gone = sum(mean[at] for at in cell.supplies)
            spreads = sum(spread[at] for at in cell.supplies)
            there: float
            if self._wished:
                there = sum(self._supplies[at].free for at in cell.supplies)
                kept = self._habits.kept
            else:
                there, kept = sum(self._there[at] for at in cell.supplies), 1.0
            there -= self._floor
            found = to_choose(there, gone, spreads, kept, self._habits.common)
            yield from self._spread_over(cell, mean, found)
            return
        chances = [self._chance(cell, at, mean, spread) for at in cell.supplies]
        if not cell.ranked:
            found = 1 - prod(1 - one for one in chances)
            yield from self._spread_over(cell, mean, found)
            return
        left = 1.0
        for at, chance in zip(cell.supplies, chances, strict=True):
            yield at, left * chance
            left *= 1 - chance

    def _spread_over(
        self, cell: Cell, mean: list[float], found: float
    ) -> Iterator[tuple[int, float]]:
        """Return shares of supplies as large as what is left of each."""
        left = [max(0.0, self._there[at] - mean[at]) for at in cell.supplies]
        total = sum(left)
        if total > 0:
            for at, some in zip(cell.supplies, left, strict=True):
                yield at, found * some / total

    def _chance(
        self, cell: Cell, at: int, mean: list[float], spread: list[float]
    ) -> float:
        quantity = round(cell.quantity)
        rows = self._supplies[at].rows and cell.together
        there = reach(self._there[at], quantity, rows=rows)
        return chance_of(there, mean[at], spread[at], quantity, self._habits.common)


def stretches(line: Line, there: float, habits: Habits) -> list[int]:
    """Return ranks from the first who is not done to behind the last, ascending."""
    states = line.states
    alive = [at for at in map(states.find, b"wapu") if at >= 0]
    first = min(alive) + 1 if alive else line.fed + 1
    last = line.fed + 1
    each = max(habits.mean * habits.kept, 0.1)
    even = min(last, first + 1 + round(2 * there / each))
    found = {first, last}
    found.update(first + (even - first) * step // EVEN for step in range(EVEN + 1))
    more = last - even
    if more > 0:
        found.update(
            even + int(more ** (step / GROWING)) for step in range(1, GROWING + 1)
        )
    return sorted(found)


def supplies_of(stock: Stock) -> list[Supply]:
    """Return what there is, by category; seats for wheelchairs apart."""
    venue, letters = stock.venue, stock.letters
    keys = _KEYS.get(venue)
    if keys is None:
        keys = _KEYS[venue] = _keys_of(venue)
    places = Counter(keys)
    free = Counter(compress(keys, letters.translate(_FREE)))
    held = Counter(compress(keys, letters.translate(_HELD)))
    rows = frozenset(places)
    for category, areas in venue.areas_of.items():
        for index in areas:
            area = stock.areas[index]
            places[category, False] += sum(area.counts())
            free[category, False] += area.free
            held[category, False] += area.held
    return [
        Supply(*key, count, free[key], held[key], key in rows, (), ())
        for key, count in places.items()
    ]


def _keys_of(venue: Venue) -> list[tuple[str, bool]]:
    """Return of which supply each seat is."""
    known: dict[tuple[str, bool], tuple[str, bool]] = {}
    keys = []
    for seat, category in zip(venue.seats, venue.seat_categories, strict=True):
        key = category, seat.accessible or seat.companion
        keys.append(known.setdefault(key, key))
    return keys


_KEYS: Final[WeakKeyDictionary[Venue, list[tuple[str, bool]]]] = WeakKeyDictionary()
_FREE: Final = bytes(letter == FREE for letter in range(256))
_HELD: Final = bytes(letter == HELD for letter in range(256))
