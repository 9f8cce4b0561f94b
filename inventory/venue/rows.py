"""Who sits beside whom: every row of a map, walked seat by seat.

A row is walked in the order of its list, which follows curves and goes round tables,
unless the places of its seats give a walk with shorter steps: odd numbers listed before
even ones, both sides of an aisle from the aisle, or any other way of numbering.

Where the walk comes back to its beginning, as at a round table, its ends are
neighbours, too.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import atan2, hypot, pi
from statistics import median_low
from typing import NamedTuple, Protocol

GAP_FACTOR = 1.75
"""Two neighbours in a row further apart than this many usual steps have an aisle
between them: they are not adjacent. One seat left out of a row (two steps) is one."""

JUMP_FACTOR = 2.0
"""How many usual steps a jump counts at most where two walks are compared: how wide an
aisle is says nothing about the order of seats."""

SHORTER_FACTOR = 0.999
"""A walk is shorter than another one when it is so by more than rounding."""

AHEAD_FACTOR = 1.3
"""Of seats that are about as near, within this factor, the one straight ahead is next:
the walk does not change to a line behind."""

WALKED_SEATS_MAX = 500
"""Longer rows are taken as they are listed: what looks for neighbours in them would
keep an event waiting."""

TURNING_SEATS_MIN = 10
TURN_COSINE = -0.7
"""A row of that many seats whose direction turns by more than about 135 degrees within
one step turns back on itself. A round table of as many turns by 72 degrees."""

TURN_MAX = 0.75 * pi
"""No turn at a seat of a ring is sharper: three chairs around a table turn by 120
degrees, three staggered seats of a row, taken for a ring, by more."""

OVAL_MAX = 2.0
"""How many times further from the middle than the nearest the furthest seat of a round
table is, at most."""


class Run(NamedTuple):
    """Adjacent seats in order, as seat indexes; in a ring the ends are adjacent, too.

    A ring has three seats at least.
    """

    seats: list[int]
    ring: bool = False


class Placed(Protocol):
    """A seat, as far as this module looks at it."""

    @property
    def index(self) -> int: ...
    @property
    def section(self) -> str | None: ...
    @property
    def row(self) -> str | None: ...
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...


class _Walk(NamedTuple):
    """The seats of one row in order, where they are, and the steps between them."""

    seats: list[int]
    points: list[tuple[float, float]]
    steps: list[float]


def runs_of(seats: Sequence[Placed]) -> list[Run]:
    """Split every row where an aisle, another row or another section begins.

    What is in no row stands alone.
    """
    runs: list[Run] = []
    rows: dict[tuple[str | None, str | None], list[Placed]] = {}
    for seat in seats:
        if seat.row is None:
            runs.append(Run([seat.index]))
        else:
            rows.setdefault((seat.section, seat.row), []).append(seat)
    walks = [_walk(row) for row in rows.values()]
    usual = [median_low(walk.steps) for walk in walks if len(walk.steps) > 1]
    # Two seats alone cannot tell whether there is an aisle between them, so the rest of
    # the venue does; generously: a table for two is wider than a step.
    pair_step = 2 * median_low(usual) if usual else 0.0
    for walk in walks:
        runs.extend(_split(walk, pair_step))
    return runs


def _walk(row: list[Placed]) -> _Walk:
    """Return a row's seats in the order one walks past them."""
    points = [(seat.x, seat.y) for seat in row]
    listed = list(range(len(row)))
    steps = _steps(points)
    axis = _main_axis(points)
    along = [point[axis] for point in points]
    straight = sorted(listed, key=along.__getitem__)
    if straight[0] > straight[-1]:
        straight.reverse()
    if straight != listed and len(row) <= WALKED_SEATS_MAX:
        order = _nearest_first(points, axis)
        nearer = [points[i] for i in order]
        if _is_shorter(_steps(nearer), steps) and _is_row(nearer):
            order = _oriented(order)
            points = [points[i] for i in order]
            return _Walk([row[i].index for i in order], points, _steps(points))
    return _Walk([seat.index for seat in row], points, steps)


def _steps(points: list[tuple[float, float]]) -> list[float]:
    return [hypot(bx - ax, by - ay) for (ax, ay), (bx, by) in pairwise(points)]


def _main_axis(points: list[tuple[float, float]]) -> int:
    """Return which coordinate the row runs along: 0 for x, 1 for y."""
    xs, ys = zip(*points, strict=True)
    return 0 if max(xs) - min(xs) >= max(ys) - min(ys) else 1


def _is_shorter(steps: list[float], other: list[float]) -> bool:
    jump = JUMP_FACTOR * median_low(steps)
    length = sum(min(step, jump) for step in steps)
    return length < SHORTER_FACTOR * sum(min(step, jump) for step in other)


def _is_row(points: list[tuple[float, float]]) -> bool:
    """Whether a walk that nobody listed is a row, or a round table.

    Few seats in two lines are not: their list knows better which of them are beside
    each other. Many are cut where they turn back.
    """
    if len(points) >= TURNING_SEATS_MIN:
        return True
    if not any(_turns_back(points, i) for i in range(1, len(points) - 2)):
        return True
    mx = sum(x for x, _ in points) / len(points)
    my = sum(y for _, y in points) / len(points)
    radii = [hypot(x - mx, y - my) for x, y in points]
    return max(radii) <= OVAL_MAX * min(radii)


def _oriented(order: list[int]) -> list[int]:
    """Turn a walk so that it begins at the end that is listed first."""
    return order[::-1] if order[0] > order[-1] else order


def _nearest_first(points: list[tuple[float, float]], axis: int) -> list[int]:
    """Walk from an end of the row always to the nearest seat that is left.

    In a horseshoe the outermost seat is no end: the walk jumps once from an end to
    where it began. It is tried again from the seat before its longest step.
    """
    by_place = sorted(
        range(len(points)), key=lambda i: (points[i][axis], points[i][1 - axis])
    )
    first = _chain(points, axis, by_place, 0)
    steps = _steps([points[i] for i in first])
    turn = first[steps.index(max(steps))]
    second = _chain(points, axis, by_place, by_place.index(turn))
    again = _steps([points[i] for i in second])
    return second if _is_shorter(again, steps) else first


def _chain(
    points: list[tuple[float, float]], axis: int, by_place: list[int], start: int
) -> list[int]:
    """Go to the nearest seat again and again; `start` is a position in `by_place`.

    Seats are looked at in both directions along the axis, as far as they may be nearer
    than what is found; those passed are taken out of the list on the way.
    """
    count = len(by_place)
    after = list(range(1, count + 1))
    before = list(range(-1, count - 1))
    here = start
    ahead = (1.0, 0.0) if axis == 0 else (0.0, 1.0)
    walked = [by_place[here]]
    while len(walked) < count:
        left, right = before[here], after[here]
        if left >= 0:
            after[left] = right
        if right < count:
            before[right] = left
        x, y = points[by_place[here]]
        near: list[tuple[float, int]] = []
        reach = float("inf")
        for place, links in ((left, before), (right, after)):
            while 0 <= place < count:
                px, py = points[by_place[place]]
                if abs((px, py)[axis] - (x, y)[axis]) > reach:
                    break
                distance = hypot(px - x, py - y)
                near.append((distance, place))
                reach = min(reach, distance * AHEAD_FACTOR)
                place = links[place]
        here = _straightest(near, reach, points, by_place, (x, y), ahead)
        nx, ny = points[by_place[here]]
        ahead = (nx - x, ny - y)
        walked.append(by_place[here])
    return walked


def _straightest(
    near: list[tuple[float, int]],
    reach: float,
    points: list[tuple[float, float]],
    by_place: list[int],
    at: tuple[float, float],
    ahead: tuple[float, float],
) -> int:
    """Return the place within reach that changes the direction least."""
    best, best_cosine = -1, -2.0
    for distance, place in sorted(near):
        if distance > reach:
            break
        px, py = points[by_place[place]]
        dot = (px - at[0]) * ahead[0] + (py - at[1]) * ahead[1]
        cosine = dot / distance if distance else hypot(*ahead)
        if best < 0 or cosine > best_cosine:
            best, best_cosine = place, cosine
    return best


def _split(walk: _Walk, pair_step: float) -> list[Run]:
    """Cut a row at its aisles, and where it turns back on itself."""
    seats, points, steps = walk
    usual = median_low(steps) if len(steps) > 1 else pair_step
    widest = usual * GAP_FACTOR
    closed = _is_closed(points, widest)
    if closed:
        (x, y), (first_x, first_y) = points[-1], points[0]
        steps = [*steps, hypot(first_x - x, first_y - y)]
    cuts = [
        i + 1
        for i, step in enumerate(steps)
        if step > widest > 0 or _bends(points, i, closed)
    ]
    if closed and not cuts:
        return [Run(seats, ring=True)]
    if closed:
        # What is before the first cut goes on behind the last one.
        last, count = cuts.pop(), len(seats)
        seats = seats[last:] + seats[:last]
        cuts = [count - last + cut for cut in cuts]
    return [Run(seats[begin:end]) for begin, end in pairwise([0, *cuts, len(seats)])]


def _bends(points: list[tuple[float, float]], i: int, closed: bool) -> bool:
    """Whether the row runs the other way behind the step after its seat i.

    Then two lines of seats have one name. Short rows may: they surround a table.
    """
    if len(points) < TURNING_SEATS_MIN:
        return False
    return (closed or 0 < i < len(points) - 2) and _turns_back(points, i)


def _turns_back(points: list[tuple[float, float]], i: int) -> bool:
    """Whether the steps before and after the one that follows seat i are opposite."""
    count = len(points)
    (ax, ay), (bx, by) = points[i - 1], points[i]
    (cx, cy), (dx, dy) = points[(i + 1) % count], points[(i + 2) % count]
    before, after = (bx - ax, by - ay), (dx - cx, dy - cy)
    dot = before[0] * after[0] + before[1] * after[1]
    return dot < TURN_COSINE * hypot(*before) * hypot(*after)


def _is_closed(points: list[tuple[float, float]], widest: float) -> bool:
    """Whether a walk goes round once and ends beside its beginning."""
    (x, y), (last_x, last_y) = points[0], points[-1]
    if len(points) < 3 or not 0 < hypot(last_x - x, last_y - y) <= widest:
        return False
    around = [points[-1], *points, points[0]]
    turned = 0.0
    for (ax, ay), (bx, by), (cx, cy) in zip(
        around, around[1:], around[2:], strict=False
    ):
        px, py, qx, qy = bx - ax, by - ay, cx - bx, cy - by
        turn = atan2(px * qy - py * qx, px * qx + py * qy)
        if abs(turn) > TURN_MAX:
            return False
        turned += turn
    return abs(abs(turned) - 2 * pi) < 0.1
