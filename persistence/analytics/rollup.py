"""Counts the journal into the tables of analytics.

Purpose: what happened to each event, by the minute and by the day, without asking the
sale. The counts and how far the journal is counted are one transaction: whoever dies in
the middle has counted nothing, and each change counts once.

Concurrency: any process may count any event; an advisory lock, which ends with its
transaction, keeps two from counting the same one. No row that a sale writes is locked.
Its connection is its own and single, so that it waits behind itself alone.

Invariants: the journal is read in order and without a hole, from where it was counted
to; what was committed counts as it is.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from inventory.changes import AnyChange
from inventory.settings import Money
from inventory.venue.stored import read_stored
from persistence.analytics.tally import (
    DIGEST_BYTES,
    Booked,
    Categories,
    Counts,
    Prices,
    Tally,
    bookings_in,
    needs_categories,
)
from persistence.events.drawn import give_way
from persistence.journal.stretches import (
    EVENTS_MAX,
    Behind,
    JournalRow,
    Timer,
    behind_of,
    read_stretch,
)
from persistence.postgres.pool import Pool, Row

VENUES_KEPT_MAX: Final = 2
"""Of which bookings of former versions are counted; one may take 40 MB."""

LOCK_SPACE: Final = 0x6F6E7361
"""Tells our advisory locks from others': "onsa" in ASCII."""

assert DIGEST_BYTES == 8

_BEHIND = """
SELECT h.event_id, count(*) OVER () AS events,
    (sum(h.version - coalesce(r.version, 0)) OVER ())::bigint AS versions,
    extract(epoch FROM clock_timestamp() - (
        SELECT j.at FROM journal j
        WHERE j.event_id = h.event_id AND j.to_version > coalesce(r.version, 0)
        ORDER BY j.to_version LIMIT 1
    ))::float AS lag_s
FROM event_head h LEFT JOIN event_rollup r USING (event_id)
WHERE h.version > coalesce(r.version, 0)
ORDER BY h.event_id = ANY ($2), r.counted_at NULLS FIRST, h.event_id LIMIT $1
"""
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock($1, hashtext($2))"
_STATE = """
SELECT h.version AS head, coalesce(r.version, 0) AS version, r.live_holds,
    e.venue_id, v.revision AS venue_revision,
    coalesce(r.prices, e.initial_settings -> 'prices', '{}')::text AS prices
FROM event e JOIN venue v USING (venue_id) JOIN event_head h USING (event_id)
    LEFT JOIN event_rollup r USING (event_id)
WHERE e.event_id = $1
"""
_BOOKINGS = """
SELECT b.booking_id, b.user_id, b.seats::text AS seats, b.areas::text AS areas,
    v.amount, v.currency
FROM booking b LEFT JOIN booking_value v USING (booking_id)
WHERE b.booking_id = ANY ($1)
"""
_MAP = "SELECT map FROM venue WHERE venue_id = $1"
_COUNTS: Final = Counts.__struct_fields__
_MONEY: Final = frozenset({"revenue", "refunded"})
"""Sums of amounts, which no integer of Postgres is sure to hold."""

_PUT_TIMES = """
INSERT INTO {table} AS t (event_id, {unit}, currency, {columns})
SELECT $1, date_trunc('{unit}', minute, 'UTC'), currency, {sums}
FROM unnest($2::timestamptz[], $3::text[], {arrays}) AS c(minute, currency, {columns})
GROUP BY 2, 3
ON CONFLICT (event_id, {unit}, currency) DO UPDATE SET {updates}
"""


def _put_times(unit: str) -> str:
    return _PUT_TIMES.format(
        table=f"event_{unit}",
        unit=unit,
        columns=", ".join(_COUNTS),
        sums=", ".join(f"sum({name})" for name in _COUNTS),
        arrays=", ".join(
            f"${n}::{'numeric' if name in _MONEY else 'bigint'}[]"
            for n, name in enumerate(_COUNTS, 4)
        ),
        updates=", ".join(f"{name} = t.{name} + excluded.{name}" for name in _COUNTS),
    )


_PUT_MINUTES = _put_times("minute")
_PUT_DAYS = _put_times("day")
# The table holds a user once, so one statement tells who is new and who came back.
_PUT_BUYERS = """
WITH given AS (
    SELECT * FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
        AS g(user_id, holds, bookings, cancellations)
), put AS (
    INSERT INTO event_buyer AS b (event_id, user_id, holds, bookings, cancellations)
    SELECT $1, user_id, holds, bookings, cancellations FROM given
    ON CONFLICT (event_id, user_id) DO UPDATE SET holds = b.holds + excluded.holds,
        bookings = b.bookings + excluded.bookings,
        cancellations = b.cancellations + excluded.cancellations
    RETURNING b.user_id, b.holds, b.bookings
)
SELECT
    count(*) FILTER (WHERE p.holds > 0 AND p.holds = g.holds) AS interested,
    count(*) FILTER (WHERE p.bookings > 0 AND p.bookings = g.bookings) AS buyers,
    count(*) FILTER (WHERE p.bookings > 1 AND p.bookings - g.bookings < 2)
        AS returning_buyers
FROM put p JOIN given g USING (user_id)
"""
_PUT_VALUES = """
INSERT INTO booking_value (booking_id, amount, currency)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[])
"""
_PUT_LEFT = """
UPDATE booking_value v SET amount = g.amount
FROM unnest($1::text[], $2::bigint[]) AS g(booking_id, amount)
WHERE v.booking_id = g.booking_id
"""
_PUT_STATE = """
INSERT INTO event_rollup AS r (event_id, version, counted_to, counted_at, live_holds,
    prices, holds, bookings, cancellations, expired, released, seats_booked,
    seats_cancelled, interested, buyers, returning_buyers)
VALUES ($1, $2, $3, now(), $4, $5::jsonb, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (event_id) DO UPDATE SET
    version = excluded.version, counted_to = excluded.counted_to,
    counted_at = excluded.counted_at, live_holds = excluded.live_holds,
    prices = excluded.prices, holds = r.holds + excluded.holds,
    bookings = r.bookings + excluded.bookings,
    cancellations = r.cancellations + excluded.cancellations,
    expired = r.expired + excluded.expired, released = r.released + excluded.released,
    seats_booked = r.seats_booked + excluded.seats_booked,
    seats_cancelled = r.seats_cancelled + excluded.seats_cancelled,
    interested = r.interested + excluded.interested,
    buyers = r.buyers + excluded.buyers,
    returning_buyers = r.returning_buyers + excluded.returning_buyers
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_prices = msgspec.json.Decoder(Prices).decode
_labels = msgspec.json.Decoder(list[str]).decode
_areas = msgspec.json.Decoder(dict[str, int]).decode
_holds = msgspec.msgpack.Decoder(dict[bytes, int]).decode


class Counted(Struct, frozen=True):
    """What one step counted, and how long it kept the loop."""

    versions: int
    busy_s: float
    more: bool = False
    """Whether something is left of what there was when it began."""


class Rollup:
    """Counts the journals of events. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._venues: OrderedDict[tuple[str, int], Categories] = OrderedDict()

    async def behind(self, last: Collection[str] = ()) -> Behind:
        """Return what is not counted yet, what waits for its turn longest first.

        Those that are to come `last` are named only where there is room for them.
        """
        rows = await self._pool.fetch(_BEHIND, EVENTS_MAX, list(last))
        return behind_of(rows)

    async def count(self, event: str) -> Counted:
        """Count the next stretch of an event's journal.

        Nothing where another process is at it. Raises `Hole`.
        """
        async with self._pool.transaction() as connection:
            if not await connection.fetchval(_TRY_LOCK, LOCK_SPACE, event):
                return Counted(0, 0.0)
            state = await connection.fetchrow(_STATE, event)
            if state is None:
                return Counted(0, 0.0)
            base = state["version"]
            timer = Timer()
            rows = (await read_stretch(connection, event, base, timer)).rows
            if not rows:
                return Counted(0, 0.0)
            timer.stop()
            tally = await self._begin(connection, state, [row.changes for row in rows])
            timer.go_on()
            for row in rows:
                tally.add(row.changes, row.at_ms)
                await timer.pause()
            timer.stop()
            await self._put(connection, event, rows[-1], tally)
            to = rows[-1].to
            return Counted(to - base, timer.busy_s, to < state["head"])

    async def _begin(
        self, connection: Any, state: Row, batches: list[list[AnyChange]]
    ) -> Tally:
        """Return a tally that knows all that these batches refer to."""
        bookings: dict[str, Booked] = {}
        values: dict[str, Money] = {}
        for row in await connection.fetch(_BOOKINGS, list(bookings_in(batches))):
            name = row["booking_id"]
            bookings[name] = Booked(
                row["user_id"], _labels(row["seats"]), _areas(row["areas"])
            )
            if row["amount"] is not None:
                values[name] = Money(row["amount"], row["currency"])
        prices = _prices(state["prices"])
        categories = Categories({}, {})
        if needs_categories(batches, prices):
            categories = await self._categories(
                connection, state["venue_id"], state["venue_revision"]
            )
        packed = state["live_holds"]
        return Tally(
            {} if packed is None else _holds(packed),
            prices,
            bookings=bookings,
            values=values,
            categories=categories,
        )

    async def _categories(
        self, connection: Any, venue: str, revision: int
    ) -> Categories:
        known = self._venues.get((venue, revision))
        if known is None:
            encoded = await connection.fetchval(_MAP, venue)
            known = await asyncio.to_thread(_labelled, bytes(encoded))
            self._venues[venue, revision] = known
            if len(self._venues) > VENUES_KEPT_MAX:
                self._venues.popitem(last=False)
        self._venues.move_to_end((venue, revision))
        return known

    async def _put(
        self, connection: Any, event: str, last: JournalRow, tally: Tally
    ) -> None:
        """Add what was counted, and note how far."""
        minutes = [_EPOCH + timedelta(minutes=minute) for minute, _ in tally.minutes]
        currencies = [currency for _, currency in tally.minutes]
        counts = list(tally.minutes.values())
        columns = [[getattr(one, name) for one in counts] for name in _COUNTS]
        total = dict(zip(_COUNTS, map(sum, columns), strict=True))
        for statement in (_PUT_MINUTES, _PUT_DAYS):
            await connection.execute(statement, event, minutes, currencies, *columns)
        users = list(tally.users.values())
        came = await connection.fetchrow(
            _PUT_BUYERS,
            event,
            list(tally.users),
            [one.holds for one in users],
            [one.bookings for one in users],
            [one.cancellations for one in users],
        )
        await connection.execute(
            _PUT_VALUES,
            list(tally.made),
            [value.amount for value in tally.made.values()],
            [value.currency for value in tally.made.values()],
        )
        if tally.left:
            amounts = [value.amount for value in tally.left.values()]
            await connection.execute(_PUT_LEFT, list(tally.left), amounts)
        await connection.execute(
            _PUT_STATE,
            event,
            last.to,
            _EPOCH + timedelta(milliseconds=last.at_ms),
            msgspec.msgpack.encode(tally.holds),
            msgspec.json.encode(tally.prices).decode(),
            *(total[name] for name in _COUNTS[:7]),
            came["interested"],
            came["buyers"],
            came["returning_buyers"],
        )


def _labelled(encoded: bytes) -> Categories:
    """Return the category of each seat and area of a venue."""
    venue = read_stored(encoded, give_way)
    return Categories(
        {seat.label: seat.category for seat in venue.seats},
        {area.label: area.category for area in venue.areas},
    )
