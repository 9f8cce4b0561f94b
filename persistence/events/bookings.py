"""Bookings as rows: those of a user, and those of an event with who made them.

The journal's commits write them; here one reads.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from inventory.ports import BookedLines
from inventory.settings import Money
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool, Row
from persistence.postgres.searches import WALKED, Searched, along

_FIELDS: Final = """
b.booking_id, b.event_id, b.reference, b.user_id, b.order_id, b.version,
b.seats::text AS seats, b.areas::text AS areas, b.created_at, b.cancelled_at, b.lines,
v.amount, v.currency, e.name AS event_name, e.starts_at AS event_starts_at,
(e.settings ->> 'cancel_until_s')::bigint AS cancel_until_s,
coalesce(e.settings ->> 'timezone', 'UTC') AS event_timezone
"""
_BOOKING: Final = """
booking b JOIN event e USING (event_id) LEFT JOIN booking_value v USING (booking_id)
"""
_FIND = f"SELECT {_FIELDS} FROM {_BOOKING} WHERE b.booking_id = $1"
_FIND_REFERENCE = f"SELECT {_FIELDS} FROM {_BOOKING} WHERE b.reference = $1"
_WANTED = """
    AND ($2::boolean IS NULL OR (b.cancelled_at IS NOT NULL) = $2)
    AND ($3::timestamptz IS NULL OR b.created_at >= $3)
    AND ($4::timestamptz IS NULL OR b.created_at < $4)
"""
_LIST_OF_USER = f"""
SELECT {_FIELDS} FROM {_BOOKING}
WHERE b.user_id = $1 {_WANTED}
    AND ($6::text IS NULL OR b.event_id = $6)
    AND ($7::timestamptz IS NULL OR (b.created_at, b.booking_id) < ($7, $8))
ORDER BY b.created_at DESC, b.booking_id DESC LIMIT $5
"""
_SELECT_WITH_BUYER = f"""
SELECT {_FIELDS}, coalesce(a.email, nullif(t.email, '')) AS email,
    coalesce(nullif(a.name, ''), nullif(t.name, '')) AS name
FROM {_BOOKING} LEFT JOIN account a ON a.user_id = b.user_id
    LEFT JOIN attendee t ON t.attendee_id = b.user_id
"""
_OF_EVENT = f"""{_SELECT_WITH_BUYER}
WHERE b.event_id = $1 {_WANTED}
    AND ($6::bigint IS NULL OR b.version < $6)
    AND ($7::text IS NULL OR b.seats ? $7)
"""
_LATEST = "ORDER BY b.version DESC LIMIT $5"
_LIST_OF_EVENT = f"{_OF_EVENT} {_LATEST}"
_OF_IDS = f"{_SELECT_WITH_BUYER} WHERE b.booking_id = ANY ($1) ORDER BY b.version DESC"
_ASKED = f"""
FROM booking b
WHERE b.event_id = $1 {_WANTED}
    AND ($6::bigint IS NULL OR b.version < $6)
    AND ($7::text IS NULL OR b.seats ? $7)
"""
_CHOSEN = f"SELECT b.booking_id, b.version {_ASKED} AND"
_OF_PERSONS = f"""
{_CHOSEN} b.user_id IN (
    SELECT user_id FROM account WHERE words @@ (SELECT search_query($8)))
UNION ALL {_CHOSEN} b.user_id IN (
    SELECT attendee_id FROM attendee
    WHERE words @@ (SELECT search_query($8)) AND event_id = $1)
"""
# Each has an index of its own, but for seats: those of a sale's bookings would have to
# pay for it, so an event's are looked through, and only where the text is a seat.
_OTHERS = f"""
UNION {_CHOSEN} b.booking_id = $8
UNION {_CHOSEN} b.user_id = $8
UNION {_CHOSEN} b.order_id = $8
UNION {_CHOSEN} b.reference >= upper($8) AND b.reference < upper($8) || chr(1114111)
UNION {_CHOSEN} $9::boolean AND b.seats ? $8
"""
# All that are of persons with the words are there before the newest are taken: in the
# order of the list, which a LIMIT suggests, these are far away.
_FOUND = f"""
WITH theirs AS MATERIALIZED ({_OF_PERSONS})
SELECT booking_id FROM (
    (SELECT booking_id, version FROM theirs ORDER BY version DESC LIMIT $5) {_OTHERS}
) AS b {_LATEST}
"""
_COUNT_FOUND = f"SELECT booking_id FROM ({_OF_PERSONS} {_OTHERS}) AS b {_LATEST}"
# Whose words they are is looked up for each, and by no other way: all accounts would be
# read at once for it, where these are few.
_SEARCH_EVENT = Searched(
    along=along(
        "booking_id, version",
        f"SELECT b.* {_ASKED} ORDER BY version DESC LIMIT {WALKED}",
        """w WHERE
w.booking_id = $8 OR w.user_id = $8 OR w.order_id = $8 OR ($9::boolean AND w.seats ? $8)
    OR (w.reference >= upper($8) AND w.reference < upper($8) || chr(1114111))
    OR coalesce((
        SELECT p.words @@ (SELECT search_query($8))
        FROM account p WHERE p.user_id = w.user_id), false)
    OR coalesce((
        SELECT p.words @@ (SELECT search_query($8))
        FROM attendee p WHERE p.attendee_id = w.user_id), false)
""",
        "version DESC",
        "$5",
    ),
    indexed=_FOUND,
    counted=_COUNT_FOUND,
    key="booking_id",
)

_labels = msgspec.json.Decoder(list[str]).decode
_areas = msgspec.json.Decoder(dict[str, int]).decode
_booked_lines = msgspec.json.Decoder(BookedLines).decode


class BookingLine(Struct, frozen=True):
    """A seat, or places of an area at one price.

    Category and price are None where a former version booked it: they are in the
    journal alone; the price also where nothing had one.
    """

    label: str
    category: str | None
    quantity: int
    price: Money | None


class Booking(Struct, frozen=True):
    """A booking, cancelled or not."""

    booking: str
    event: str
    reference: str
    user: str
    order: str | None
    version: int
    seats: list[str]
    areas: dict[str, int]
    created_at: datetime
    cancelled_at: datetime | None
    event_name: str
    event_starts_at: datetime
    event_timezone: str
    cancel_until: datetime
    """Until when its buyer may cancel it."""
    total: Money | None
    """What it costs; None where it is free, or not counted yet since a former version
    booked it."""
    lines: list[BookingLine]


class Buyer(Struct, frozen=True):
    """Who made a booking; a guest has neither name nor address."""

    email: str | None
    name: str | None

    def __repr__(self) -> str:
        """Leave out what no log should hold."""
        return "Buyer()"


class Wanted(Struct, frozen=True, kw_only=True):
    """Which bookings to list; None is any. `begin` is included, `end` is not."""

    cancelled: bool | None = None
    begin: datetime | None = None
    end: datetime | None = None


class Bookings:
    """Reads bookings. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, booking: str) -> Booking | None:
        """Return a booking by its id."""
        row = await self._pool.fetch_one(_FIND, booking)
        return None if row is None else _booking_of(row)

    async def find_by_reference(self, reference: str) -> Booking | None:
        """Return a booking by what its buyer reads out."""
        row = await self._pool.fetch_one(_FIND_REFERENCE, reference)
        return None if row is None else _booking_of(row)

    async def list_of_user(
        self,
        user: str,
        wanted: Wanted,
        *,
        event: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> tuple[list[Booking], str | None]:
        """Return a page of a user's bookings, newest first, and the next cursor."""
        rows = await self._pool.fetch(
            _LIST_OF_USER,
            user,
            wanted.cancelled,
            wanted.begin,
            wanted.end,
            fetched(limit),
            event,
            *decode_cursor(cursor),
        )
        found = [_booking_of(row) for row in rows]
        return page(found, limit, lambda one: (one.created_at, one.booking))

    async def count_of_user(
        self, user: str, wanted: Wanted, *, event: str | None = None
    ) -> int:
        """Return how many `list_of_user` has on all its pages."""
        values = (wanted.cancelled, wanted.begin, wanted.end)
        return await self._pool.count(
            _LIST_OF_USER, user, *values, None, event, None, None
        )

    async def list_of_event(
        self,
        event: str,
        wanted: Wanted,
        *,
        text: str | None = None,
        text_is_seat: bool = False,
        seat: str | None = None,
        below: int | None = None,
        limit: int,
    ) -> list[tuple[Booking, Buyer]]:
        """Return an event's bookings of versions below one, newest first.

        `text` is a booking's id, its user's or its order's, a seat where it can be one,
        the beginning of the reference, or words that are in its buyer's name or
        address, as `search_query` of migration 0014 reads them.
        """
        values = (
            event,
            wanted.cancelled,
            wanted.begin,
            wanted.end,
            limit,
            below,
            seat,
        )
        if text is None:
            rows = await self._pool.fetch(_LIST_OF_EVENT, *values)
        else:
            asked = (*values, text, text_is_seat)
            found = await _SEARCH_EVENT.fetch(self._pool, limit, *asked)
            ids = [row["booking_id"] for row in found]
            rows = await self._pool.fetch(_OF_IDS, ids)
        return [(_booking_of(row), Buyer(row["email"], row["name"])) for row in rows]

    async def count_of_event(
        self,
        event: str,
        wanted: Wanted,
        *,
        text: str | None = None,
        text_is_seat: bool = False,
        seat: str | None = None,
    ) -> int:
        """Return how many `list_of_event` has of all versions."""
        values = (event, wanted.cancelled, wanted.begin, wanted.end, None, None, seat)
        if text is None:
            return await self._pool.count(_LIST_OF_EVENT, *values)
        return await _SEARCH_EVENT.count(self._pool, *values, text, text_is_seat)


def _booking_of(row: Row) -> Booking:
    seats, areas = _labels(row["seats"]), _areas(row["areas"])
    lines = lines_of(row["lines"], seats, areas)
    return Booking(
        booking=row["booking_id"],
        event=row["event_id"],
        reference=row["reference"],
        user=row["user_id"],
        order=row["order_id"],
        version=row["version"],
        seats=seats,
        areas=areas,
        created_at=row["created_at"],
        cancelled_at=row["cancelled_at"],
        event_name=row["event_name"],
        event_starts_at=row["event_starts_at"],
        event_timezone=row["event_timezone"],
        cancel_until=row["event_starts_at"] - timedelta(seconds=row["cancel_until_s"]),
        total=_total_of(row, lines),
        lines=lines,
    )


def lines_of(
    encoded: bytes | None, seats: list[str], areas: dict[str, int]
) -> list[BookingLine]:
    """Return what a booking's seats and places cost, as its row tells.

    `encoded` is None where a former version booked it.
    """
    if encoded is None:
        return [
            *(BookingLine(label, None, 1, None) for label in seats),
            *(BookingLine(label, None, count, None) for label, count in areas.items()),
        ]
    booked = _booked_lines(encoded)
    currency = booked.currency
    known = [
        *(
            (label, category, 1, amount)
            for label, category, amount in zip(
                seats, booked.categories, booked.amounts, strict=True
            )
        ),
        *booked.areas,
    ]
    return [
        BookingLine(
            label, category, count, None if currency is None else Money(each, currency)
        )
        for label, category, count, each in known
    ]


def _total_of(row: Row, lines: list[BookingLine]) -> Money | None:
    if row["lines"] is None:
        amount: int | None = row["amount"]
        return None if amount is None else Money(amount, row["currency"])
    prices = [line.price for line in lines if line.price is not None]
    if not prices:
        return None
    amount = sum(line.price.amount * line.quantity for line in lines if line.price)
    return Money(amount, prices[0].currency)
