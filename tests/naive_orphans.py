"""The rule against orphans, in the slowest words, for the slow twin of the stock."""

from typing import Any
from zlib import crc32

from inventory.suggest import PARTS_TRIED_MAX

Reply = dict[str, Any]
OFFERS = 3


def instead_of_taken(stock: Any, seats: list[str]) -> list[list[str]]:
    windows = alternatives(stock, seats)
    if stock.settings.prevent_orphans:
        windows = clean(stock, windows) or windows
    return windows


def of_hold(stock: Any, seats: list[str], hold: dict[str, Any] | None) -> Reply | None:
    orphans = stock.look().orphans(stock.indexes(seats))
    offers = [] if hold is None else beside(stock, seats, hold)
    for window in clean(stock, alternatives(stock, seats)):
        if not any(set(window) & set(other) for other in offers):
            offers.append(window)
    if not orphans or not offers:
        return None
    return {"orphans": stock.labels(orphans), "alternatives": offers[:OFFERS]}


def of_release(stock: Any, hold: dict[str, Any], seats: list[str]) -> Reply | None:
    alone = left_alone(stock, hold, seats)
    kept = len(hold["seats"]) - len(seats)
    if not alone:
        return None
    offers = parts(stock, hold, seats, len(seats))
    if not offers and not clean(stock, alternatives(stock, hold["seats"][:kept])):
        return None
    size = len(seats)
    while not offers:
        size += 1
        offers = parts(stock, hold, seats, size)
    return {"orphans": alone, "alternatives": offers[:OFFERS]}


def of_booking(stock: Any, hold: dict[str, Any]) -> Reply | None:
    """For each orphan beside the hold, the hold with its far end moved to it."""
    finder = stock.look()
    own = stock.indexes(hold["seats"])
    orphans, offers = [], []
    for orphan in finder.alone_beside(own):
        segment = finder.segment_of(orphan)
        for first in sorted(finder.neighbours(segment, orphan), key=segment.index):
            line = [orphan]
            ahead = [first]
            while ahead and ahead[0] in own and ahead[0] not in line:
                line.append(ahead[0])
                ahead = [
                    one
                    for one in finder.neighbours(segment, line[-1])
                    if one != line[-2]
                ]
            if len(line) == 1 or not ahead or ahead[0] == orphan:
                continue
            if ahead[0] in finder.open and kind(stock, orphan) == kind(stock, line[-1]):
                orphans.append(orphan)
                moved = [orphan if seat == line[-1] else seat for seat in own]
                offers.append(stock.labels(moved))
    if not offers:
        return None
    once = list(dict.fromkeys(orphans))
    return {"orphans": stock.labels(once), "alternatives": offers[:OFFERS]}


def kind(stock: Any, index: int) -> tuple[Any, ...]:
    seat = stock.venue.seats[index]
    return seat.category, seat.accessible, seat.companion, seat.restricted


def alternatives(stock: Any, seats: list[str]) -> list[list[str]]:
    finder = stock.look()
    salt = crc32(stock.user.encode()) + stock.version
    category = stock.venue.seats[stock.indexes(seats)[0]].category
    for wanted in (category, None):
        windows = finder.alternatives(len(seats), category=wanted, salt=salt)
        if windows:
            return [stock.labels(window) for window in windows]
    return []


def clean(stock: Any, windows: list[list[str]]) -> list[list[str]]:
    finder = stock.look()
    return [one for one in windows if not finder.orphans(stock.indexes(one))]


def beside(stock: Any, seats: list[str], hold: dict[str, Any]) -> list[list[str]]:
    """Clean windows of the same category next to the hold's seats, none twice."""
    finder = stock.look()
    own = stock.indexes(hold["seats"])
    category = stock.venue.seats[stock.indexes(seats)[0]].category
    offers: list[list[str]] = []
    for segment in finder.segments_of(own):
        mine = [seat for seat in segment if seat in own]
        near = {one for seat in mine for one in finder.neighbours(segment, seat)}
        for start in range(len(segment)):
            window = finder.window(segment, start, len(seats))
            labels = stock.labels(window)
            if (
                len(window) == len(seats)
                and set(window) <= finder.open
                and all(finder.is_general(one) for one in window)
                and all(finder.in_category(one, category) for one in window)
                and not finder.orphans(window)
                and set(window) & near
                and not any(set(labels) & set(other) for other in offers)
            ):
                offers.append(labels)
    return offers


def left_alone(stock: Any, hold: dict[str, Any], seats: list[str]) -> list[str]:
    kept = [seat for seat in hold["seats"] if seat not in seats]
    finder = stock.look()
    alone = finder.alone_beside(stock.indexes(kept), stock.indexes(seats))
    return [seat for seat in stock.labels(alone) if seat in seats]


def parts(
    stock: Any, hold: dict[str, Any], seats: list[str], size: int
) -> list[list[str]]:
    finder = stock.look()
    order = [seat for segment in finder.ranked for seat in segment]
    mine = stock.labels(sorted(stock.indexes(hold["seats"]), key=order.index))
    found = [mine[i : i + size] for i in range(len(mine) - size + 1)]
    found.sort(key=lambda part: len(set(seats) - set(part)))
    return [
        part for part in found[:PARTS_TRIED_MAX] if not left_alone(stock, hold, part)
    ]
