"""Stored maps, read in slices: a large one would keep the loop for a tenth of a second.

A map is stored as the JSON of `VenueMap`, as msgspec writes it, so its seats can be
told apart without reading them: inside a string no quotation mark stands alone. One
that begins otherwise is read whole.
"""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec
from msgspec.structs import force_setattr

from inventory.venue.map import Seat, VenueMap

SLICE_BYTES: Final = 64 << 10
"""About half a millisecond of reading."""

_BEGIN: Final = b'{"seats":['
_END: Final = b'],"areas":'
_BETWEEN: Final = b'},{"index":'
_SHARED: Final = ("section", "row", "number", "category", "entrance")
"""What many seats have in common, and is kept once."""

_seats = msgspec.json.Decoder(list[Seat]).decode
_map = msgspec.json.Decoder(VenueMap).decode


def seat_slices(encoded: bytes) -> Iterator[list[Seat]]:
    """Return the seats of a stored map in order, some hundred at a time."""
    begin, end = _span(encoded)
    if end < 0:
        yield _map(encoded).seats
        return
    while begin < end:
        cut = encoded.find(_BETWEEN, begin + SLICE_BYTES, end)
        stop = end if cut < 0 else cut + 1
        yield _seats(b"[" + encoded[begin:stop] + b"]")
        begin = stop + 1


def without_seats(encoded: bytes) -> VenueMap:
    """Return a stored map but for its seats."""
    _, end = _span(encoded)
    if end < 0:
        return msgspec.structs.replace(_map(encoded), seats=[])
    return _map(_BEGIN + encoded[end:])


def read_stored(encoded: bytes, rest: Callable[[], None]) -> VenueMap:
    """Return a stored map; `rest` is called after each slice, to let others go on."""
    seats: list[Seat] = []
    known: dict[str | None, str | None] = {}
    for slice_ in seat_slices(encoded):
        for seat in slice_:
            for field in _SHARED:
                value = getattr(seat, field)
                force_setattr(seat, field, known.setdefault(value, value))
        seats += slice_
        rest()
    return msgspec.structs.replace(without_seats(encoded), seats=seats)


def categories_in(encoded: bytes, rest: Callable[[], None]) -> set[str]:
    """Return the categories of which a stored map has a seat or an area.

    `rest` is called after each slice, to let others go on.
    """
    found = {area.category for area in without_seats(encoded).areas}
    for slice_ in seat_slices(encoded):
        found.update([seat.category for seat in slice_])
        rest()
    return found


def _span(encoded: bytes) -> tuple[int, int]:
    """Return where the seats begin and end; the end is -1 where that is not known."""
    if not encoded.startswith(_BEGIN):
        return 0, -1
    return len(_BEGIN), encoded.find(_END, len(_BEGIN) - 1)
