"""What a map shows beside what it sells: the stage, tables, outlines, texts, floors.

Nothing of it is sold or judged by: it only helps people to find their way. Places are
in the unit of the map, as seats are.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from inventory import limits
from inventory.names import READABLE

Coordinate = Annotated[float, Meta(ge=-limits.COORDINATE_MAX, le=limits.COORDINATE_MAX)]
Size = Annotated[float, Meta(ge=0, le=limits.COORDINATE_MAX)]
Turn = Annotated[float, Meta(ge=-360, le=360)]
Label = Annotated[
    str,
    # Only told: `Draft.text` has a sentence for each of these.
    Meta(
        extra_json_schema={
            "minLength": 1,
            "maxLength": limits.LABEL_LENGTH_MAX,
            "pattern": READABLE,
        }
    ),
]
Points = Annotated[
    list[Coordinate], Meta(min_length=6, max_length=2 * limits.POINTS_PER_SHAPE_MAX)
]


class Shape(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A form on the map: `points` (x, y, x, y …), or a rectangle or an ellipse.

    `x` and `y` are the middle of the latter. `role` is what it stands for; the outline
    of a section or of an area, and a table, have its label.
    """

    kind: Literal["rectangle", "ellipse", "polygon"]
    role: Literal["stage", "table", "booth", "area", "section", "decor"] = "decor"
    label: Label | None = None
    x: Coordinate = 0.0
    y: Coordinate = 0.0
    width: Size = 0.0
    height: Size = 0.0
    rotation: Turn = 0.0
    points: Points | None = None


class Text(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Words on the map; `size` is the height of their letters."""

    text: Label
    x: Coordinate
    y: Coordinate
    size: Size = 12.0
    rotation: Turn = 0.0


class Floor(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A floor and the part of the map that it is; floors lie side by side."""

    name: Label
    x: Coordinate
    y: Coordinate
    width: Size
    height: Size


class Zone(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of the map, as the sections that belong to it."""

    label: Label
    sections: Annotated[list[Label], Meta(max_length=limits.SHAPES_PER_VENUE_MAX)] = []


class Drawing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is drawn beside seats and areas, from behind to the front."""

    shapes: Annotated[list[Shape], Meta(max_length=limits.SHAPES_PER_VENUE_MAX)] = []
    texts: Annotated[list[Text], Meta(max_length=limits.SHAPES_PER_VENUE_MAX)] = []
    floors: Annotated[list[Floor], Meta(max_length=limits.FLOORS_PER_VENUE_MAX)] = []
    zones: Annotated[list[Zone], Meta(max_length=limits.FLOORS_PER_VENUE_MAX)] = []
