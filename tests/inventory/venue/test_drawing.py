"""What a drawing may be: its bounds, which both sources of maps share."""

from typing import Any

import msgspec
import pytest

from inventory import limits
from inventory.venue.drawing import Drawing, Shape

SQUARE: dict[str, Any] = {"kind": "polygon", "points": [0, 0, 1, 0, 1, 1]}


def read(**parts: object) -> Drawing:
    return msgspec.convert(parts, Drawing)


def test_what_is_left_out_stays_out_of_what_is_stored():
    assert msgspec.to_builtins(read(shapes=[SQUARE])) == {"shapes": [SQUARE]}
    assert msgspec.to_builtins(Drawing()) == {}


def test_a_form_is_decor_where_it_says_nothing():
    assert read(shapes=[SQUARE]).shapes == [
        Shape(kind="polygon", points=[0, 0, 1, 0, 1, 1])
    ]


@pytest.mark.parametrize(
    "shape",
    [
        SQUARE | {"points": [0, 0, 1, 0]},
        SQUARE | {"points": [0] * (2 * limits.POINTS_PER_SHAPE_MAX + 2)},
        {"kind": "ellipse", "width": -1},
        {"kind": "ellipse", "x": 2 * limits.COORDINATE_MAX},
        {"kind": "ellipse", "rotation": 361},
        {"kind": "ellipse", "role": "door"},
    ],
)
def test_a_form_beyond_its_bounds_is_refused(shape: dict[str, Any]):
    with pytest.raises(msgspec.ValidationError):
        read(shapes=[shape])
