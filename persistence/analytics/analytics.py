"""What the roll-up tables tell of an event, of an organisation, and of all.

`Rollup` fills them. Each answer says up to when everything is counted: now, where the
counts have reached the head of each event's journal.
"""

from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from persistence.analytics.paid import (
    Paid,
    Parts,
    paid_by_days,
    paid_by_step,
    paid_for,
)
from persistence.postgres.pool import Pool, Row

Step = Literal["minute", "day"]

TOP: Final = 10
"""How many events a ranking has."""

_COUNTS: Final = (
    "holds",
    "bookings",
    "cancellations",
    "expired",
    "released",
    "seats_booked",
    "seats_cancelled",
)
_TOTALS: Final = (*_COUNTS, "interested", "buyers", "returning_buyers")
_SUMS = ", ".join(f"coalesce(sum(r.{name}), 0)::bigint AS {name}" for name in _TOTALS)
# An event without a roll-up yet is counted up to when it was made.
_OF = """
FROM event e JOIN venue v USING (venue_id) LEFT JOIN event_rollup r USING (event_id)
    LEFT JOIN event_head h USING (event_id)
"""
_CAPACITY = """
coalesce((e.settings ->> 'capacity')::bigint,
    v.seats + coalesce((SELECT sum(c) FROM unnest(v.area_capacities) AS c), 0))
"""
_SUMMARY = f"""
SELECT {_SUMS}, coalesce(sum({_CAPACITY}), 0)::bigint AS capacity,
    count(*) AS events,
    coalesce(min(CASE WHEN h.version = coalesce(r.version, 0)
        THEN date_trunc('second', now()) ELSE coalesce(r.counted_to, e.created_at) END),
        date_trunc('second', now())) AS as_of
{_OF}
"""
_ONE = "WHERE e.event_id = $1"
_OF_ORGANISATION = "WHERE e.organisation_id = $1 AND e.deleted_at IS NULL"
_ALL = "WHERE $1::text IS NULL AND e.deleted_at IS NULL"
_MONEY = """
SELECT d.currency, sum(d.revenue) AS revenue, sum(d.refunded) AS refunded
FROM event_day d JOIN event e USING (event_id)
{scope} AND d.currency <> '' GROUP BY d.currency ORDER BY d.currency
"""
_TREND = """
SELECT {at} AS at, {sums}, coalesce(jsonb_object_agg(t.currency,
    jsonb_build_array(t.revenue, t.refunded)) FILTER (WHERE t.currency <> ''), '{{}}'
)::text AS money
FROM (
    SELECT {part} AS part, t.currency, {inner}
    FROM event_{unit} t JOIN event e USING (event_id)
    {scope} AND t.{unit} >= $2 AND t.{unit} < $3 GROUP BY 1, 2
) t GROUP BY t.part ORDER BY t.part
"""
_RANKED = f"""
SELECT e.event_id, e.name, e.status, e.starts_at, e.organisation_id,
    {_CAPACITY}::bigint AS capacity, coalesce(r.bookings, 0) AS bookings,
    coalesce(r.seats_booked - r.seats_cancelled, 0) AS sold
{_OF} {{scope}} ORDER BY sold DESC, bookings DESC, e.event_id LIMIT {TOP}
"""
_STATES = """
SELECT status, count(*) AS events FROM event WHERE deleted_at IS NULL GROUP BY status
"""
_PEOPLE = """
SELECT (SELECT count(*) FROM account WHERE deleted_at IS NULL) AS accounts,
    (SELECT count(*) FROM organisation WHERE deleted_at IS NULL) AS organisations
"""
_money = msgspec.json.Decoder(dict[str, tuple[int, int]]).decode


class Takings(Struct, frozen=True):
    """What was taken and given back in one currency, in its minor unit."""

    currency: str
    revenue: int
    refunded: int


class Totals(Struct, frozen=True, kw_only=True):
    """Everything that happened to the events asked about."""

    events: int
    capacity: int
    as_of: datetime
    holds: int
    bookings: int
    cancellations: int
    expired: int
    released: int
    seats_booked: int
    seats_cancelled: int
    interested: int
    buyers: int
    returning_buyers: int
    money: list[Takings]
    orders: Paid


class Point(Struct, frozen=True, kw_only=True):
    """What happened in one minute or day, which begins at `at`."""

    at: datetime
    holds: int
    bookings: int
    cancellations: int
    expired: int
    released: int
    seats_booked: int
    seats_cancelled: int
    money: list[Takings]
    orders: Paid = Paid()


class Ranked(Struct, frozen=True):
    """An event and how much of it is sold."""

    event_id: str
    name: str
    status: str
    starts_at: datetime
    organisation_id: str | None
    capacity: int
    bookings: int
    sold: int


class Scope(Struct, frozen=True):
    """Which events: one, those of an organisation, or all."""

    where: str
    name: str | None


def one_event(event: str) -> Scope:
    """Ask about one event, deleted or not."""
    return Scope(_ONE, event)


def of_organisation(organisation: str) -> Scope:
    """Ask about an organisation's events."""
    return Scope(_OF_ORGANISATION, organisation)


EVERYTHING: Final = Scope(_ALL, None)


class Analytics:
    """Reads the roll-up tables. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def totals(self, scope: Scope) -> Totals:
        """Return the totals of some events."""
        row = await self._pool.fetch_one(f"{_SUMMARY} {scope.where}", scope.name)
        assert row is not None
        rows = await self._pool.fetch(_MONEY.format(scope=scope.where), scope.name)
        paid = await paid_for(self._pool, scope.where, scope.name)
        return Totals(**row, money=[_takings_of(row) for row in rows], orders=paid)

    async def trend(
        self, scope: Scope, step: Step, begin: datetime, end: datetime
    ) -> list[Point]:
        """Return the minutes or days in which something happened, in order."""
        statement = _trend(scope, step, part=f"t.{step}", at="t.part")
        rows = await self._pool.fetch(statement, scope.name, begin, end)
        asked = scope.where, scope.name, step, begin, end
        return _with_paid(rows, await paid_by_step(self._pool, *asked))

    async def days(self, scope: Scope, begins: list[datetime]) -> list[Point]:
        """Return the days in which something happened, in order, out of the minutes.

        They begin at these times, at the last of which the one before it ends.
        """
        if not begins:
            return []
        days = "$4::timestamptz[]"
        part, at = f"width_bucket(t.minute, {days})", f"({days})[t.part]"
        statement = _trend(scope, "minute", part=part, at=at)
        values = (scope.name, begins[0], begins[-1], begins)
        rows = await self._pool.fetch(statement, *values)
        paid = await paid_by_days(self._pool, scope.where, scope.name, begins)
        return _with_paid(rows, paid)

    async def ranking(self, scope: Scope) -> list[Ranked]:
        """Return the events that sold most."""
        rows = await self._pool.fetch(_RANKED.format(scope=scope.where), scope.name)
        return [Ranked(**row) for row in rows]

    async def states(self) -> dict[str, int]:
        """Count the events by the state of their sale."""
        rows = await self._pool.fetch(_STATES)
        return {row["status"]: row["events"] for row in rows}

    async def people(self) -> tuple[int, int]:
        """Count the accounts and the organisations."""
        row = await self._pool.fetch_one(_PEOPLE)
        assert row is not None
        return row["accounts"], row["organisations"]


def _trend(scope: Scope, unit: Step, *, part: str, at: str) -> str:
    """Return the statement that sums up parts of a time, each at its beginning."""
    return _TREND.format(
        unit=unit,
        part=part,
        at=at,
        scope=scope.where,
        sums=", ".join(f"sum(t.{name})::bigint AS {name}" for name in _COUNTS),
        inner=", ".join(
            f"sum(t.{name}) AS {name}" for name in (*_COUNTS, "revenue", "refunded")
        ),
    )


def _with_paid(rows: list[Row], paid: Parts) -> list[Point]:
    """Return the points of what happened, and of what was paid, in order."""
    points = {row["at"]: _point_of(row) for row in rows}
    for at, orders in paid.items():
        # What was booked in the last moment of a minute is confirmed in the next one.
        point = points.get(at)
        if point is None:
            nothing: dict[str, Any] = dict.fromkeys(_COUNTS, 0)
            point = Point(at=at, money=[], **nothing)
        points[at] = replace(point, orders=orders)
    return [points[at] for at in sorted(points)]


def _takings_of(row: Row) -> Takings:
    # Of a numeric the driver makes a decimal.
    return Takings(row["currency"], int(row["revenue"]), int(row["refunded"]))


def _point_of(row: Row) -> Point:
    fields = dict(row)
    money = _money(fields.pop("money"))
    takings = [Takings(currency, *money[currency]) for currency in sorted(money)]
    return Point(**fields, money=takings)
