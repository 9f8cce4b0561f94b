import msgspec

from inventory.venue.map import VenueMap
from persistence.events.drawn import draw
from tests.persistence.journals import VENUE


def test_a_drawn_map_tells_what_is_in_it():
    drawn = draw(VENUE)
    assert msgspec.json.decode(drawn.json, type=VenueMap) == VENUE
    assert drawn.seats == len(VENUE.seats)
    assert drawn.area_capacities == [area.capacity for area in VENUE.areas]
    keys = [one["key"] for one in msgspec.json.decode(drawn.categories)]
    assert keys == [category.key for category in VENUE.categories]
