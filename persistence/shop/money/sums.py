"""What an event took, gave back and owes, by currency, and which orders do not add up.

Of each payment: captured - returned = live + pending + due - outside. `live` is the
gross of its order's live lines, where it is the one that was accepted. What is left is
`due` where it is more than nothing, and then a refund of as much has failed; where it
is less, as much was returned at the provider without us, and is for no line. And the
ledger says the same of each order. One statement, so all of it is of one moment.
"""

from typing import Final

import msgspec
from msgspec import Struct

from persistence.postgres.pool import Row
from persistence.shop.money.terms import Reads

DIFFERENCES_MAX: Final = 100
"""How many orders that do not add up are named; all are counted."""

# What each order did in each currency: by its payments, by its lines, by the ledger.
# One that was lost keeps its lines as they were priced: nothing of it is live.
_BOOKS: Final = """
WITH part AS MATERIALIZED (
    SELECT o.order_id, o.reference, o.currency, o.due AS told_due, o.accepted_payment,
        o.accepted_payment IS NOT NULL AND o.step NOT IN ('lost', 'event_cancelled')
            AS has_paid,
        p.booking_id IS NOT NULL AS is_booked,
        coalesce((o.rules #>> '{terms,fees,returns}')::boolean, true) AS returns
    FROM order_part p JOIN orders o USING (order_id)
    WHERE p.event_id = $1
), line AS MATERIALIZED (
    SELECT l.order_id,
        coalesce(sum(l.gross - l.allowance) FILTER (WHERE l.state = 'live'), 0)::bigint
            AS live,
        coalesce(sum(l.fee) FILTER (WHERE l.state = 'live'), 0)::bigint AS fee,
        coalesce(sum(l.tax) FILTER (WHERE l.state = 'live'), 0)::bigint AS tax,
        coalesce(sum(l.unit) FILTER (WHERE l.state = 'live'), 0)::bigint AS unit,
        coalesce(sum(l.gross - l.allowance) FILTER (WHERE l.state <> 'gone'), 0)::bigint
            AS earned,
        coalesce(sum(l.fee) FILTER (WHERE l.state <> 'gone'), 0)::bigint AS earned_fee,
        coalesce(sum(l.tax) FILTER (WHERE l.state <> 'gone'), 0)::bigint AS earned_tax,
        coalesce(sum(l.seller_fee) FILTER (WHERE l.state <> 'gone' OR NOT p.returns), 0
            )::bigint AS seller_fee
    FROM part p JOIN order_line l USING (order_id) GROUP BY l.order_id
), back AS MATERIALIZED (
    SELECT r.payment_id,
        sum(r.amount) FILTER (WHERE r.state IN ('settled', 'by_hand')) AS returned,
        sum(r.amount) FILTER (WHERE r.state = 'settled') AS settled,
        sum(r.amount) FILTER (WHERE r.state IN ('requested', 'sent')) AS pending,
        sum(r.amount) FILTER (WHERE r.state = 'failed') AS failed,
        sum(r.amount) FILTER (WHERE r.state = 'settled'
            AND r.reason IN ('outside', 'dispute')) AS outside
    FROM part p JOIN refund r USING (order_id) GROUP BY r.payment_id
), payments AS (
    SELECT y.order_id, y.captured_currency AS currency, y.captured,
        coalesce(b.returned, 0) AS returned, coalesce(b.settled, 0) AS settled,
        coalesce(b.pending, 0) AS pending, coalesce(b.failed, 0) AS failed,
        coalesce(b.outside, 0) AS outside,
        y.captured - coalesce(b.returned, 0) - coalesce(b.pending, 0)
            - CASE WHEN p.has_paid AND y.payment_id = p.accepted_payment
                THEN coalesce(l.live, 0) ELSE 0 END AS rest
    FROM part p JOIN payment y USING (order_id)
        LEFT JOIN back b USING (payment_id) LEFT JOIN line l USING (order_id)
    WHERE y.state = 'captured'
), paid AS MATERIALIZED (
    SELECT order_id, currency, sum(captured)::bigint AS captured,
        sum(returned)::bigint AS returned, sum(settled)::bigint AS settled,
        sum(pending)::bigint AS pending, sum(greatest(0, rest))::bigint AS due,
        sum(greatest(0, -rest))::bigint AS outside,
        bool_or(rest > failed OR -rest > outside) AS is_unexplained
    FROM payments GROUP BY order_id, currency
), entry AS MATERIALIZED (
    SELECT m.order_id, m.currency,
        coalesce(sum(m.amount) FILTER (WHERE m.account = 'provider'), 0)::bigint
            AS provider,
        coalesce(-sum(m.amount) FILTER (WHERE m.account = 'due'), 0)::bigint AS owed,
        coalesce(-sum(m.amount) FILTER (WHERE m.account = 'fees'), 0)::bigint AS fees,
        coalesce(-sum(m.amount) FILTER (WHERE m.account = 'tax'), 0)::bigint AS taxes
    FROM part p JOIN money_entry m USING (order_id) GROUP BY m.order_id, m.currency
), key AS (
    SELECT order_id, currency FROM part WHERE currency IS NOT NULL
    UNION SELECT order_id, currency FROM paid
    UNION SELECT order_id, currency FROM entry
), book AS (
    SELECT k.order_id, k.currency, p.reference, p.told_due, p.has_paid, p.is_booked,
        coalesce(a.captured, 0) AS captured, coalesce(a.returned, 0) AS returned,
        coalesce(a.settled, 0) AS settled, coalesce(a.pending, 0) AS pending,
        coalesce(a.due, 0) AS due, coalesce(a.outside, 0) AS outside,
        coalesce(a.is_unexplained, false) AS is_unexplained,
        CASE WHEN p.has_paid THEN coalesce(l.live, 0) ELSE 0 END AS live,
        CASE WHEN p.has_paid THEN coalesce(l.fee, 0) ELSE 0 END AS fee,
        CASE WHEN p.has_paid THEN coalesce(l.tax, 0) ELSE 0 END AS tax,
        CASE WHEN p.is_booked THEN coalesce(l.seller_fee, 0) ELSE 0 END AS seller_fee,
        CASE WHEN p.is_booked AND NOT p.has_paid THEN coalesce(l.live, 0) ELSE 0
            END AS at_door,
        CASE WHEN p.is_booked THEN coalesce(l.unit, 0) ELSE 0 END AS unit,
        CASE WHEN p.is_booked THEN coalesce(l.earned, 0) ELSE 0 END AS earned,
        CASE WHEN p.is_booked THEN coalesce(l.earned_fee, 0) ELSE 0 END AS earned_fee,
        CASE WHEN p.is_booked THEN coalesce(l.earned_tax, 0) ELSE 0 END AS earned_tax,
        coalesce(e.provider, 0) AS provider, coalesce(e.owed, 0) AS owed,
        coalesce(e.fees, 0) AS fees, coalesce(e.taxes, 0) AS taxes
    FROM key k JOIN part p ON p.order_id = k.order_id
        LEFT JOIN paid a ON (a.order_id, a.currency) = (k.order_id, k.currency)
        LEFT JOIN entry e ON (e.order_id, e.currency) = (k.order_id, k.currency)
        -- Lines are in the currency of their order.
        LEFT JOIN line l ON l.order_id = k.order_id AND k.currency = p.currency
), judged AS (
    SELECT b.*,
        b.is_unexplained OR live > captured
            OR sum(b.due) OVER (PARTITION BY b.order_id) <> told_due AS is_uneven,
        provider <> captured - settled OR owed <> captured - settled - earned
            OR fees <> earned_fee + seller_fee OR taxes <> earned_tax AS is_misposted
    FROM book b
)
"""
_FIGURES: Final = (
    "captured",
    "returned",
    "pending",
    "due",
    "outside",
    "live",
    "fee",
    "tax",
    "seller_fee",
    "at_door",
    "unit",
)
_TOTALS: Final = ", ".join(f"sum({name})::bigint AS {name}" for name in _FIGURES)
_SUMS: Final = f"""{_BOOKS}
SELECT currency, {_TOTALS},
    count(*) FILTER (WHERE is_uneven OR is_misposted) AS differing,
    coalesce(to_json((array_agg(json_build_object('order', order_id,
        'reference', reference, 'currency', currency, 'captured', captured,
        'returned', returned, 'live', live, 'pending', pending, 'due', due,
        'outside', outside, 'told_due', told_due, 'is_uneven', is_uneven,
        'is_misposted', is_misposted)
        ORDER BY order_id) FILTER (WHERE is_uneven OR is_misposted)
        )[:{DIFFERENCES_MAX}]), '[]')::text AS differences
FROM judged GROUP BY currency ORDER BY currency
"""


class Uneven(Struct, frozen=True, kw_only=True):
    """An order that does not add up, or of which the ledger says another thing."""

    order: str
    reference: str
    currency: str
    captured: int
    returned: int
    live: int
    pending: int
    due: int
    outside: int
    told_due: int
    """What its row says is due, in all currencies."""
    is_uneven: bool
    is_misposted: bool

    def sentence(self) -> str:
        """Say what is wrong, in minor units."""
        if not self.is_uneven:
            return (
                f"Of order {self.reference} the ledger has other {self.currency} than"
                " its rows."
            )
        return (
            f"Order {self.reference} took {self.captured} and returned {self.returned}"
            f" {self.currency}, which is not {self.live} live, {self.pending} pending"
            f" and {self.due} due, less {self.outside} returned outside; its row says"
            f" that {self.told_due} is due."
        )


class Takings(Struct, frozen=True, kw_only=True):
    """Everything of one event in one currency, in its minor unit."""

    currency: str
    captured: int
    returned: int
    pending: int
    due: int
    outside: int
    live: int
    fee: int
    tax: int
    seller_fee: int
    at_door: int
    unit: int
    differing: int
    """How many orders do not add up."""
    differences: tuple[Uneven, ...]


_differences = msgspec.json.Decoder(tuple[Uneven, ...]).decode


async def takings_of(where: Reads, event: str) -> list[Takings]:
    """Return what an event took by currency; nothing where nobody ordered any of it."""
    return [_takings_of(row) for row in await where.fetch(_SUMS, event)]


def _takings_of(row: Row) -> Takings:
    return Takings(**{**row, "differences": _differences(row["differences"])})
