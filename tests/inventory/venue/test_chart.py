import copy
from math import inf, nan
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import limits
from inventory.faults import Fault
from inventory.venue.chart import read_chart
from inventory.venue.errors import ChartError
from inventory.venue.map import Area, Point, Venue, VenueMap
from tests import charts


def labels(venue_map: VenueMap) -> list[str]:
    return [seat.label for seat in venue_map.seats]


def refused(chart: object) -> Fault:
    """The first thing that is wrong."""
    with pytest.raises(ChartError) as caught:
        read_chart(chart)
    return caught.value.faults[0]


def by_label(venue_map: VenueMap) -> dict[str, Any]:
    return {seat.label: seat for seat in venue_map.seats}


def test_reads_seats_and_areas_without_sections():
    read = read_chart(charts.load("tiny"))
    assert labels(read) == ["A-1", "A-2", "A-3", "A-4"]
    assert [seat.index for seat in read.seats] == [0, 1, 2, 3]
    assert (read.seats[1].x, read.seats[1].y) == (30, 40)
    assert read.areas == [Area(label="Lawn", capacity=30, category="1", x=40, y=100)]
    assert read.focal_point == Point(40, 0)


def test_sections_prefix_labels_and_hand_down_category_entrance_and_place():
    read = read_chart(charts.load("playhouse"))
    seats = by_label(read)
    assert len(read.seats) == 24 + 11
    first = seats["Stalls-A-1"]
    assert (first.section, first.row, first.number) == ("Stalls", "A", "1")
    assert (first.category, first.entrance) == ("1", "Door 1")
    assert (first.x, first.y) == (130, 120)
    assert seats["Stalls-C-8"].entrance == "Side door"
    assert seats["Balcony-A-1"].category == "2"
    assert seats["Balcony-A-1"].entrance is None
    assert [(area.label, area.section) for area in read.areas] == [
        ("Stalls-Pit", "Stalls")
    ]
    assert (read.areas[0].x, read.areas[0].y) == (200, 190)


def test_marks_accessible_companion_and_restricted_seats():
    seats = by_label(read_chart(charts.load("playhouse")))
    assert seats["Stalls-A-1"].accessible
    assert seats["Stalls-A-2"].companion
    assert seats["Stalls-C-8"].restricted
    plain = seats["Stalls-B-2"]
    flags = (plain.accessible, plain.companion, plain.restricted)
    assert flags == (False, False, False)


def test_seats_of_an_accessible_category_are_accessible():
    seats = by_label(read_chart(charts.load("playhouse")))
    assert seats["Balcony-B-1"].accessible
    assert not seats["Balcony-A-1"].accessible


def test_seats_disabled_for_social_distancing_are_sold():
    assert "Stalls-C-1" in labels(read_chart(charts.load("playhouse")))


def test_what_is_not_published_is_left_out():
    read = labels(read_chart(charts.load("playhouse")))
    assert not [label for label in read if label.startswith("Closed")]
    assert "Balcony-B-6" not in read
    assert "Balcony-C-1" not in read
    supper = read_chart(charts.load("supper"))
    assert "B2" not in labels(supper)
    assert "Cellar" not in {area.label for area in supper.areas}
    chart = charts.load("supper")
    chart["subChart"]["tables"][0]["published"] = False
    assert "T1-1" not in labels(read_chart(chart))


def test_categories_keep_their_order_and_get_a_name_and_a_safe_colour():
    read = read_chart(charts.load("playhouse")).categories
    assert [category.key for category in read] == ["1", "2", "box", "4"]
    assert [category.label for category in read] == [
        "Stalls",
        "Balcony",
        "box",
        "Unused",
    ]
    assert [category.color for category in read[:2]] == ["#aa3355", "#888888"]


def test_tables_are_sold_by_seat_or_whole_and_booths_whole():
    read = read_chart(charts.load("supper"))
    assert labels(read) == [
        "T1-1",
        "T1-2",
        "T1-3",
        "T1-4",
        "T2",
        "T3-1",
        "T3-2",
        "B1",
        "Lounge",
    ]
    seats = by_label(read)
    assert (seats["T1-1"].row, seats["T1-1"].number) == ("T1", "1")
    whole = seats["T2"]
    assert (whole.row, whole.number, whole.category) == (None, "T2", "2")
    assert (whole.x, whole.y) == (200, 100)
    assert (seats["T3-1"].category, seats["T3-1"].entrance) == ("2", "Garden")
    assert seats["B1"].category == "2"


def test_a_whole_table_without_a_center_stands_amid_its_seats():
    chart = charts.load("supper")
    table = chart["subChart"]["tables"][1]
    table["center"] = None
    table["categoryKey"] = 1
    assert by_label(read_chart(chart))["T2"].category == "1"
    table["categoryKey"] = None
    whole = by_label(read_chart(chart))["T2"]
    assert (whole.x, whole.y) == (200, 100)
    table["seats"] = []
    assert refused(chart).field == "subChart.tables.1"


def test_an_area_booked_as_a_whole_is_one_seat():
    read = read_chart(charts.load("supper"))
    assert by_label(read)["Lounge"].row is None
    assert read.areas == [Area(label="Bar", capacity=40, category="1", x=230, y=210)]
    chart = charts.load("supper")
    chart["subChart"]["generalAdmissionAreas"][1]["center"] = None
    assert refused(chart).field == "subChart.generalAdmissionAreas.1"


def test_an_area_needs_no_place():
    chart = charts.load("tiny")
    chart["subChart"]["generalAdmissionAreas"][0]["center"] = None
    assert read_chart(chart).areas[0].x is None


def test_a_row_of_a_chart_without_sections_may_name_its_section():
    chart = charts.load("tiny")
    chart["subChart"]["rows"][0]["sectionLabel"] = "Left"
    assert read_chart(chart).seats[0].label == "Left-A-1"
    assert read_chart(chart).seats[0].section == "Left"


def test_floors_lie_side_by_side_and_look_to_their_own_focal_point():
    tiny = charts.load("tiny")
    stalls = charts.load("playhouse")["subChart"] | {"width": 700}
    upper = copy.deepcopy(stalls)
    for section in upper["sections"]:
        section["label"] = "Upper " + section["label"]
    chart = charts.load("playhouse")
    del chart["subChart"]
    chart["subChartFloors"] = [stalls, upper]
    read = read_chart(chart)
    seats = by_label(read)
    assert seats["Upper Stalls-A-1"].x == round(seats["Stalls-A-1"].x + 770, 2)
    assert seats["Upper Stalls-A-1"].y == seats["Stalls-A-1"].y
    assert read.focal_point == Point(200, 40)
    assert read.section_focal_points == {
        "Upper Stalls": Point(970, 40),
        "Upper Balcony": Point(970, 40),
    }
    distances = Venue(read).focal_distances
    here = seats["Stalls-A-1"].index
    assert distances[seats["Upper Stalls-A-1"].index] == pytest.approx(distances[here])
    chart["subChartFloors"] = [tiny["subChart"] | {"rows": [{}]}]
    assert refused(chart).field == "subChartFloors.0.rows.0.label"


def test_a_section_without_a_corner_is_not_moved():
    chart = charts.load("playhouse")
    chart["subChart"]["sections"][0]["topLeft"] = None
    assert by_label(read_chart(chart))["Stalls-A-1"].x == 30


ROW = "subChart.rows.0"
WRONG: list[tuple[str, list[Any], Any, str]] = [
    ("a label twice", ["rows", 0, "seats", 1, "label"], "1", f"{ROW}.seats.1.label"),
    ("no label", ["rows", 0, "seats", 1, "label"], " ", f"{ROW}.seats.1.label"),
    ("a number", ["rows", 0, "seats", 1, "label"], 2, f"{ROW}.seats.1.label"),
    ("U+0000", ["rows", 0, "seats", 1, "label"], "\0", f"{ROW}.seats.1.label"),
    ("surrogate", ["rows", 0, "seats", 1, "label"], "\ud800", f"{ROW}.seats.1.label"),
    ("long", ["rows", 0, "seats", 1, "label"], "1" * 99, f"{ROW}.seats.1.label"),
    ("very long", ["rows", 0, "label"], "A" * 101, f"{ROW}.label"),
    ("empty row", ["rows", 0, "label"], "", f"{ROW}.label"),
    ("section", ["rows", 0, "sectionLabel"], "\n", f"{ROW}.sectionLabel"),
    ("category", ["rows", 0, "seats", 2, "categoryKey"], None, f"{ROW}.seats.2"),
    ("category", ["rows", 0, "seats", 2, "categoryKey"], 7, f"{ROW}.seats.2"),
    ("category", ["rows", 0, "seats", 2, "categoryKey"], 10**400, f"{ROW}.seats.2"),
    ("a place", ["rows", 0, "seats", 2, "x"], nan, f"{ROW}.seats.2.x"),
    ("a place", ["rows", 0, "seats", 2, "y"], -inf, f"{ROW}.seats.2.y"),
    ("a place", ["rows", 0, "seats", 2, "y"], 10**400, f"{ROW}.seats.2.y"),
    ("no seat", ["rows", 0, "seats", 2], None, f"{ROW}.seats.2"),
    ("entrance", ["rows", 0, "seats", 2, "entrance"], "\x07", f"{ROW}.seats.2.ent"),
    ("flag", ["rows", 0, "seats", 2, "accessible"], 1, f"{ROW}.seats.2.accessible"),
    ("rows", ["rows"], {}, "subChart.rows"),
    ("sections", ["sections"], [[]], "subChart.sections.0"),
    (
        "capacity",
        ["generalAdmissionAreas", 0, "capacity"],
        0,
        "subChart.generalAdmissionAreas.0.capacity",
    ),
    (
        "capacity",
        ["generalAdmissionAreas", 0, "capacity"],
        None,
        "subChart.generalAdmissionAreas.0.capacity",
    ),
    (
        "a seat's label",
        ["generalAdmissionAreas", 0, "label"],
        "A-1",
        "subChart.generalAdmissionAreas.0.label",
    ),
]


@pytest.mark.parametrize(("what", "path", "value", "field"), WRONG)
def test_a_wrong_object_is_named(what: str, path: list[Any], value: Any, field: str):
    chart = charts.load("tiny")
    place = chart["subChart"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    error = refused(chart)
    assert error.field.startswith(field), what
    assert error.detail.endswith(".")


@pytest.mark.parametrize(
    ("chart", "field"),
    [
        (None, ""),
        ([], ""),
        ("chart", ""),
        ("\ud800", ""),
        ({}, "categories"),
        ({"categories": {}}, "subChart"),
        ({"categories": {}, "subChartFloors": []}, "subChart"),
        ({"categories": {}, "subChart": {}}, "subChart"),
        ({"categories": {"list": [{"key": True}]}}, "categories.list.0.key"),
        ({"categories": {"list": [{"key": ""}]}}, "categories.list.0.key"),
        (
            {"categories": {"list": [{"key": 1}, {"key": "1"}]}},
            "categories.list.1.key",
        ),
    ],
)
def test_what_is_no_chart_is_refused(chart: object, field: str):
    assert refused(chart).field == field


def test_a_missing_category_names_the_seat():
    chart = charts.load("tiny")
    chart["subChart"]["rows"][0]["seats"][2]["categoryKey"] = None
    assert refused(chart).detail == "'A-3' has no category."
    chart["subChart"]["rows"][0]["seats"][2]["categoryKey"] = 9
    assert "'A-3' names the category '9'" in refused(chart).detail


@pytest.mark.parametrize(
    ("limit", "field"),
    [
        ("SEATS_PER_VENUE_MAX", "subChart.rows.0.seats"),
        ("AREAS_PER_VENUE_MAX", "subChart.generalAdmissionAreas"),
        ("CATEGORIES_PER_VENUE_MAX", "categories.list"),
    ],
)
def test_limits_hold(limit: str, field: str, monkeypatch: pytest.MonkeyPatch):
    chart = charts.load("tiny")
    group = chart["subChart"]
    area = group["generalAdmissionAreas"][0]
    if limit == "AREAS_PER_VENUE_MAX":
        group["rows"] = []
        group["generalAdmissionAreas"] = [area | {"label": str(i)} for i in range(4)]
    if limit == "CATEGORIES_PER_VENUE_MAX":
        chart["categories"]["list"] = [{"key": key} for key in range(4)]
    assert read_chart(chart).categories
    monkeypatch.setattr(limits, limit, 3)
    error = refused(chart)
    assert (error.field, error.detail[:11]) == (field, "More than 3")


def test_unknown_extras_are_ignored():
    chart = charts.load("tiny")
    deep: Any = {}
    for _ in range(200):
        deep = [deep]
    chart["extra"] = chart["subChart"]["extra"] = deep
    chart["subChart"]["rows"][0]["seats"][0]["extra"] = deep
    assert read_chart(chart) == read_chart(charts.load("tiny"))


def faults_of(chart: object) -> list[str]:
    with pytest.raises(ChartError) as caught:
        read_chart(chart)
    return [fault.field for fault in caught.value.faults]


def test_all_that_is_wrong_is_told_at_once():
    chart = charts.load("tiny")
    group = chart["subChart"]
    (row,) = group["rows"]
    seats = row["seats"]
    seats[0]["label"] = "?"
    seats[1]["categoryKey"] = None
    seats[2]["x"] = "far"
    seats[3]["label"] = seats[2]["label"]
    group["rows"].append({"label": 5, "seats": [dict(seats[3]), dict(seats[3])]})
    group["rows"].append({"label": " ", "seats": [dict(seats[3]), dict(seats[3])]})
    group["generalAdmissionAreas"][0]["capacity"] = None
    group["booths"] = [{"label": "B"}]
    assert sorted(faults_of(chart)) == [
        "subChart.booths.0.categoryKey",
        "subChart.booths.0.center",
        "subChart.generalAdmissionAreas.0.capacity",
        "subChart.rows.0.seats.0.label",
        "subChart.rows.0.seats.1.categoryKey",
        "subChart.rows.0.seats.2.x",
        "subChart.rows.0.seats.3.label",
        "subChart.rows.1.label",
        "subChart.rows.2.label",
    ]


def test_seats_are_not_blamed_for_a_category_that_cannot_be_read():
    chart = charts.load("tiny")
    chart["categories"]["list"][0]["key"] = True
    assert faults_of(chart) == ["categories.list.0.key"]
    chart["categories"] = 5
    assert faults_of(chart) == ["categories"]


def test_all_faults_of_a_real_chart_are_told():
    fields = faults_of(charts.real("flawed"))
    assert {
        "subChart.rows.0.seats.1.label",
        "subChart.rows.0.seats.2.label",
        "subChart.rows.0.seats.3.categoryKey",
    } <= set(fields)


def test_reads_a_real_theatre():
    read = read_chart(charts.real("theatre"))
    assert (len(read.seats), len(read.areas), len(read.categories)) == (32, 2, 3)
    assert [label for label in labels(read) if label.startswith("A-")] == [
        f"A-{n}" for n in range(1, 9)
    ]
    assert [(area.label, area.capacity) for area in read.areas] == [
        ("GA1", 100),
        ("GA2", 100),
    ]
    assert read.focal_point == Point(225, 33.23)
    assert [len(segment) for segment in Venue(read).segments] == [8, 8, 8, 8]


def test_reads_a_real_stadium_quickly():
    chart = charts.real("stadium")
    read = read_chart(chart)
    times = []
    for _ in range(5):
        start = process_time()
        read_chart(chart)
        times.append(process_time() - start)
    assert len(read.seats) == 8_897
    assert {seat.section for seat in read.seats} == {
        "Goal Stand 3",
        "Goal Stand 4",
        "MT1",
        "MT3",
    }
    assert read.seats[0].label == "Goal Stand 4-A-1"
    # Measured: about 35 ms; the bound leaves room for coverage's tracing.
    assert min(times) < 0.3
    # No row of it has an aisle.
    assert len(Venue(read).segments) == 25 + 54 + 26 + 26


def inside(polygon: list[dict[str, float]], x: float, y: float) -> bool:
    crossings = 0
    for a, b in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if (a["y"] > y) != (b["y"] > y):
            across = (y - a["y"]) / (b["y"] - a["y"]) * (b["x"] - a["x"]) + a["x"]
            crossings += x < across
    return crossings % 2 == 1


@pytest.mark.parametrize("name", ["playhouse", "stadium"])
def test_every_seat_lies_within_its_sections_polygon(name: str):
    chart = charts.load(name) if name in charts.NAMES else charts.real(name)
    sections = chart["subChart"]["sections"]
    polygons = {section["label"]: section["points"] for section in sections}
    seats = read_chart(chart).seats
    assert len(seats) > 30
    for seat in seats:
        assert seat.section is not None
        assert inside(polygons[seat.section], seat.x, seat.y), seat.label


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside a JSON value."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            found += places(inner, (*path, i))
    return found


OURS = {name: charts.load(name) for name in charts.NAMES}
PLACES = [(name, path) for name, chart in OURS.items() for path in places(chart)]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "1", "A", "\0", "\ud800", "x" * 101, 10**400])
    | st.text(max_size=5)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["label", "x", "y", "seats", "list", "key", "extra"]), inner
        )
    ),
    max_leaves=6,
)


def read_or_refuse(chart: object) -> None:
    """Read a chart of whatever kind; what it gives must hold together."""
    try:
        read = read_chart(chart)
    except ChartError:
        return
    assert read.seats or read.areas
    names = [*labels(read), *(area.label for area in read.areas)]
    assert len(set(names)) == len(names)
    keys = {category.key for category in read.categories}
    assert {seat.category for seat in read.seats} <= keys
    assert [seat.index for seat in read.seats] == list(range(len(read.seats)))
    "".join(names).encode()
    venue = Venue(read)
    assert sorted(index for run in venue.segments for index in run) == list(
        range(len(read.seats))
    )
    assert all(
        0 <= distance <= 4 * limits.COORDINATE_MAX
        for distance in (venue.focal_distances)
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
def test_a_spoilt_chart_is_read_or_refused(
    changes: list[tuple[tuple[str, tuple[Any, ...]], Any]],
):
    chart = copy.deepcopy(OURS[changes[0][0][0]])
    for (_, path), value in changes:
        place: Any = chart
        for step in path[:-1]:
            try:
                place = place[step]
            except (KeyError, IndexError, TypeError):
                break
        else:
            if isinstance(place, dict) or (
                isinstance(place, list)
                and isinstance(path[-1], int)
                and path[-1] < len(place)
            ):
                place[path[-1]] = value
    read_or_refuse(chart)


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_any_value_is_read_or_refused(value: object):
    read_or_refuse(value)
