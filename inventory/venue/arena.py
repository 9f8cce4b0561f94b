"""A made-up arena of any size: a horseshoe of stands around a stage at the top.

Every row follows the same line: down one straight side, round the half circle opposite
the stage, up the other side. Aisles run straight outwards and cut the rows into
sections. Every `TIER_ROWS` rows a walkway begins a new tier with sections and numbers
of its own: 101, 102 … below, 201, 202 … above. The floor in the middle is for standing.

The same size always gives the same map, with exactly as many seats as asked for.
"""

from math import cos, pi, sin, sqrt
from typing import NamedTuple

from inventory import limits
from inventory.venue.draft import join
from inventory.venue.map import Area, Category, Point, Seat, VenueMap

SEAT = 20.0
"""Distance of two neighbours: half a metre."""

ROW = 30.0
AISLE = 48.0
WALKWAY = 120.0
TIER_ROWS = 24
SECTION_WIDTH = 360.0
"""About how wide a section is in front."""

MARGIN = 100.0
SIDE = 1_600.0
RADIUS = 1_310.0
"""Length of the sides and radius of the front row in a hall of `USUAL_SEATS`."""

USUAL_SEATS = 20_000
SMALLEST_SCALE = 0.05
STANDING_SHARE = 20
"""One standing place in each of the two areas per this many seats."""

ACCESSIBLE_EVERY = 3
"""Every third section of the first tier has two places for wheelchairs in front, each
with a seat for a companion beside it."""

PREMIUM, STANDARD, ECONOMY, STANDING = "premium", "standard", "economy", "standing"
CATEGORIES = [
    Category(PREMIUM, "Premium", "#d1495b"),
    Category(STANDARD, "Standard", "#edae49"),
    Category(ECONOMY, "Economy", "#00798c"),
    Category(STANDING, "Standing", "#66617a"),
]


class _Block(NamedTuple):
    """A wedge of the horseshoe between two aisles: part of a side, or of the arc."""

    part: str
    start: float
    end: float
    entrance: str


class _Row(NamedTuple):
    """One row all around, and how many seats it has in each block."""

    tier: int
    name: str
    radius: float
    blocks: list[_Block]
    counts: list[int]


def arena(seats: int = USUAL_SEATS) -> VenueMap:
    """Return an arena with that many seats and two standing areas."""
    if not 1 <= seats <= limits.SEATS_PER_VENUE_MAX:
        raise ValueError(f"an arena has 1 to {limits.SEATS_PER_VENUE_MAX} seats")
    scale = max(sqrt(seats / USUAL_SEATS), SMALLEST_SCALE)
    side = SIDE * scale
    rows = _rows(seats, side, RADIUS * scale)
    center = Point(rows[-1].radius + MARGIN, side + MARGIN)
    standing = max(1, seats // STANDING_SHARE)
    return VenueMap(
        seats=_seats(rows, center),
        areas=[
            Area(
                label=label,
                capacity=standing,
                category=STANDING,
                x=center.x,
                y=round(center.y - side * height, 2),
            )
            for label, height in (("Front Standing", 0.7), ("Rear Standing", 0.15))
        ],
        categories=CATEGORIES,
        focal_point=Point(center.x, MARGIN),
    )


def _blocks(side: float, radius: float) -> list[_Block]:
    """Cut the front row into sections of about the same width, in walking order."""
    along = max(1, round(side / SECTION_WIDTH))
    around = max(1, round(pi * radius / SECTION_WIDTH))
    step, turn = side / along, pi / around
    west = [
        _Block("west", i * step - side, (i + 1) * step - side, "West")
        for i in range(along)
    ]
    arc = [_Block("arc", i * turn, (i + 1) * turn, "South") for i in range(around)]
    east = [_Block("east", -i * step, -(i + 1) * step, "East") for i in range(along)]
    return west + arc + east


def _rows(seats: int, side: float, radius: float) -> list[_Row]:
    """Add rows outwards until all seats have a place; the last one is cut to fit."""
    rows: list[_Row] = []
    blocks = _blocks(side, radius)
    missing = seats
    while missing:
        tier, place = divmod(len(rows), TIER_ROWS)
        if tier and place == 0:
            radius += WALKWAY
            blocks = _blocks(side, radius)
        counts = [max(0, int(_room(block, radius) // SEAT)) for block in blocks]
        if sum(counts) > missing:
            counts = _cut(counts, missing)
        missing -= sum(counts)
        rows.append(_Row(tier, chr(ord("A") + place), radius, blocks, counts))
        radius += ROW
    return rows


def _room(block: _Block, radius: float) -> float:
    """Width of a block's row between its aisles."""
    width = abs(block.end - block.start)
    return (width * radius if block.part == "arc" else width) - AISLE


def _cut(counts: list[int], wanted: int) -> list[int]:
    """Keep the seats opposite the stage."""
    skip = (sum(counts) - wanted) // 2
    kept = []
    for count in counts:
        skipped = min(skip, count)
        skip -= skipped
        kept.append(min(count - skipped, wanted))
        wanted -= kept[-1]
    return kept


def _seats(rows: list[_Row], center: Point) -> list[Seat]:
    """Number the seats section by section, row by row."""
    seats: list[Seat] = []
    top = rows[-1].tier
    hundred = 100 if len(rows[-1].blocks) < 100 else 1_000
    for tier in range(top + 1):
        stand = [(place, row) for place, row in enumerate(rows) if row.tier == tier]
        blocks = stand[0][1].blocks
        for i, block in enumerate(blocks):
            # High up at the ends of the horseshoe one sees the stage from the side.
            restricted = 0 < tier == top and i in (0, len(blocks) - 1)
            for place, row in stand:
                category = _category(place / len(rows))
                wheelchairs = place == 0 and i % ACCESSIBLE_EVERY == 0
                points = _points(block, row.radius, row.counts[i], center)
                section = str(hundred * (tier + 1) + i + 1)
                for n, (x, y) in enumerate(points):
                    number = str(n + 1)
                    seats.append(
                        Seat(
                            index=len(seats),
                            label=join(section, row.name, number),
                            section=section,
                            row=row.name,
                            number=number,
                            category=category,
                            x=x,
                            y=y,
                            accessible=wheelchairs and n in (0, 3),
                            companion=wheelchairs and n in (1, 2),
                            restricted=restricted,
                            entrance=block.entrance,
                        )
                    )
    return seats


def _category(depth: float) -> str:
    """Price by how far out a row is, from 0 in front to 1."""
    if depth < 0.2:
        return PREMIUM
    return STANDARD if depth < 0.6 else ECONOMY


def _points(
    block: _Block, radius: float, count: int, center: Point
) -> list[tuple[float, float]]:
    """Place a block's row of seats in the middle between its aisles."""
    middle = (block.start + block.end) / 2
    step = SEAT if block.start < block.end else -SEAT
    first = -(count - 1) / 2
    points = []
    for n in range(count):
        offset = (first + n) * step
        if block.part == "arc":
            angle = pi - middle - offset / radius
            x, y = radius * cos(angle), radius * sin(angle)
        else:
            x, y = -radius if block.part == "west" else radius, middle + offset
        points.append((round(center.x + x, 2), round(center.y + y, 2)))
    return points
