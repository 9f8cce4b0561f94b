"""A map as it is stored, and what its venue's row tells of it.

Who stores one need not have read it: a child may have, which answers in this form.
"""

import time
from typing import Final

import msgspec
from msgspec import Struct

from inventory.venue.map import VenueMap

PAUSE_S: Final = 0.000_5


class VenueSize(Struct, frozen=True):
    """What a map counts as."""

    seats: int
    bytes: int


class DrawnMap(Struct, frozen=True):
    """The JSON of a `VenueMap`, and what is asked of it without reading it."""

    json: bytes
    seats: int
    area_capacities: list[int]
    categories: str
    """The JSON of its categories."""

    @property
    def size(self) -> VenueSize:
        """What it counts as."""
        return VenueSize(self.seats, len(self.json))


def draw(venue_map: VenueMap) -> DrawnMap:
    """Return a map as it is stored."""
    return DrawnMap(
        msgspec.json.encode(venue_map),
        len(venue_map.seats),
        [area.capacity for area in venue_map.areas],
        msgspec.json.encode(venue_map.categories).decode(),
    )


def give_way() -> None:
    """Leave the loop to all others for a moment, in a thread that reads a map."""
    time.sleep(PAUSE_S)
