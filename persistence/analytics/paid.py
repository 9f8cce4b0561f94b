"""What buyers paid for the orders of events, by when these were confirmed.

Read from the orders themselves and not from what the journal counts: that knows what
places cost by the event's prices, and an order knows its discounts, fees and tax.
"""

from datetime import datetime
from typing import Final

from inventory.settings import Sum
from persistence.postgres.pool import Pool, Row

# The scope ends in its conditions, of which `$1` is the name.
_FROM = """
FROM orders o JOIN order_part p USING (order_id)
    JOIN event e ON e.event_id = p.event_id
{scope} AND o.accepted_payment IS NOT NULL AND o.confirmed_at IS NOT NULL
"""
_TOTAL = f"""
SELECT o.currency, sum(o.total) AS amount {_FROM} GROUP BY o.currency ORDER BY 1
"""
_PARTS = f"""
SELECT {{at}} AS at, t.currency, t.amount FROM (
    SELECT {{part}} AS part, o.currency, sum(o.total) AS amount {_FROM}
        AND {{when}} >= $2 AND {{when}} < $3 GROUP BY 1, 2
) t ORDER BY 1, 2
"""
_BEGINS: Final = "$4::timestamptz[]"

Parts = dict[datetime, list[Sum]]
"""What was paid in minutes or days, by when they begin."""


async def paid_for(pool: Pool, scope: str, name: str | None) -> list[Sum]:
    """Return what was paid for the orders of a scope, by currency."""
    return [_sum(row) for row in await pool.fetch(_TOTAL.format(scope=scope), name)]


async def paid_by_step(
    pool: Pool,
    scope: str,
    name: str | None,
    step: str,
    begin: datetime,
    end: datetime,
) -> Parts:
    """Return what was paid in each minute or day of UTC in which anything was."""
    part = f"date_trunc('{step}', o.confirmed_at, 'UTC')"
    # Those that begin in that time, as the counts of the journal have it.
    statement = _PARTS.format(scope=scope, part=part, at="t.part", when=part)
    return _parts(await pool.fetch(statement, name, begin, end))


async def paid_by_days(
    pool: Pool, scope: str, name: str | None, begins: list[datetime]
) -> Parts:
    """Return the same of days that begin at these times; at the last one they end."""
    part = f"width_bucket(o.confirmed_at, {_BEGINS})"
    at, when = f"({_BEGINS})[t.part]", "o.confirmed_at"
    statement = _PARTS.format(scope=scope, part=part, at=at, when=when)
    values = begins[0], begins[-1], begins
    return _parts(await pool.fetch(statement, name, *values))


def _parts(rows: list[Row]) -> Parts:
    found: Parts = {}
    for row in rows:
        found.setdefault(row["at"], []).append(_sum(row))
    return found


def _sum(row: Row) -> Sum:
    # Of a numeric the driver makes a decimal.
    return Sum(int(row["amount"]), row["currency"])
