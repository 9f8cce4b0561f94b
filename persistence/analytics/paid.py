"""What buyers paid for the orders of events, what went back of it, what codes took off.

Read from the orders themselves and not from what the journal counts: that knows what
places cost by the event's prices, and an order knows its discounts, fees and tax.
"""

from datetime import datetime
from typing import Final

from msgspec import Struct

from inventory.settings import Sum
from persistence.postgres.pool import Pool, Row

# The scope ends in its conditions, of which `$1` is the name. Of money only that of the
# accepted payment counts: what was charged beside it, or too much, was never paid for
# the order.
_MOVED = """
WITH moved AS (
    SELECT o.confirmed_at AS at, o.currency,
        CASE WHEN o.accepted_payment IS NULL THEN 0 ELSE o.total END AS paid,
        0::bigint AS returned,
        CASE WHEN o.redeems THEN (SELECT sum(l.discount)::bigint FROM order_line l
            WHERE l.order_id = o.order_id) ELSE 0 END AS discounts
    FROM orders o JOIN order_part p USING (order_id)
        JOIN event e ON e.event_id = p.event_id
    {scope} AND o.confirmed_at IS NOT NULL AND o.currency IS NOT NULL
    UNION ALL
    SELECT r.created_at, r.currency, 0, r.amount, 0
    FROM orders o JOIN order_part p USING (order_id)
        JOIN refund r ON r.order_id = o.order_id AND r.payment_id = o.accepted_payment
        JOIN event e ON e.event_id = p.event_id
    {scope} AND o.confirmed_at IS NOT NULL AND r.state IN ('settled', 'by_hand')
        AND r.reason <> 'excess'
)
"""
_SUMS = """
sum(paid) AS paid, sum(returned) AS returned, sum(discounts) AS discounts
"""
_TOTAL = f"{_MOVED} SELECT currency, {_SUMS} FROM moved GROUP BY currency ORDER BY 1"
_PARTS = f"""
{_MOVED}
SELECT {{at}} AS at, t.* FROM (
    SELECT {{part}} AS part, currency, {_SUMS} FROM moved
    WHERE {{when}} >= $2 AND {{when}} < $3 GROUP BY 1, 2
) t ORDER BY t.part, t.currency
"""
_BEGINS: Final = "$4::timestamptz[]"


class Paid(Struct, frozen=True):
    """Sums by currency, without those of nothing."""

    paid: list[Sum] = []
    """What buyers paid when their orders were confirmed."""
    returned: list[Sum] = []
    """What of that has gone back, by when it was asked to."""
    discounts: list[Sum] = []
    """What codes took off of orders that were confirmed."""

    @property
    def net(self) -> list[Sum]:
        """What was paid and has not gone back."""
        sums = {one.currency: one.amount for one in self.paid}
        for one in self.returned:
            sums[one.currency] = sums.get(one.currency, 0) - one.amount
        return [Sum(sums[currency], currency) for currency in sorted(sums)]


Parts = dict[datetime, Paid]
"""What was paid in minutes or days, by when they begin."""


async def paid_for(pool: Pool, scope: str, name: str | None) -> Paid:
    """Return what was paid for the orders of a scope."""
    return _paid(await pool.fetch(_TOTAL.format(scope=scope), name))


async def paid_by_step(
    pool: Pool,
    scope: str,
    name: str | None,
    step: str,
    begin: datetime,
    end: datetime,
) -> Parts:
    """Return what was paid in each minute or day of UTC in which anything was."""
    part = f"date_trunc('{step}', at, 'UTC')"
    # Those that begin in that time, as the counts of the journal have it.
    statement = _PARTS.format(scope=scope, part=part, at="t.part", when=part)
    return _parts(await pool.fetch(statement, name, begin, end))


async def paid_by_days(
    pool: Pool, scope: str, name: str | None, begins: list[datetime]
) -> Parts:
    """Return the same of days that begin at these times; at the last one they end."""
    part = f"width_bucket(at, {_BEGINS})"
    at = f"({_BEGINS})[t.part]"
    statement = _PARTS.format(scope=scope, part=part, at=at, when="at")
    values = begins[0], begins[-1], begins
    return _parts(await pool.fetch(statement, name, *values))


def _parts(rows: list[Row]) -> Parts:
    several: dict[datetime, list[Row]] = {}
    for row in rows:
        several.setdefault(row["at"], []).append(row)
    return {at: _paid(some) for at, some in several.items()}


def _paid(rows: list[Row]) -> Paid:
    return Paid(
        paid=_sums(rows, "paid"),
        returned=_sums(rows, "returned"),
        discounts=_sums(rows, "discounts"),
    )


def _sums(rows: list[Row], name: str) -> list[Sum]:
    # Of a numeric the driver makes a decimal.
    return [Sum(int(row[name]), row["currency"]) for row in rows if row[name]]
