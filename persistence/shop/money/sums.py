"""What an event took, gave back and owes, by currency, and which orders do not add up.

Of each order and currency: captured - returned = live + pending + due - outside, where
`live` is the gross of its live lines once a payment is accepted, and `outside` what was
returned at the provider without us. And the ledger says the same. One statement, so all
of it is of one moment.
"""

from typing import Final

import msgspec
from msgspec import Struct

from persistence.postgres.pool import Row
from persistence.shop.money.terms import Reads

DIFFERENCES_MAX: Final = 100
"""How many orders that do not add up are named; all are counted."""

# What each order did in each currency, from its own rows and from the ledger: one row
# for each thing, then summed up. Orders that were lost keep their lines as they were.
_BOOKS: Final = """
WITH part AS MATERIALIZED (
    SELECT o.order_id, o.reference, o.currency, o.due,
        o.accepted_payment IS NOT NULL AND o.step NOT IN ('lost', 'event_cancelled')
            AS has_paid,
        p.booking_id IS NOT NULL AS is_booked,
        coalesce((o.rules #>> '{terms,fees,returns}')::boolean, true) AS returns
    FROM order_part p JOIN orders o USING (order_id)
    WHERE p.event_id = $1
), line AS MATERIALIZED (
    SELECT l.order_id, p.currency, p.has_paid, p.is_booked,
        coalesce(sum(l.gross) FILTER (WHERE l.state = 'live'), 0) AS live,
        coalesce(sum(l.fee) FILTER (WHERE l.state = 'live'), 0) AS fee,
        coalesce(sum(l.tax) FILTER (WHERE l.state = 'live'), 0) AS tax,
        coalesce(sum(l.gross) FILTER (WHERE l.state <> 'gone'), 0) AS earned,
        coalesce(sum(l.fee) FILTER (WHERE l.state <> 'gone'), 0) AS earned_fee,
        coalesce(sum(l.tax) FILTER (WHERE l.state <> 'gone'), 0) AS earned_tax,
        coalesce(sum(l.seller_fee)
            FILTER (WHERE l.state <> 'gone' OR NOT p.returns), 0) AS seller_fee
    FROM part p JOIN order_line l USING (order_id)
    WHERE p.currency IS NOT NULL
    GROUP BY l.order_id, p.currency, p.has_paid, p.is_booked
), failed AS (
    SELECT r.order_id, r.payment_id, r.currency,
        coalesce(sum(r.amount) FILTER (WHERE r.state = 'failed'), 0) AS failed,
        coalesce(sum(r.amount)
            FILTER (WHERE r.reason = 'outside' AND r.state = 'settled'), 0) AS outside
    FROM part p JOIN refund r USING (order_id)
    GROUP BY r.order_id, r.payment_id, r.currency
), thing AS (
    SELECT y.order_id, y.captured_currency AS currency, y.captured,
        0 AS returned, 0 AS settled, 0 AS pending, 0 AS due, 0 AS outside,
        0 AS live, 0 AS fee, 0 AS tax, 0 AS seller_fee, 0 AS at_door,
        0 AS earned, 0 AS earned_fee, 0 AS earned_tax,
        0 AS provider, 0 AS owed, 0 AS fees, 0 AS taxes
    FROM part p JOIN payment y USING (order_id) WHERE y.state = 'captured'
    UNION ALL
    SELECT r.order_id, r.currency, 0,
        CASE WHEN r.state IN ('settled', 'by_hand') THEN r.amount ELSE 0 END,
        CASE WHEN r.state = 'settled' THEN r.amount ELSE 0 END,
        CASE WHEN r.state IN ('requested', 'sent') THEN r.amount ELSE 0 END,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM part p JOIN refund r USING (order_id)
    UNION ALL
    SELECT order_id, currency, 0, 0, 0, 0,
        greatest(0, failed - outside), greatest(0, outside - failed),
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM failed
    UNION ALL
    SELECT order_id, currency, 0, 0, 0, 0, 0, 0,
        CASE WHEN has_paid THEN live ELSE 0 END,
        CASE WHEN has_paid THEN fee ELSE 0 END,
        CASE WHEN has_paid THEN tax ELSE 0 END,
        CASE WHEN is_booked THEN seller_fee ELSE 0 END,
        CASE WHEN is_booked AND NOT has_paid THEN live ELSE 0 END,
        CASE WHEN is_booked THEN earned ELSE 0 END,
        CASE WHEN is_booked THEN earned_fee ELSE 0 END,
        CASE WHEN is_booked THEN earned_tax ELSE 0 END,
        0, 0, 0, 0
    FROM line
    UNION ALL
    SELECT m.order_id, m.currency, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        CASE m.account WHEN 'provider' THEN m.amount ELSE 0 END,
        CASE m.account WHEN 'due' THEN -m.amount ELSE 0 END,
        CASE m.account WHEN 'fees' THEN -m.amount ELSE 0 END,
        CASE m.account WHEN 'tax' THEN -m.amount ELSE 0 END
    FROM part p JOIN money_entry m USING (order_id)
), book AS MATERIALIZED (
    SELECT order_id, currency, {sums}
    FROM thing GROUP BY order_id, currency
), judged AS (
    SELECT b.*, p.reference,
        captured - returned - live - pending <> due - outside AS is_uneven,
        provider <> captured - settled OR owed <> captured - settled - earned
            OR fees <> earned_fee + seller_fee OR taxes <> earned_tax AS is_misposted
    FROM book b JOIN part p USING (order_id)
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
)
_OTHERS: Final = (
    "settled",
    "earned",
    "earned_fee",
    "earned_tax",
    "provider",
    "owed",
    "fees",
    "taxes",
)


def _sums(names: tuple[str, ...]) -> str:
    return ", ".join(f"sum({name})::bigint AS {name}" for name in names)


_SUMS = (
    _BOOKS.replace("{sums}", _sums((*_FIGURES, *_OTHERS)))
    + f"""
SELECT currency, {_sums(_FIGURES)},
    count(*) FILTER (WHERE is_uneven OR is_misposted) AS differing,
    coalesce(json_agg(json_build_object('order', order_id, 'reference', reference,
        'currency', currency, 'captured', captured, 'returned', returned,
        'live', live, 'pending', pending, 'due', due, 'outside', outside,
        'is_uneven', is_uneven, 'is_misposted', is_misposted) ORDER BY order_id)
        FILTER (WHERE is_uneven OR is_misposted), '[]')::text AS differences
FROM judged GROUP BY currency ORDER BY currency
"""
)


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
            f" and {self.due} due, less {self.outside} returned outside."
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
    differing: int
    """How many orders do not add up."""
    differences: tuple[Uneven, ...]


_differences = msgspec.json.Decoder(tuple[Uneven, ...]).decode


async def takings_of(where: Reads, event: str) -> list[Takings]:
    """Return what an event took by currency; nothing where nobody ordered any of it."""
    return [_takings_of(row) for row in await where.fetch(_SUMS, event)]


def _takings_of(row: Row) -> Takings:
    differences = _differences(row["differences"])[:DIFFERENCES_MAX]
    return Takings(**{**row, "differences": differences})
