"""What charts draw beside their seats, and that no drawing ever refuses a chart."""

from math import inf, nan
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import limits
from inventory.venue.chart import FLOOR_SPACING, read_chart
from inventory.venue.drawing import Drawing, Floor, Shape, Text, Zone
from inventory.venue.own import read_map
from tests import charts

POINTS = [{"x": 0, "y": 0}, {"x": 10, "y": 0}, {"x": 10, "y": 10}]
STAGE = {
    "type": "rectangle",
    "smartType": "stage",
    "label": "Stage",
    "center": {"x": 50, "y": 10},
    "width": 80,
    "height": 20,
    "rotationAngle": 350,
}


def drawn(**objects: Any) -> Drawing:
    """What a small chart draws with these objects added."""
    chart = charts.load("tiny")
    chart["subChart"].update(generalAdmissionAreas=[], **objects)
    return read_chart(chart).drawing or Drawing()


def test_a_stage_is_a_form_with_a_role_and_other_forms_are_decor():
    pillar = {"type": "circle", "center": {"x": 1, "y": 2}, "radius": 3}
    path = {"type": "polygon", "points": POINTS}
    stage, round_one, corners = drawn(shapes=[STAGE, pillar, path]).shapes
    assert stage == Shape(
        kind="rectangle",
        role="stage",
        label="Stage",
        x=50,
        y=10,
        width=80,
        height=20,
        rotation=350,
    )
    assert round_one == Shape(kind="ellipse", x=1, y=2, width=6, height=6)
    assert corners == Shape(kind="polygon", points=[0, 0, 10, 0, 10, 10])


def test_areas_booths_and_tables_have_their_forms_and_labels():
    drawing = read_chart(charts.load("supper")).drawing
    assert drawing is not None
    forms = {(one.role, one.label): one for one in drawing.shapes}
    assert forms["area", "Bar"].points == [200, 180, 260, 180, 260, 240, 200, 240]
    assert forms["booth", "B1"].width == 50
    table = forms["table", "T1"]
    assert (table.kind, table.x, table.y) == ("ellipse", 100, 100)
    assert table.width > 0


def test_what_is_in_a_section_is_placed_by_it_and_its_outline_is_not():
    chart = charts.load("playhouse")
    stalls = chart["subChart"]["sections"][0]
    stalls["points"] = POINTS
    stalls["subChart"]["shapes"] = [STAGE]
    drawing = read_chart(chart).drawing
    assert drawing is not None
    outline = next(one for one in drawing.shapes if one.role == "section")
    assert (outline.label, outline.points) == (stalls["label"], [0, 0, 10, 0, 10, 10])
    stage = next(one for one in drawing.shapes if one.role == "stage")
    corner = stalls["topLeft"]
    assert (stage.x, stage.y) == (50 + corner["x"], 10 + corner["y"])


def test_floors_lie_side_by_side_with_what_is_on_them():
    one = charts.load("tiny")
    floor = one.pop("subChart")
    floor |= {"width": 100, "height": 50, "shapes": [STAGE]}
    upper = floor | {"floorName": "2", "rows": [], "generalAdmissionAreas": []}
    one["subChartFloors"] = [floor | {"floorDisplayName": "Ground"}, upper]
    drawing = read_chart(one).drawing
    assert drawing is not None
    assert drawing.floors == [
        Floor(name="Ground", x=0, y=0, width=100, height=50),
        Floor(name="2", x=100 * FLOOR_SPACING, y=0, width=100, height=50),
    ]
    stages = [shape.x for shape in drawing.shapes if shape.role == "stage"]
    assert stages == [50, 50 + 100 * FLOOR_SPACING]


def test_zones_are_the_sections_that_name_them():
    chart = charts.load("playhouse")
    chart["zones"] = {"list": [{"key": "z", "label": "Left"}, {"key": "none"}]}
    for section in chart["subChart"]["sections"][:2]:
        section["zone"] = "z"
    labels = [one["label"] for one in chart["subChart"]["sections"][:2]]
    drawing = read_chart(chart).drawing
    assert drawing is not None
    assert drawing.zones == [Zone(label="Left", sections=labels)]


def test_texts_have_a_place_and_a_size():
    text = {"text": "To the bar", "center": {"x": 3, "y": 4}, "fontSize": 9}
    assert drawn(texts=[text]).texts == [Text(text="To the bar", x=3, y=4, size=9)]


@pytest.mark.parametrize(
    "odd",
    [
        7,
        {},
        {"center": 3},
        STAGE | {"published": False},
        STAGE | {"width": inf},
        STAGE | {"width": -1},
        STAGE | {"center": {"x": nan, "y": 0}},
        STAGE | {"rotationAngle": nan},
        {"points": POINTS[:2]},
        {"points": POINTS * limits.POINTS_PER_SHAPE_MAX},
    ],
)
def test_a_form_that_is_not_understood_is_left_out(odd: object):
    assert len(drawn(shapes=[odd, STAGE]).shapes) == 1


def test_a_label_that_nobody_can_read_is_left_out():
    for label in ("\x00", "\ud800", " ", "x" * (limits.LABEL_LENGTH_MAX + 1), 4):
        shapes = drawn(shapes=[STAGE | {"label": label}]).shapes
        assert [shape.label for shape in shapes] in ([None], [])


def test_no_more_is_kept_than_a_map_may_have():
    drawing = drawn(shapes=[STAGE] * (limits.SHAPES_PER_VENUE_MAX + 1))
    assert len(drawing.shapes) == limits.SHAPES_PER_VENUE_MAX


def test_a_chart_without_any_has_none():
    chart = charts.load("tiny")
    chart["subChart"]["generalAdmissionAreas"] = []
    assert read_chart(chart).drawing is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*STAGE, "points", "x", "y", "text", "radius1"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
@settings(max_examples=60)
def test_whatever_it_draws_the_chart_is_read_and_its_map_too(odd: object):
    chart = charts.load("tiny")
    chart["subChart"] |= {"shapes": [odd, STAGE], "texts": odd, "height": odd}
    venue_map = read_chart(chart)
    assert len(venue_map.seats) == 4
    assert read_map(msgspec.json.decode(msgspec.json.encode(venue_map))) == venue_map
