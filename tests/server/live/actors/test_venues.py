"""A venue is loaded once, and kept only as far as there is room."""

import gc

from inventory.venue.arena import arena
from inventory.venue.map import Venue
from server.live.actors.venues import LoadedVenues, bytes_of


def test_a_venue_in_use_is_found_however_many_came_since():
    one = Venue(arena(100))
    venues = LoadedVenues(2 * bytes_of(one))
    venues.add("one", one)
    for number in range(5):
        venues.add(f"other {number}", Venue(arena(100)))
    assert venues.find("one") is one
    gc.collect()
    # It and the last that came: what was found last counts as used.
    assert venues.bytes() == 2 * bytes_of(one)
    assert venues.find("other 3") is None
    assert venues.find("other 4") is not None


def test_what_has_no_room_goes_with_the_last_that_uses_it():
    one = Venue(arena(100))
    venues = LoadedVenues(bytes_of(one) - 1)
    venues.add("one", one)
    assert venues.find("one") is one
    del one
    gc.collect()
    assert venues.find("one") is None
    assert venues.bytes() == 0
