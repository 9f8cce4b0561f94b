"""Orders of events that were cancelled: which go back, and how far that is.

Nothing is noted of it beside the orders themselves: what is still booked of such an
event waits, and what is not has gone back or is on its way. So whoever dies in the
middle of ten thousand leaves nothing behind that somebody has to take up.
"""

from typing import Final

import msgspec
from msgspec import Struct

from persistence.postgres.pool import Pool

SLICE: Final = 100
FAILURES_MAX: Final = 100
"""How many orders are named that somebody has to look at; all are counted."""

# What was to begin long ago has nobody left who waits for his money.
_DUE = """
SELECT o.order_id, p.event_id
FROM event e JOIN order_part p ON p.event_id = e.event_id
    JOIN orders o ON o.order_id = p.order_id
WHERE e.status = 'cancelled' AND e.starts_at > now() - interval '30 days'
    AND o.step = 'booked' AND o.order_id > $2
    AND NOT EXISTS (
        SELECT FROM order_line l
        WHERE l.order_id = o.order_id AND l.state = 'leaving')
ORDER BY o.order_id LIMIT $1
"""
_PROGRESS = f"""
WITH one AS (
    SELECT o.order_id, o.reference, o.currency, o.due,
        o.step = 'booked' AS is_booked,
        EXISTS (SELECT FROM refund r WHERE r.order_id = o.order_id
            AND r.state IN ('requested', 'sent')) AS is_pending
    FROM order_part p JOIN orders o USING (order_id)
    WHERE p.event_id = $1 AND (o.step IN ('booked', 'event_cancelled', 'given_back'))
)
SELECT e.status = 'cancelled' AS cancelled, count(o.order_id) AS orders,
    count(*) FILTER (WHERE is_booked) AS waiting,
    count(*) FILTER (WHERE NOT is_booked AND is_pending) AS pending,
    count(*) FILTER (WHERE NOT is_booked AND NOT is_pending AND due > 0) AS failed,
    coalesce(to_json((array_agg(json_build_object('order', o.order_id,
        'reference', o.reference, 'due', o.due, 'currency', o.currency)
        ORDER BY o.order_id)
        FILTER (WHERE NOT is_booked AND due > 0))[:{FAILURES_MAX}]), '[]')::text
        AS failures
FROM event e LEFT JOIN one o ON true WHERE e.event_id = $1 GROUP BY e.event_id
"""


class DueOrder(Struct, frozen=True):
    """An order that goes back, since its event does not take place."""

    order: str
    event: str


class FailedOrder(Struct, frozen=True):
    """An order of which something is due to its buyer, in its minor unit."""

    order: str
    reference: str
    due: int
    currency: str


class Progress(Struct, frozen=True, kw_only=True):
    """How far the orders of an event are given back. Each counts in one number."""

    cancelled: bool
    orders: int
    waiting: int
    pending: int
    """Their money is on its way."""
    failed: int
    failures: tuple[FailedOrder, ...]


_failures = msgspec.json.Decoder(tuple[FailedOrder, ...]).decode


class CancelledOrders:
    """Reads what is to be given back of cancelled events. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def due(self, after: str = "") -> list[DueOrder]:
        """Return a slice of what waits, of the ids after one."""
        rows = await self._pool.fetch(_DUE, SLICE, after)
        return [DueOrder(row["order_id"], row["event_id"]) for row in rows]

    async def progress(self, event: str) -> Progress:
        """Return how far an event is; one that there is."""
        row = await self._pool.fetch_one(_PROGRESS, event)
        assert row is not None
        return Progress(**{**row, "failures": _failures(row["failures"])})
