"""What the sections of a chart look at: their own point, their zone's, or the stage."""

from math import hypot
from typing import Any

from inventory.venue.chart import read_chart
from inventory.venue.finder import SeatFinder
from inventory.venue.map import Point, Venue
from tests import charts


def test_sections_of_a_zoned_chart_look_to_the_nearest_zone():
    chart = charts.load("playhouse")
    chart["subChart"]["focalPoint"] = None
    chart["subChart"]["sections"].append(
        {"label": "Empty", "topLeft": None, "subChart": {"rows": None}}
    )
    chart["subChart"]["sections"].append({"label": "Hollow"})
    chart["zones"] = {
        "list": [
            {"key": "a", "focalPoint": {"x": 200, "y": 0}},
            {"key": "b", "focalPoint": {"x": 200, "y": 500}},
            {"key": "c", "focalPoint": None},
        ]
    }
    read = read_chart(chart)
    assert read.focal_point is None
    assert read.section_focal_points == {
        "Stalls": Point(200, 0),
        "Balcony": Point(200, 500),
    }


def zoned() -> dict[str, Any]:
    """The playhouse (focal point 200, 40), its balcony in a zone of its own."""
    chart = charts.load("playhouse")
    chart["subChart"]["sections"][1]["zone"] = "up"
    chart["zones"] = {
        "list": [
            {"key": "up", "focalPoint": {"x": 10, "y": 700}},
            {"key": "down", "focalPoint": {"x": 200, "y": 900}},
        ]
    }
    return chart


def test_a_section_looks_to_the_zone_that_it_names_also_beside_a_focal_point():
    read = read_chart(zoned())
    assert read.focal_point == Point(200, 40)
    assert read.section_focal_points == {"Balcony": Point(10, 700)}


def test_a_zone_that_is_named_counts_before_one_that_is_nearer():
    chart = zoned()
    chart["subChart"]["focalPoint"] = None
    chart["subChart"]["sections"][0]["zone"] = "nothing"
    chart["subChart"]["sections"][1]["zone"] = "down"
    assert read_chart(chart).section_focal_points == {
        "Stalls": Point(10, 700),
        "Balcony": Point(200, 900),
    }


def test_a_section_may_have_a_focal_point_of_its_own():
    chart = zoned()
    stalls, balcony, _ = chart["subChart"]["sections"]
    stalls["focalPoint"] = {"x": 1, "y": 2}
    balcony["subChart"]["focalPoint"] = {"x": 3, "y": 4}
    x, y = balcony["topLeft"]["x"], balcony["topLeft"]["y"]
    assert read_chart(chart).section_focal_points == {
        "Stalls": Point(1, 2),
        "Balcony": Point(x + 3, y + 4),
    }


def test_the_best_seat_of_a_zone_is_the_nearest_to_its_focal_point():
    read = read_chart(zoned())
    balcony = [seat for seat in read.seats if seat.category == "2"]
    assert {seat.section for seat in balcony} == {"Balcony"}
    nearest = min(balcony, key=lambda seat: hypot(seat.x - 10, seat.y - 700))
    assert SeatFinder(Venue(read)).best(1, category="2") == [nearest.index]


def test_sections_of_a_real_stadium_look_to_the_zones_that_they_name():
    chart = charts.real("stadium")
    points = {zone["key"]: zone["focalPoint"] for zone in chart["zones"]["list"]}
    looks = read_chart(chart).section_focal_points
    sections = chart["subChart"]["sections"]
    assert len(looks) == len(sections) == 4
    for section in sections:
        point = points[section["zone"]]
        assert looks[section["label"]] == Point(point["x"], point["y"])
