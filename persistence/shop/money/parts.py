"""What an event took by way of payment and by kind of ticket: what its sums are of.

Payments are counted as in `sums`: all that was captured, whatever became of it. Kinds
are of the lines that buyers have by now.
"""

from typing import Final

from msgspec import Struct

from persistence.shop.money.terms import Reads

_WAYS: Final = """
WITH back AS (
    SELECT r.payment_id,
        sum(r.amount) FILTER (WHERE r.state IN ('settled', 'by_hand')) AS returned,
        sum(r.amount) FILTER (WHERE r.state IN ('requested', 'sent')) AS pending
    FROM order_part p JOIN refund r USING (order_id)
    WHERE p.event_id = $1 GROUP BY r.payment_id
)
SELECT y.provider, y.captured_currency AS currency, count(*) AS payments,
    sum(y.captured)::bigint AS captured,
    coalesce(sum(b.returned), 0)::bigint AS returned,
    coalesce(sum(b.pending), 0)::bigint AS pending
FROM order_part p JOIN payment y USING (order_id) LEFT JOIN back b USING (payment_id)
WHERE p.event_id = $1 AND y.state = 'captured'
GROUP BY 1, 2 ORDER BY 1, 2
"""
_KINDS: Final = """
SELECT l.category, l.type, o.currency, count(*) AS places,
    sum(l.gross - l.allowance)::bigint AS gross, sum(l.discount)::bigint AS discount
FROM order_part p JOIN orders o USING (order_id) JOIN order_line l USING (order_id)
WHERE p.event_id = $1 AND p.booking_id IS NOT NULL AND o.step <> 'event_cancelled'
    AND l.state = 'live' AND l.kind <> 'fee'
GROUP BY 1, 2, 3 ORDER BY 1, 2 NULLS FIRST, 3
"""


class Way(Struct, frozen=True, kw_only=True):
    """What one provider took, or one hand, in the currency's minor unit."""

    provider: str
    currency: str
    payments: int
    captured: int
    returned: int
    pending: int


class Kind(Struct, frozen=True, kw_only=True):
    """What buyers have of one category as one type."""

    category: str
    type: str | None
    currency: str | None
    """None where it has no price."""
    places: int
    gross: int
    """What they cost, less what went back as a goodwill."""
    discount: int


async def ways_of(where: Reads, event: str) -> list[Way]:
    """Return what an event took by who took it."""
    return [Way(**row) for row in await where.fetch(_WAYS, event)]


async def kinds_of(where: Reads, event: str) -> list[Kind]:
    """Return what buyers have of an event by category and type."""
    return [Kind(**row) for row in await where.fetch(_KINDS, event)]
