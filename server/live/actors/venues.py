"""The venues that are loaded here: each once, however many events take place in it.

One stays for as long as an event uses it, and for a while after: what was used last is
kept, as far as a number of bytes goes.
"""

from collections import OrderedDict
from typing import Final
from weakref import WeakValueDictionary

from inventory.venue.map import Venue

SEAT_BYTES: Final = 400
"""About what a seat takes with all indexes of its venue; measured with 250,000."""

KEPT_BYTES_MAX: Final = 64 << 20
"""Of venues that no event uses any more."""


class LoadedVenues:
    """Venues by name."""

    def __init__(self, kept_bytes_max: int = KEPT_BYTES_MAX) -> None:
        self._kept_bytes_max = kept_bytes_max
        self._loaded: WeakValueDictionary[str, Venue] = WeakValueDictionary()
        self._kept: OrderedDict[str, Venue] = OrderedDict()
        self._kept_bytes = 0

    def find(self, name: str) -> Venue | None:
        """Return a venue that is loaded."""
        found = self._loaded.get(name)
        if found is not None:
            self._keep(name, found)
        return found

    def add(self, name: str, venue: Venue) -> None:
        """Take a venue that was loaded."""
        self._loaded[name] = venue
        self._keep(name, venue)

    def bytes(self) -> int:
        """Return about how much all that are loaded take."""
        return sum(map(bytes_of, self._loaded.values()))

    def _keep(self, name: str, venue: Venue) -> None:
        former = self._kept.pop(name, None)
        if former is not None:
            self._kept_bytes -= bytes_of(former)
        self._kept[name] = venue
        self._kept_bytes += bytes_of(venue)
        while self._kept_bytes > self._kept_bytes_max:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= bytes_of(dropped)


def bytes_of(venue: Venue) -> int:
    """Return about how much memory a venue takes."""
    return SEAT_BYTES * (len(venue.seats) + len(venue.areas) + 1)
