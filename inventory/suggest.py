"""What to offer instead: the alternatives in refusals of hand-picked seats.

They differ from buyer to buyer, or everyone would run to the same seats.

The rule against orphans (see `venue.finder`) is one for what comes of a command, be it
a hold, seats added to one, a part given back, or a booking. It gives way where nothing
better can be had: a single seat left alone is better than a buyer without any.
"""

from collections.abc import Iterator
from itertools import islice
from zlib import crc32

from inventory import limits
from inventory.changes import Seats
from inventory.records import BLOCKED, FREE, HoldRecord
from inventory.rejections import DETAILS
from inventory.replies import Refused, refuse
from inventory.state import Stock

PARTS_TRIED_MAX = 32
"""How many parts of one size of a hold are looked at."""


def instead_of_taken(
    stock: Stock, seats: Seats, taken: list[int], user: str
) -> Refused:
    """Refuse seats of which some are `taken`, and offer as many free ones."""
    refused = refuse("seat_not_free", _why_taken(stock, taken, user))
    labels = stock.venue.labels
    refused.seats = [labels[seat] for seat in taken]
    windows = _windows(stock, seats, user)
    if stock.settings.prevent_orphans:
        # Others would be refused; they are offered where there are no better ones.
        windows = _clean(stock, windows) or windows
    return _offer(stock, refused, windows)


def _why_taken(stock: Stock, taken: list[int], user: str) -> str:
    """Return what became of seats, from the view of who would like to have them."""
    record = stock.users.get(user)
    held: set[int] = set()
    booked: set[int] = set()
    if record is not None:
        for token in record.holds:
            held.update(stock.holds[token].seats)
        for name in record.bookings:
            booked.update(stock.bookings[name].seats)
    letters = stock.letters
    reasons = [
        ("You hold {} already.", held.intersection(taken)),
        ("You have booked {} already.", booked.intersection(taken)),
        ("Not for sale: {}.", [seat for seat in taken if letters[seat] == BLOCKED]),
    ]
    labels = stock.venue.labels
    told = [
        text.format(", ".join(labels[seat] for seat in sorted(seats)))
        for text, seats in reasons
        if seats
    ]
    if sum(len(seats) for _, seats in reasons) < len(taken):
        told.append(DETAILS["seat_not_free"])
    return " ".join(told)


def instead_of_orphans(
    stock: Stock, seats: Seats, user: str, hold: HoldRecord | None
) -> Refused | None:
    """Refuse seats that would leave a single one alone, and offer some that do not.

    Seats beside those of the `hold` that they are to be added to are offered first.
    """
    finder = stock.finder
    orphans = finder.orphans(seats)
    if not orphans:
        return None
    windows = _beside(stock, seats, hold) if hold is not None else []
    windows += [
        window
        for window in _clean(stock, _windows(stock, seats, user))
        if not any(set(window) & set(other) for other in windows)
    ]
    if not windows:
        return None
    refused = _alone(stock, orphans)
    return _offer(stock, refused, windows[: limits.ALTERNATIVES_MAX])


def instead_of_leaving(
    stock: Stock, hold: HoldRecord, seats: Seats, user: str
) -> Refused | None:
    """Refuse to take back a part of a hold that would be alone beside the rest of it.

    Offered are other parts of the same size, nearest to what was asked; where there are
    none, but better seats for who stays, larger parts. The whole can always be given
    back.
    """
    alone = _left_alone(stock, hold, seats)
    if not alone:
        return None
    parts = _parts(stock, hold, seats, len(seats))
    if not parts:
        kept = len(hold.seats) - len(seats)
        if not _clean(stock, _windows(stock, hold.seats[:kept], user)):
            return None
        sizes = range(len(seats) + 1, len(hold.seats) + 1)
        parts = next(filter(None, (_parts(stock, hold, seats, n) for n in sizes)))
    refused = _alone(stock, alone)
    refused.detail = (
        "Giving these back would leave a single seat alone; give back others"
        " of this hold, or more of it."
    )
    return _offer(stock, refused, parts)


def instead_of_booking(stock: Stock, hold: HoldRecord) -> Refused | None:
    """Refuse to book seats beside one that is alone, if moving up by one mends that.

    That one may have become free after the hold was made, by whomever; so only a way
    out that costs nothing is asked for: the same number of seats of the same kind.
    Offered is what the hold should have.
    """
    orphans = stock.finder.alone_beside(hold.seats)
    if not orphans:
        return None
    moves = [
        (orphan, last) for orphan in orphans for last in _moves(stock, hold, orphan)
    ]
    if not moves:
        return None
    refused = _alone(stock, [orphan for orphan in orphans if orphan in dict(moves)])
    labels = stock.venue.labels
    taken, given = (labels[seat] for seat in moves[0])
    refused.detail = (
        f"This would leave {taken} alone; give back {given} and add {taken} first."
    )
    windows = [
        [orphan if seat == last else seat for seat in hold.seats]
        for orphan, last in moves
    ]
    return _offer(stock, refused, windows[: limits.ALTERNATIVES_MAX])


def _alone(stock: Stock, orphans: list[int]) -> Refused:
    refused = refuse("orphan_seat")
    labels = stock.venue.labels
    refused.orphans = [labels[seat] for seat in orphans]
    return refused


def _offer(stock: Stock, refused: Refused, windows: list[list[int]]) -> Refused:
    labels = stock.venue.labels
    refused.alternatives = [[labels[seat] for seat in window] for window in windows]
    return refused


def _clean(stock: Stock, windows: list[list[int]]) -> list[list[int]]:
    return [window for window in windows if not stock.finder.orphans(window)]


def _beside(stock: Stock, seats: Seats, hold: HoldRecord) -> list[list[int]]:
    """Find windows like `seats` next to those of a hold, without a common seat."""
    venue_seats = stock.venue.seats
    category = venue_seats[seats[0]].category
    found: list[list[int]] = []
    for window in stock.finder.windows_beside(hold.seats, len(seats)):
        apart = not any(set(window) & set(other) for other in found)
        if apart and all(venue_seats[seat].category == category for seat in window):
            found.append(window)
    return found


def _left_alone(stock: Stock, hold: HoldRecord, seats: Seats | list[int]) -> list[int]:
    """Return which of the seats given back would be alone beside those kept."""
    gone = set(seats)
    kept = [seat for seat in hold.seats if seat not in gone]
    alone = stock.finder.alone_beside(kept, seats)
    return [seat for seat in alone if seat in gone]


def _parts(stock: Stock, hold: HoldRecord, seats: Seats, size: int) -> list[list[int]]:
    """Find parts of a hold that can be given back, those most like `seats` first."""
    order = stock.finder.in_order(hold.seats)
    wanted = set(seats)
    parts = [order[i : i + size] for i in range(len(order) - size + 1)]
    parts.sort(key=lambda part: len(wanted.difference(part)))
    tried = parts[:PARTS_TRIED_MAX]
    better = (part for part in tried if not _left_alone(stock, hold, part))
    return list(islice(better, limits.ALTERNATIVES_MAX))


def _moves(stock: Stock, hold: HoldRecord, orphan: int) -> Iterator[int]:
    """Find the seats of the hold that can be given for the orphan beside it.

    Each is at the other end of its seats in a row, before another free one, and of the
    same kind.
    """
    finder, letters, own = stock.finder, stock.letters, set(hold.seats)
    wanted = _kind(stock, orphan)
    for seat in finder.neighbours(orphan):
        before, last = orphan, seat
        while last in own:
            ahead = [one for one in finder.neighbours(last) if one != before]
            if not ahead or ahead[0] == orphan:
                break
            if letters[ahead[0]] == FREE:
                if _kind(stock, last) == wanted:
                    yield last
                break
            before, last = last, ahead[0]


def _kind(stock: Stock, index: int) -> tuple[str, bool, bool, bool]:
    seat = stock.venue.seats[index]
    return seat.category, seat.accessible, seat.companion, seat.restricted


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
