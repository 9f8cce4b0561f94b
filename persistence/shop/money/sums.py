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

# An order that was lost keeps its lines as they were priced: nothing of it is live.
_PARTS: Final = """
WITH part AS MATERIALIZED (
    SELECT o.order_id, o.reference, o.currency, o.due AS told_due, o.accepted_payment,
        o.accepted_payment IS NOT NULL AND o.step NOT IN ('lost', 'event_cancelled')
            AS has_paid,
        p.booking_id IS NOT NULL AS is_booked,
        coalesce((o.rules #>> '{terms,fees,returns}')::boolean, true) AS returns
    FROM order_part p JOIN orders o USING (order_id)
    WHERE p.event_id = $1
), line AS MATERIALIZED (
    SELECT l.order_id, sum(l.gross) FILTER (WHERE l.state = 'live') AS live,
        sum(l.fee) FILTER (WHERE l.state = 'live') AS fee,
        sum(l.tax) FILTER (WHERE l.state = 'live') AS tax,
        sum(l.unit) FILTER (WHERE l.state = 'live') AS unit,
        sum(l.gross) FILTER (WHERE l.state <> 'gone') AS earned,
        sum(l.fee) FILTER (WHERE l.state <> 'gone') AS earned_fee,
        sum(l.tax) FILTER (WHERE l.state <> 'gone') AS earned_tax,
        sum(l.seller_fee) FILTER (WHERE l.state <> 'gone' OR NOT p.returns)
            AS seller_fee
    FROM part p JOIN order_line l USING (order_id) GROUP BY l.order_id
), back AS (
    SELECT r.payment_id,
        sum(r.amount) FILTER (WHERE r.state IN ('settled', 'by_hand')) AS returned,
        sum(r.amount) FILTER (WHERE r.state = 'settled') AS settled,
        sum(r.amount) FILTER (WHERE r.state IN ('requested', 'sent')) AS pending,
        sum(r.amount) FILTER (WHERE r.state = 'failed') AS failed,
        sum(r.amount) FILTER (WHERE r.state = 'settled' AND r.reason = 'outside')
            AS outside
    FROM part p JOIN refund r USING (order_id) GROUP BY r.payment_id
), paid AS (
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
)"""

# What each order did in each currency: by its payments, by its lines, by the ledger.
_BOOKS: Final = f"""{_PARTS}, thing (order_id, currency, captured, returned, settled,
    pending, due, outside, unexplained, live, fee, tax, seller_fee, at_door, unit,
    earned, earned_fee, earned_tax, provider, owed, fees, taxes) AS (
    SELECT order_id, currency, captured, returned, settled, pending,
        greatest(0, rest), greatest(0, -rest),
        CASE WHEN rest > failed OR -rest > outside THEN 1 ELSE 0 END,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM paid
    UNION ALL
    SELECT order_id, p.currency, 0, 0, 0, 0, 0, 0, 0,
        CASE WHEN has_paid THEN live ELSE 0 END,
        CASE WHEN has_paid THEN fee ELSE 0 END,
        CASE WHEN has_paid THEN tax ELSE 0 END,
        CASE WHEN is_booked THEN seller_fee ELSE 0 END,
        CASE WHEN is_booked AND NOT has_paid THEN live ELSE 0 END,
        CASE WHEN is_booked THEN unit ELSE 0 END,
        CASE WHEN is_booked THEN earned ELSE 0 END,
        CASE WHEN is_booked THEN earned_fee ELSE 0 END,
        CASE WHEN is_booked THEN earned_tax ELSE 0 END,
        0, 0, 0, 0
    FROM part p JOIN line USING (order_id) WHERE p.currency IS NOT NULL
    UNION ALL
    SELECT order_id, m.currency, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        CASE m.account WHEN 'provider' THEN m.amount ELSE 0 END,
        CASE m.account WHEN 'due' THEN -m.amount ELSE 0 END,
        CASE m.account WHEN 'fees' THEN -m.amount ELSE 0 END,
        CASE m.account WHEN 'tax' THEN -m.amount ELSE 0 END
    FROM part p JOIN money_entry m USING (order_id)
), book AS (
    SELECT order_id, currency, {{sums}} FROM thing GROUP BY order_id, currency
), judged AS (
    SELECT b.*, p.reference, p.told_due,
        b.unexplained > 0 OR has_paid AND captured < live
            OR sum(b.due) OVER (PARTITION BY b.order_id) <> told_due AS is_uneven,
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
    "unit",
)
_OTHERS: Final = (
    "settled",
    "unexplained",
    "earned",
    "earned_fee",
    "earned_tax",
    "provider",
    "owed",
    "fees",
    "taxes",
)


def _sums(names: tuple[str, ...]) -> str:
    # What has no line at all sums up to null.
    return ", ".join(f"coalesce(sum({name}), 0)::bigint AS {name}" for name in names)


_SUMS = (
    _BOOKS.replace("{sums}", _sums((*_FIGURES, *_OTHERS)))
    + f"""
SELECT currency, {_sums(_FIGURES)},
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
