"""What is left of bookings, and where it is: all that tickets are made from.

Both are read in the transaction that makes the tickets. A booking's row may be further
than the journal was followed to; what is left only ever gets less, until it is nothing.
"""

import asyncio
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from inventory.ports import BookedLines
from inventory.venue.stored import seat_slices, without_seats
from persistence.postgres.pool import Row

VENUES_KEPT_MAX: Final = 4
"""One may take 30 MB."""

PAUSE_S: Final = 0.000_5

_BOOKINGS = """
SELECT booking_id, user_id, seats::text AS seats, areas::text AS areas, lines,
    cancelled_at IS NOT NULL AS cancelled
FROM booking WHERE booking_id = ANY ($1)
"""
_EVENT = """
SELECT e.organisation_id, e.venue_id, v.revision
FROM event e JOIN venue v USING (venue_id) WHERE e.event_id = $1
"""
# A line whose ticket was revoked has none: it is issued again in its place. Taken from
# the end: of places that are alike those have tickets first that are not leaving, since
# what leaves may be free by now, and then nobody issues any for those that stay.
_LINES = """
SELECT l.order_id, l.kind, l.label, l.line, l.state = 'leaving' AS leaving
FROM order_line l
WHERE l.order_id = ANY ($1) AND l.kind IN ('seat', 'place') AND l.state <> 'gone'
    AND NOT EXISTS (SELECT FROM ticket t WHERE t.order_id = l.order_id
        AND t.line = l.line AND t.state <> 'revoked')
ORDER BY leaving DESC, l.line DESC
"""
# Given back, and still booked, so that nobody buys them: nobody has a ticket either.
_KEPT = """
SELECT p.booking_id, l.label, count(*)::int AS count
FROM order_part p JOIN order_line l USING (order_id)
WHERE p.booking_id = ANY ($1) AND l.kept AND l.kind IN ('seat', 'place')
GROUP BY p.booking_id, l.label
"""
_MAP = "SELECT map FROM venue WHERE venue_id = $1"

_labels = msgspec.json.Decoder(list[str]).decode
_areas = msgspec.json.Decoder(dict[str, int]).decode
_booked_lines = msgspec.json.Decoder(BookedLines).decode


class Left(Struct, frozen=True):
    """What is left of a booking: nothing, once it is cancelled.

    Seats with their categories; areas with category and how many places, some in
    several lines. A category is None where a former version booked.
    """

    booking: str
    user: str
    seats: list[tuple[str, str | None]]
    areas: list[tuple[str, str | None, int]]


class TicketEvent(Struct, frozen=True):
    """Whose an event is, and its map."""

    organisation: str | None
    venue: str
    revision: int


class Places(Struct, frozen=True):
    """Indexes in a venue's map, by label."""

    seats: Mapping[str, int]
    areas: Mapping[str, int]


class OpenLine(Struct, frozen=True):
    """A line of an order that has no ticket yet."""

    line: int
    leaving: bool
    """Whether it is being given back, and its ticket lets nobody in."""


class OpenLines:
    """Lines of orders that have no ticket yet."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._lines: defaultdict[tuple[str, str, str], list[OpenLine]] = defaultdict(
            list
        )
        for row in rows:
            key = row["order_id"], row["kind"], row["label"]
            self._lines[key].append(OpenLine(row["line"], row["leaving"]))

    def take(self, order: str | None, kind: str, label: str) -> OpenLine | None:
        """Return a line of an order for this seat or area, for one ticket.

        The first that stays with its buyer, else the first.
        """
        if order is None:
            return None
        lines = self._lines[order, kind, label]
        return lines.pop() if lines else None


class PlaceIndexes:
    """The maps of a few venues, as far as tickets name places by their index."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], Places] = OrderedDict()

    async def of(self, connection: Any, event: TicketEvent) -> Places:
        """Return the indexes in the map of an event; read in a thread, and kept."""
        key = event.venue, event.revision
        known = self._kept.get(key)
        if known is None:
            encoded = await connection.fetchval(_MAP, event.venue)
            known = await asyncio.to_thread(_indexed, bytes(encoded))
            self._kept[key] = known
            if len(self._kept) > VENUES_KEPT_MAX:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return known


async def read_left(connection: Any, bookings: Sequence[str]) -> list[Left]:
    """Return what is left of bookings by now, but for what is booked for nobody."""
    rows = await connection.fetch(_BOOKINGS, list(bookings))
    kept: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in await connection.fetch(_KEPT, list(bookings)):
        kept[row["booking_id"]][row["label"]] = row["count"]
    left = [_left_of(row) for row in rows]
    return [_without(one, kept[one.booking]) for one in left] if kept else left


async def read_lines(connection: Any, orders: Sequence[str]) -> OpenLines:
    """Return the lines of orders that have no ticket yet."""
    return OpenLines(await connection.fetch(_LINES, list(orders)) if orders else [])


async def read_event(connection: Any, event: str) -> TicketEvent | None:
    """Return what tickets need of an event; None where its row is gone."""
    row = await connection.fetchrow(_EVENT, event)
    if row is None:
        return None
    return TicketEvent(row["organisation_id"], row["venue_id"], row["revision"])


def _left_of(row: Row) -> Left:
    if row["cancelled"]:
        return Left(row["booking_id"], row["user_id"], [], [])
    seats, areas = _labels(row["seats"]), _areas(row["areas"])
    categories: Sequence[str | None] = [None] * len(seats)
    counted: list[tuple[str, str | None, int]] = [
        (label, None, count) for label, count in areas.items()
    ]
    if row["lines"] is not None:
        lines = _booked_lines(row["lines"])
        categories = lines.categories
        counted = [
            (label, category, count) for label, category, count, _ in lines.areas
        ]
    return Left(
        row["booking_id"],
        row["user_id"],
        list(zip(seats, categories, strict=True)),
        counted,
    )


def _without(left: Left, kept: Counter[str]) -> Left:
    """Return what is left of a booking without some seats, and some places."""
    areas = []
    for label, category, count in left.areas:
        taken = min(count, kept[label])
        kept[label] -= taken
        if taken < count:
            areas.append((label, category, count - taken))
    seats = [one for one in left.seats if one[0] not in kept]
    return Left(left.booking, left.user, seats, areas)


def _indexed(encoded: bytes) -> Places:
    """Read a map in slices, between which the loop goes on."""
    seats: dict[str, int] = {}
    for some in seat_slices(encoded):
        seats.update((seat.label, seat.index) for seat in some)
        time.sleep(PAUSE_S)
    areas = without_seats(encoded).areas
    return Places(seats, {area.label: index for index, area in enumerate(areas)})
