"""A stored map is read in slices as it is read whole."""

import msgspec
import pytest

from inventory.venue import stored
from inventory.venue.arena import arena
from inventory.venue.map import VenueMap
from inventory.venue.own import capacity_map, read_map
from inventory.venue.stored import (
    categories_in,
    read_stored,
    seat_slices,
    without_seats,
)

# Whatever a name says, it ends no seat and no list of them.
NAMES = ['},{"index":', '],"areas":', "\\", '"', "é"]
ODD = read_map(
    {
        "categories": [{"key": name} for name in NAMES],
        "seats": [
            {"row": name, "number": number, "category": name}
            for name in NAMES
            for number in range(40)
        ],
        "areas": [{"label": '],"areas":', "capacity": 3, "category": NAMES[0]}],
    }
)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(stored, "SLICE_BYTES", 300)


@pytest.mark.parametrize("venue_map", [ODD, arena(700), arena(1), capacity_map(4)])
def test_slices_are_the_whole(venue_map):
    encoded = msgspec.json.encode(venue_map)
    slices = list(seat_slices(encoded))
    assert [seat for slice_ in slices for seat in slice_] == venue_map.seats
    assert all(len(slice_) < 10 for slice_ in slices)
    assert without_seats(encoded) == msgspec.structs.replace(venue_map, seats=[])
    assert read_stored(encoded, print) == venue_map
    assert categories_in(encoded, print) == venue_map.used_categories()


def test_what_is_written_otherwise_is_read_whole():
    encoded = msgspec.json.format(msgspec.json.encode(ODD))
    assert read_stored(encoded, print) == ODD
    assert without_seats(encoded).areas == ODD.areas


def test_what_seats_have_in_common_is_kept_once():
    seats = read_stored(msgspec.json.encode(arena(500)), print).seats
    assert len({id(seat.section) for seat in seats}) == len(
        {seat.section for seat in seats}
    )


def test_a_map_is_stored_with_its_seats_first():
    assert VenueMap.__struct_fields__[:2] == ("seats", "areas")
