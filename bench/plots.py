"""Plots as SVG, drawn by hand, so that a report is one file that needs nothing else."""

import math
from collections.abc import Callable
from html import escape

from msgspec import Struct

Points = list[tuple[float, float]]

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 34, 44
COLORS = ("#0b62c4", "#c4480b", "#2a8a3a", "#8a2a7a", "#7a6a10", "#555555")
PERCENTILES = (0.0, 0.9, 0.99, 0.999, 0.9999, 0.99999)
NEAR_ALL = 1e-7
"""A share of everything has no place on an axis of how much is left out."""


class Plot(Struct, kw_only=True):
    """Lines over one axis; by share, its x are shares from 0 to 1, stretched near 1."""

    title: str
    x: str
    y: str
    lines: dict[str, Points]
    by_share: bool = False


def draw(plot: Plot) -> str:
    """Draw a plot as one SVG element."""
    lines = {name: points for name, points in plot.lines.items() if len(points) > 1}
    if not lines:
        return ""
    place = _stretch if plot.by_share else float
    drawn = {
        name: [(place(x), y) for x, y in points if math.isfinite(y)]
        for name, points in lines.items()
    }
    xs = [x for points in drawn.values() for x, _ in points]
    ys = [y for points in drawn.values() for _, y in points]
    left, right = min(xs, default=0.0), max(xs, default=1.0)
    y_ticks = ticks(0.0, max(ys, default=0.0) or 1.0)
    to_x = _scale(left, right, LEFT, WIDTH - RIGHT)
    to_y = _scale(0.0, max(y_ticks[-1], *ys), HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="{escape(plot.title)}">',
        _text(LEFT, 16, plot.title, "start", "title"),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, plot.x),
        _text(LEFT, TOP - 6, plot.y, "start"),
    ]
    for y in y_ticks:
        parts += [
            f'<path class="grid" d="M{LEFT} {to_y(y):.1f}H{WIDTH - RIGHT}"/>',
            _text(LEFT - 6, to_y(y) + 4, _short(y), "end"),
        ]
    parts += [
        _text(to_x(x), HEIGHT - BOTTOM + 16, name)
        for x, name in _x_ticks(plot.by_share, left, right)
    ]
    for number, (name, points) in enumerate(drawn.items()):
        color = COLORS[number % len(COLORS)]
        path = "L".join(f"{to_x(x):.1f} {to_y(y):.1f}" for x, y in points)
        at = WIDTH - RIGHT, TOP + 4 + 15 * number
        parts += [
            f'<path class="line" stroke="{color}" d="M{path}"/>',
            _text(*at, name, "end", "name", color),
        ]
    return "".join([*parts, "</svg>"])


def ticks(low: float, high: float) -> list[float]:
    """Round numbers from below the lowest value to above the highest."""
    raw = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(n * power for n in (1, 2, 2.5, 5, 10) if n * power >= raw * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [n * step for n in range(first, last + 1)]


def _x_ticks(by_share: bool, left: float, right: float) -> list[tuple[float, str]]:
    if by_share:
        return [
            (_stretch(share), f"{share * 100:g} %")
            for share in PERCENTILES
            if left <= _stretch(share) <= right
        ]
    if right <= left:
        return []
    return [(x, _short(x)) for x in ticks(left, right) if left <= x <= right]


def _stretch(share: float) -> float:
    """Put 90 %, 99 %, 99.9 % … at equal distances."""
    return -math.log10(max(1 - share, NEAR_ALL))


def _scale(low: float, high: float, a: float, b: float) -> Callable[[float], float]:
    span = high - low or 1.0
    return lambda value: a + (value - low) / span * (b - a)


def _short(value: float) -> str:
    for size, suffix in ((1e6, " M"), (1e3, " k")):
        if abs(value) >= size * 10:
            return f"{value / size:g}{suffix}"
    return f"{value:g}"


def _text(
    x: float,
    y: float,
    text: str,
    anchor: str = "middle",
    kind: str = "axis",
    color: str = "currentColor",
) -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
        f' fill="{color}">{escape(text)}</text>'
    )
