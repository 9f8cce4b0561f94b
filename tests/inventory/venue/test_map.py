from math import cos, hypot, pi, sin
from time import process_time

import pytest

from inventory.venue.arena import arena
from inventory.venue.chart import read_chart
from inventory.venue.map import Category, Point, Seat, Venue, VenueMap
from tests import charts


def venue_of(
    *rows: list[tuple[float, float]],
    names: list[str] | None = None,
    focal_point: Point | None = None,
) -> Venue:
    """Build a venue of rows A, B, C (or of these names) with seats at these points."""
    seats: list[Seat] = []
    for i, row in enumerate(rows):
        name = names[i] if names else chr(ord("A") + i)
        for x, y in row:
            number = str(len(seats))
            seats.append(
                Seat(
                    index=len(seats),
                    label=f"{name}-{number}",
                    row=name,
                    number=number,
                    category="1",
                    x=x,
                    y=y,
                )
            )
    return Venue(
        VenueMap(
            seats=seats,
            areas=[],
            categories=[Category("1", "All")],
            focal_point=focal_point,
        )
    )


def line(*xs: float, y: float = 0.0) -> list[tuple[float, float]]:
    return [(x, y) for x in xs]


def runs(venue: Venue) -> list[list[str]]:
    return [[venue.labels[index] for index in run] for run in venue.segments]


def test_finds_seats_areas_and_categories_by_name():
    venue = Venue(read_chart(charts.load("tiny")))
    assert venue.labels == ["A-1", "A-2", "A-3", "A-4"]
    assert venue.seat_index["A-3"] == 2
    assert venue.area_index == {"Lawn": 0}
    assert venue.categories == {"1"}
    assert venue.has_seats(None)
    assert venue.has_seats("1")
    assert not venue.has_seats("2")


def test_a_row_is_one_run():
    assert venue_of(line(0, 20, 40, 60)).segments == [[0, 1, 2, 3]]


def test_a_wide_step_is_an_aisle():
    assert venue_of(line(0, 20, 40, 85, 105)).segments == [[0, 1, 2], [3, 4]]


def test_a_seat_left_out_is_an_aisle():
    assert venue_of(line(0, 20, 40, 80, 100, 120)).segments == [[0, 1, 2], [3, 4, 5]]


def test_seats_a_little_further_apart_are_adjacent():
    assert venue_of(line(0, 20, 40, 72, 92)).segments == [[0, 1, 2, 3, 4]]


def test_another_row_is_another_run():
    venue = venue_of(line(0, 20, 40), line(60, 80, 100))
    assert venue.segments == [[0, 1, 2], [3, 4, 5]]


def test_a_single_seat_is_a_run():
    assert venue_of(line(0)).segments == [[0]]
    assert Venue(VenueMap(seats=[], areas=[], categories=[])).segments == []


def test_two_seats_alone_are_adjacent_unless_the_venue_knows_better():
    assert venue_of(line(0, 500)).segments == [[0, 1]]
    venue = venue_of(line(0, 20, 40), line(0, 500), line(0, 30))
    assert venue.segments == [[0, 1, 2], [3], [4], [5, 6]]


def test_rows_of_one_name_in_two_blocks_are_two_runs():
    venue = venue_of(line(0, 20, 40), line(120, 140, 160), names=["A", "A"])
    assert venue.segments == [[0, 1, 2], [3, 4, 5]]


def test_seats_listed_out_of_order_are_put_in_order():
    odd_first = venue_of(line(0, 40, 80, 120, 20, 60, 100))
    assert odd_first.segments == [[0, 4, 1, 5, 2, 6, 3]]
    upright = venue_of([(0, 0), (0, 40), (0, 80), (0, 20), (0, 60)])
    assert upright.segments == [[0, 3, 1, 4, 2]]


def test_blocks_listed_from_the_outside_are_put_in_order():
    venue = venue_of(line(400, 420, 440, 0, 20, 40, 200, 220, 240))
    assert sorted(map(sorted, venue.segments)) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_a_row_listed_from_the_right_keeps_its_order():
    assert venue_of(line(80, 60, 40, 20, 0)).segments == [[0, 1, 2, 3, 4]]


def test_a_row_that_turns_back_is_two_runs():
    there, back = line(*range(0, 120, 20)), line(*range(100, -20, -20), y=20)
    venue = venue_of(there + back)
    assert venue.segments == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


def test_staggered_seats_are_one_run():
    zigzag = [(15.0 * i, 12.0 * (i % 2)) for i in range(12)]
    assert venue_of(zigzag).segments == [list(range(12))]


def test_a_curved_row_is_one_run_however_far_it_bends():
    bent = [
        (100 * cos(angle), 100 * sin(angle))
        for angle in (i * 1.8 * pi / 30 for i in range(30))
    ]
    assert venue_of(bent).segments == [list(range(30))]


@pytest.mark.parametrize("seats", [3, 4, 6, 8, 10, 12])
def test_seats_around_a_table_are_one_run(seats: int):
    around = [
        (30 * cos(2 * pi * i / seats), 30 * sin(2 * pi * i / seats))
        for i in range(seats)
    ]
    assert venue_of(around).segments == [list(range(seats))]


def test_seats_on_one_spot_are_one_run():
    assert venue_of([(5, 5)] * 12).segments == [list(range(12))]


def test_hard_rows_of_a_chart_fall_into_the_right_runs():
    venue = Venue(read_chart(charts.load("aisles")))
    assert runs(venue) == [
        ["A-1", "A-2", "A-3", "A-4"],
        ["A-6", "A-7", "A-8", "A-9"],
        ["B-1", "B-2", "B-3", "B-4"],
        ["B-5", "B-6", "B-7", "B-8"],
        ["C-1"],
        ["C-2"],
        ["D-1", "D-2"],
        [f"E-{n}" for n in range(1, 7)],
        [f"E-{n}" for n in range(7, 13)],
        [f"F-{n}" for n in range(1, 9)],
    ]


def test_what_is_booked_whole_stands_alone():
    venue = Venue(read_chart(charts.load("supper")))
    assert sorted(runs(venue), key=len) == [
        ["T2"],
        ["B1"],
        ["Lounge"],
        ["T3-1", "T3-2"],
        ["T1-1", "T1-2", "T1-3", "T1-4"],
    ]


def test_distances_are_from_the_focal_point():
    venue = venue_of(line(0, 30), focal_point=Point(0, 40))
    assert venue.focal_distances == [40, 50]


def test_without_a_focal_point_the_middle_of_the_front_is_best():
    venue = venue_of(line(0, 20, 40, y=10), line(0, 20, 40, y=34))
    assert venue.focal_distances[:3] == [20, 0, 20]
    assert venue.focal_distances[4] == 24
    assert Venue(VenueMap(seats=[], areas=[], categories=[])).focal_distances == []


def test_a_section_may_look_elsewhere():
    venue_map = read_chart(charts.load("playhouse"))
    elsewhere = VenueMap(
        seats=venue_map.seats,
        areas=[],
        categories=venue_map.categories,
        focal_point=Point(0, 0),
        section_focal_points={"Balcony": Point(130, 320)},
    )
    venue = Venue(elsewhere)
    assert venue.focal_distances[venue.seat_index["Balcony-A-1"]] == 0
    assert venue.focal_distances[0] == hypot(130, 120)


def test_indexes_are_built_quickly():
    made = arena(20_000)
    times = []
    for _ in range(3):
        start = process_time()
        venue = Venue(made)
        assert len(venue.segments) > 500
        assert len(venue.focal_distances) == 20_000
        times.append(process_time() - start)
    # Measured: about 40 ms; the bound leaves room for coverage's tracing, and none for
    # work that grows with the square of the seats.
    assert min(times) < 1
