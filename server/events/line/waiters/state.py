"""How a line stands, as its owner says once a second: for all who wait, in a kilobyte.

Pure. Each one works out from a few marks how many are ahead: exact at a mark, between
two of them on the line that joins them. How many are before a rank never rises: who is
done is done.
"""

from bisect import bisect_right
from itertools import pairwise
from math import ceil, sqrt
from typing import Final

from msgspec import Struct

from inventory.line.line import DONE, LEFT, TURN, WAITING, Line
from inventory.line.serving import all_places, free_places
from inventory.rules.line_guard import wish_floor
from inventory.rules.line_turns import is_over
from inventory.state import Stock
from server.events.line.rules import TellablePhase

MARKS_MAX: Final = 16
KNOWN_TURNS: Final = 50
"""Before so many turns nobody says how long it takes."""

P90: Final = 1.28
"""Of nine in ten, in standard deviations."""

NEAR: Final = 500
NEAR_S: Final = 120
MIDDLE_S: Final = 600
UNKNOWN_MIDDLE: Final = 5_000
"""So many are not far, where nobody knows how long they wait."""


class Mark(Struct, frozen=True, array_like=True):
    """How many before a rank are not done, and how many of them wait and are here."""

    rank: int
    left: int
    here: int


class LineState(Struct, frozen=True):
    """A line at one moment."""

    event: str
    epoch: int
    phase: TellablePhase
    version: int
    at_ms: int
    fed: int
    next: int
    """The rank that was served last, of those who are furthest down."""
    marks: tuple[Mark, ...]
    turns: int
    """Given within the last `over_s` seconds."""
    over_s: float
    left: dict[str, int]
    """Free places, by category."""
    near: int
    """Up to this rank people are told soon again; up to `middle`, now and then."""
    middle: int
    head: int
    """Up to this rank it is noted who is here."""
    draw: int = 1
    """The one that the ranks are of."""

    @property
    def per_min(self) -> float | None:
        """Return the turns a minute; None until it is known."""
        if self.turns < KNOWN_TURNS or self.over_s <= 0:
            return None
        return 60 * self.turns / self.over_s

    def ahead(self, rank: int) -> int:
        """Return about how many before a rank are not done; exact at a mark."""
        return self._of(rank)[0]

    def here(self, rank: int) -> int:
        """Return about how many of those before a rank wait and are here."""
        return self._of(rank)[1]

    def wait_s(self, rank: int) -> tuple[int, int] | None:
        """Return how long it takes till a rank is served: one in two, nine in ten."""
        return wait_s(self._of(rank)[1], self.turns, self.over_s)

    def _of(self, rank: int) -> tuple[int, int]:
        marks = self.marks
        at = bisect_right(marks, rank, key=_rank_of)
        if not at:
            return 0, 0
        low = marks[at - 1]
        if at == len(marks):
            return low.left + rank - low.rank, low.here + rank - low.rank
        high = marks[at]
        part = (rank - low.rank) / (high.rank - low.rank)
        return (
            ceil(low.left + part * (high.left - low.left)),
            ceil(low.here + part * (high.here - low.here)),
        )


def _rank_of(mark: Mark) -> int:
    return mark.rank


def wait_s(here: int, turns: int, over_s: float) -> tuple[int, int] | None:
    """Return how long `here` people take, where so many turns took `over_s`.

    The first is what half of them see, the second nine of ten; None where too few turns
    are known.
    """
    if turns < KNOWN_TURNS or over_s <= 0:
        return None
    middle = here * over_s / turns
    spread = P90 * sqrt(1 / max(here, 1) + 1 / turns)
    return int(middle), ceil(middle * (1 + spread))


def marks_of(line: Line) -> tuple[Mark, ...]:
    """Return marks from the first who is not done to behind the last, denser in front.

    At those all who are before are counted.
    """
    states = line.states
    alive = [at for at in map(states.find, b"waput") if at >= 0]
    first = min(alive) + 1 if alive else line.fed + 1
    span = line.fed + 1 - first
    ranks = {first, line.fed + 1}
    for step in range(MARKS_MAX - 1):
        ranks.add(first + min(span, int(span ** (step / (MARKS_MAX - 2)))))
    marks, begin, left, here = [], first - 1, 0, 0
    for rank in sorted(ranks):
        end = rank - 1
        over = states.count(DONE, begin, end) + states.count(LEFT, begin, end)
        left += end - begin - over
        here += states.count(WAITING, begin, end)
        marks.append(Mark(rank, left, here))
        begin = end
    return tuple(marks)


def ahead_of(line: Line, rank: int) -> int:
    """Return exactly how many before a rank are not done."""
    states, end = line.states, rank - 1
    return end - states.count(DONE, 0, end) - states.count(LEFT, 0, end)


def phase_now(stock: Stock, line: Line, now_ms: int) -> TellablePhase:
    """Return the phase of a line, from what its event knows."""
    if is_over(stock, line):
        return "over"
    if not line.gated:
        return "waitlist"
    opens_ms, closes_ms = line.rules.opens_at_ms, line.rules.closes_at_ms
    if line.opened.mode == "fifo" and opens_ms is not None and now_ms < opens_ms:
        return "gathering"
    if line.drawn is None:
        gathers = closes_ms is not None and now_ms < closes_ms
        return "gathering" if gathers and line.fixed is None else "drawing"
    floor = wish_floor(all_places(stock), line.opened.wish_floor)
    return "open" if free_places(stock) >= floor else "waitlist"


def left_of(stock: Stock) -> dict[str, int]:
    """Return the free places of each category."""
    left = {}
    for category, areas in stock.venue.areas_of.items():
        free = sum(stock.areas[index].free for index in areas)
        left[category] = stock.finder.free_count(category) + free
    return left


def state_of_line(
    stock: Stock,
    line: Line,
    epoch: int,
    now_ms: int,
    head: int,
    turns: int,
    over_s: float,
) -> LineState:
    """Return how a line stands."""
    states = line.states
    marks = marks_of(line)
    state = LineState(
        line.rules.event,
        epoch,
        phase_now(stock, line, now_ms),
        stock.version,
        now_ms,
        line.fed,
        max(states.rfind(DONE), states.rfind(TURN)) + 1,
        marks,
        turns,
        over_s,
        left_of(stock),
        0,
        0,
        head,
        line.opened.draw,
    )
    return _with_distances(state)


def _with_distances(state: LineState) -> LineState:
    """Add up to which ranks people are near, and not far."""
    near, middle = NEAR, UNKNOWN_MIDDLE
    if state.turns >= KNOWN_TURNS and state.over_s > 0:
        rate = state.turns / state.over_s
        near, middle = max(near, int(NEAR_S * rate)), int(MIDDLE_S * rate)
    fields = {name: getattr(state, name) for name in LineState.__struct_fields__}
    fields["near"] = _rank_with(state.marks, near)
    fields["middle"] = _rank_with(state.marks, max(near, middle))
    return LineState(**fields)


def _rank_with(marks: tuple[Mark, ...], left: int) -> int:
    """Return about the last rank that has at most so many before it."""
    rank = marks[0].rank
    for low, high in pairwise(marks):
        if high.left > left:
            grown = high.left - low.left
            return low.rank + (high.rank - low.rank) * (left - low.left) // grown
        rank = high.rank
    return rank
