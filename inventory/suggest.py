"""What to offer instead: the alternatives in refusals of hand-picked seats.

They differ from buyer to buyer, or everyone would run to the same seats.
"""

from zlib import crc32

from inventory import limits
from inventory.changes import Seats
from inventory.replies import Refused, refuse
from inventory.state import Stock


def instead_of_taken(
    stock: Stock, seats: Seats, taken: list[int], user: str
) -> Refused:
    """Refuse seats of which some are `taken`, and offer as many free ones."""
    refused = refuse("seat_not_free")
    labels = stock.venue.labels
    refused.seats = [labels[seat] for seat in taken]
    refused.alternatives = [
        [labels[seat] for seat in window] for window in _windows(stock, seats, user)
    ]
    return refused


def instead_of_orphans(stock: Stock, seats: Seats, user: str) -> Refused | None:
    """Refuse seats that would leave a single one alone, and offer some that do not.

    Where no such seats are left the rule gives way: better a single seat than a buyer
    who can have nothing.
    """
    orphans = stock.finder.orphans(seats)
    if not orphans:
        return None
    windows = [
        window
        for window in _windows(stock, seats, user)
        if not stock.finder.orphans(window)
    ]
    if not windows:
        return None
    labels = stock.venue.labels
    refused = refuse("orphan_seat")
    refused.orphans = [labels[seat] for seat in orphans]
    refused.alternatives = [[labels[seat] for seat in window] for window in windows]
    return refused


def _windows(stock: Stock, seats: Seats, user: str) -> list[list[int]]:
    """Find windows of that many seats, of the first seat's category if there are."""
    salt = crc32(user.encode()) + stock.version
    category = stock.venue.seats[seats[0]].category
    for wanted in (category, None):
        windows = stock.finder.alternatives(
            len(seats), category=wanted, salt=salt, count=limits.ALTERNATIVES_MAX
        )
        if windows:
            return windows
    return []
