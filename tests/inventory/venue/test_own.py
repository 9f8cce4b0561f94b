import copy
from math import nan
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import limits
from inventory.faults import Fault
from inventory.venue.arena import arena
from inventory.venue.chart import read_chart
from inventory.venue.errors import ChartError
from inventory.venue.map import Area, Category, Point, Seat, Venue
from inventory.venue.own import capacity_map, read_map
from tests import charts

SMALL: dict[str, Any] = {
    "seats": [
        {"section": "S", "row": "A", "number": "1", "category": "all"},
        {"section": "S", "row": "A", "number": "2", "category": "all"},
        {"row": "A", "number": 1, "category": "all"},
        {"label": "Box", "category": "all", "x": 5, "y": 7.5},
    ],
    "areas": [{"label": "Lawn", "capacity": 20, "category": "all"}],
    "categories": [{"key": "all", "label": "All", "color": "#336699"}],
}


def refused(value: object) -> Fault:
    """The first thing that is wrong."""
    with pytest.raises(ChartError) as caught:
        read_map(value)
    return caught.value.faults[0]


def spoilt(path: tuple[Any, ...], value: object) -> dict[str, Any]:
    changed = copy.deepcopy(SMALL)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


@pytest.mark.parametrize("name", charts.NAMES)
def test_a_map_that_was_given_out_is_read_as_it_was(name: str):
    venue_map = read_chart(charts.load(name))
    assert read_map(msgspec.to_builtins(venue_map)) == venue_map
    assert read_map(msgspec.json.decode(msgspec.json.encode(venue_map))) == venue_map


def test_what_sections_look_at_is_kept():
    venue_map = arena(100)
    given = msgspec.to_builtins(venue_map)
    given["section_focal_points"] = {"101": {"x": 1, "y": 2}}
    assert read_map(given).section_focal_points == {"101": Point(1, 2)}
    assert read_map(given).focal_point == venue_map.focal_point


def test_what_is_absent_is_derived():
    read = read_map(SMALL)
    assert [seat.label for seat in read.seats] == ["S-A-1", "S-A-2", "A-1", "Box"]
    assert read.seats[0] == Seat(
        index=0,
        label="S-A-1",
        section="S",
        row="A",
        number="1",
        category="all",
        x=-10,
        y=0,
    )
    assert [(seat.x, seat.y) for seat in read.seats] == [
        (-10, 0),
        (10, 0),
        (0, 24),
        (5, 7.5),
    ]
    assert (read.seats[3].row, read.seats[3].number) == (None, "Box")
    assert read.categories == [Category("all", "All", "#336699")]
    assert read.areas == [Area(label="Lawn", capacity=20, category="all")]
    assert Venue(read).segments == [[3], [0, 1], [2]]


def test_a_category_is_called_by_its_key_unless_it_has_a_label():
    read = read_map(spoilt(("categories", 0), {"key": "all"}))
    assert read.categories == [Category("all", "all", "#888888")]


def test_names_may_be_numbers():
    seat = {"section": 1, "row": 2, "number": 3, "category": 4}
    read = read_map({"seats": [seat], "categories": [{"key": 4}]})
    assert read.seats[0].label == "1-2-3"
    assert read.seats[0].category == "4"


def test_fields_around_the_map_are_ignored():
    assert read_map(SMALL | {"name": "Small"}) == read_map(SMALL)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("seats", 1, "number"), "1", "seats.1.label"),
        (("seats", 1, "number"), None, "seats.1"),
        (("seats", 1, "number"), "", "seats.1.number"),
        (("seats", 1, "label"), "a\0b", "seats.1.label"),
        (("seats", 1, "label"), "x" * 101, "seats.1.label"),
        (("seats", 1, "section"), "\t", "seats.1.section"),
        (("seats", 1, "entrance"), "\x07", "seats.1.entrance"),
        (("seats", 1, "category"), "none", "seats.1.category"),
        (("seats", 1, "acessible"), True, "seats.1.acessible"),
        (("seats", 1, "index"), 0, "seats.1.index"),
        (("seats", 1, "x"), 3, "seats.1"),
        (("seats", 3, "y"), nan, "seats.3.y"),
        (("seats", 3, "y"), 1e10, "seats.3.y"),
        (("seats",), {}, "seats"),
        (("seats", 0), [], "seats.0"),
        (("areas", 0, "label"), "Box", "areas.0.label"),
        (("areas", 0, "capacity"), 0, "areas.0.capacity"),
        (("areas", 0, "capacity"), 10**30, "areas.0.capacity"),
        (("areas", 0, "category"), "none", "areas.0.category"),
        (("areas", 0, "y"), 3, "areas.0"),
        (("areas", 0, "section"), " ", "areas.0.section"),
        (("categories", 0, "color"), "red;", "categories.0.color"),
        (("categories", 0, "key"), "", "categories.0.key"),
        (("categories", 0, "label"), "\0", "categories.0.label"),
        (("categories",), [{"key": "all"}, {"key": "all"}], "categories.1.key"),
        (("focal_point",), {"x": 1}, "focal_point.y"),
        (("section_focal_points",), {"\0": {"x": 1, "y": 2}}, "section_focal_points"),
    ],
)
def test_what_is_wrong_is_named(path: tuple[Any, ...], value: object, field: str):
    error = refused(spoilt(path, value))
    assert error.field == field
    assert error.detail.endswith(".")


def faults_of(value: object) -> list[str]:
    with pytest.raises(ChartError) as caught:
        read_map(value)
    return [fault.field for fault in caught.value.faults]


def test_all_that_is_wrong_is_told_at_once():
    changed = copy.deepcopy(SMALL)
    one, two, three, box = changed["seats"]
    one["row"] = []
    one["category"] = "none"
    two["acessible"] = True
    two["number"] = " "
    two["color"] = "red"
    three["index"] = 7
    del three["category"]
    box["y"] = None
    changed["seats"] += [{"label": "Box", "category": "all"}, 5]
    changed["areas"] += [{"label": "Lawn", "capacity": 0, "category": "x"}]
    changed["categories"] += [{"key": "b", "color": "red;"}]
    assert sorted(faults_of(changed)) == [
        "areas.1.capacity",
        "areas.1.category",
        "areas.1.label",
        "categories.1.color",
        "seats.0.category",
        "seats.0.row",
        "seats.1.acessible",
        "seats.1.color",
        "seats.1.number",
        "seats.2.category",
        "seats.2.index",
        "seats.3",
        "seats.4.label",
        "seats.5",
    ]


def test_seats_are_not_blamed_for_a_category_that_cannot_be_read():
    assert faults_of(spoilt(("categories", 0), None)) == ["categories.0"]
    assert faults_of(spoilt(("categories", 0, "key"), [])) == ["categories.0.key"]
    assert faults_of(spoilt(("categories",), 1)) == ["categories"]


@pytest.mark.parametrize("value", [None, [], "map", 5, {}, {"categories": None}])
def test_what_is_no_map_is_refused(value: object):
    assert refused(value).detail


def test_a_map_without_seats_and_areas_is_refused():
    error = refused({"seats": [], "areas": [], "categories": []})
    assert error.field == "seats"


def test_limits_hold(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "SEATS_PER_VENUE_MAX", 3)
    assert refused(SMALL).field == "seats"


def test_a_capacity_is_one_area():
    read = capacity_map(500)
    assert read.seats == []
    assert read.areas == [Area(label="GA", capacity=500, category="GA")]
    assert [category.key for category in read.categories] == ["GA"]
    assert read_map(msgspec.to_builtins(read)) == read


@pytest.mark.parametrize("capacity", [0, -1, limits.AREA_CAPACITY_MAX + 1])
def test_a_capacity_out_of_bounds_is_refused(capacity: int):
    with pytest.raises(ChartError) as caught:
        capacity_map(capacity)
    assert [fault.field for fault in caught.value.faults] == ["capacity"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["\0", "\ud800", "all", 10**400]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["x", "y", "key", "label", "seats"]), inner)
    ),
    max_leaves=6,
)
FIELDS = [
    *[("seats", i, field) for i in range(4) for field in Seat.__struct_fields__],
    *[("areas", 0, field) for field in Area.__struct_fields__],
    *[("categories", 0, field) for field in Category.__struct_fields__],
    *[(name,) for name in ("seats", "areas", "categories", "section_focal_points")],
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FIELDS), JSON)
def test_a_spoilt_map_is_read_or_refused(path: tuple[Any, ...], value: object):
    try:
        read = read_map(spoilt(path, value))
    except ChartError:
        return
    assert read_map(msgspec.json.decode(msgspec.json.encode(read))) == read


DRAWING: dict[str, Any] = {
    "shapes": [
        {
            "kind": "rectangle",
            "role": "stage",
            "label": "Stage",
            "width": 9,
            "height": 3,
        },
        {"kind": "polygon", "points": [0, 0, 5, 0, 5, 5]},
    ],
    "texts": [{"text": "Bar", "x": 1, "y": 2}],
    "floors": [{"name": "Ground", "x": 0, "y": 0, "width": 50, "height": 50}],
    "zones": [{"label": "Left", "sections": ["S"]}],
}


def test_what_a_map_draws_is_kept():
    drawing = read_map(SMALL | {"drawing": DRAWING}).drawing
    assert drawing is not None
    assert msgspec.to_builtins(drawing) == DRAWING


@pytest.mark.parametrize(
    ("part", "value", "field"),
    [
        ("shapes", [{"kind": "polygon"}], "drawing.shapes.0"),
        ("shapes", [{"kind": "star"}], "drawing.shapes.0.kind"),
        ("shapes", [{"kind": "ellipse", "label": "\x00"}], "drawing.shapes.0.label"),
        ("texts", [{"text": " ", "x": 1, "y": 2}], "drawing.texts.0.text"),
        ("floors", [{"name": "G"}], "drawing.floors.0.x"),
        ("zones", [{"label": "L", "sections": [""]}], "drawing.zones.0.sections.0"),
    ],
)
def test_a_drawing_that_cannot_be_is_refused(part: str, value: object, field: str):
    given = SMALL | {"drawing": {**DRAWING, part: value}}
    assert refused(given).field == field
