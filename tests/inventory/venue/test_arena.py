from collections import Counter
from time import process_time

import msgspec
import pytest

from inventory import limits
from inventory.venue.arena import arena
from inventory.venue.map import Venue
from inventory.venue.own import read_map


@pytest.mark.parametrize("seats", [1, 2, 7, 100, 1_234, 8_000, 20_000])
def test_has_exactly_the_seats_asked_for_in_a_valid_map(seats: int):
    made = arena(seats)
    assert len(made.seats) == seats
    assert read_map(msgspec.to_builtins(made)) == made


def test_is_the_same_every_time():
    assert arena(5_000) == arena(5_000)


def test_has_what_a_sale_wants_to_show():
    made = arena()
    assert len(made.seats) == 20_000
    counts = Counter(seat.category for seat in made.seats)
    assert set(counts) == {"premium", "standard", "economy"}
    assert min(counts.values()) > 2_000
    assert len({seat.section for seat in made.seats}) > 30
    assert len({seat.entrance for seat in made.seats}) == 3
    assert sum(seat.restricted for seat in made.seats) > 100
    assert [area.capacity for area in made.areas] == [1_000, 1_000]
    assert {area.category for area in made.areas} == {"standing"}


def test_companions_sit_beside_wheelchairs():
    made = arena()
    pairs = [
        (a, b)
        for a, b in zip(made.seats, made.seats[1:], strict=False)
        if a.accessible != b.accessible and a.companion != b.companion
    ]
    wheelchairs = [seat for seat in made.seats if seat.accessible]
    assert len(wheelchairs) > 10
    assert len(pairs) == len(wheelchairs)
    assert all(a.row == b.row and a.section == b.section for a, b in pairs)


def test_every_row_of_a_section_is_one_run_of_seats():
    venue = Venue(arena())
    rows = {(seat.section, seat.row) for seat in venue.seats}
    assert len(venue.segments) == len(rows)


def test_seats_do_not_overlap_and_lie_on_the_canvas():
    made = arena(8_000)
    cells = Counter((int(seat.x // 9), int(seat.y // 9)) for seat in made.seats)
    assert max(cells.values()) == 1
    assert min(min(seat.x, seat.y) for seat in made.seats) > 0


def test_the_best_seats_are_in_front_of_the_stage():
    venue = Venue(arena())
    nearest = min(venue.seats, key=lambda seat: venue.focal_distances[seat.index])
    farthest = max(venue.seats, key=lambda seat: venue.focal_distances[seat.index])
    assert (nearest.row, nearest.category) == ("A", "premium")
    assert (farthest.category, farthest.entrance) == ("economy", "South")


def test_large_arenas_are_made_quickly_and_keep_their_labels_apart():
    start = process_time()
    made = arena(limits.SEATS_PER_VENUE_MAX)
    took = process_time() - start
    assert len({seat.label for seat in made.seats}) == limits.SEATS_PER_VENUE_MAX
    # Measured: about half a second.
    assert took < 5


@pytest.mark.parametrize("seats", [0, -1, limits.SEATS_PER_VENUE_MAX + 1])
def test_no_arena_is_out_of_bounds(seats: int):
    with pytest.raises(ValueError, match="1 to 250000"):
        arena(seats)
