"""What promotions and their codes brought: orders that were confirmed with them.

Read from the orders themselves. An order that redeemed several promotions counts with
each of them; what each took off of it stands in no row, and is reckoned anew from what
the order has frozen.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from inventory.settings import Sum
from persistence.errors import BadCursor
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool, Row
from persistence.shop.orders.records import OrderLine
from persistence.shop.promotions.discounts import Discount

# Of money only that of the accepted payment counts, and what was paid too much of that
# was never paid for the order. What is paid at the door goes back
# with its lines: nobody returns anything for it. What several promotions took off an
# order is left to who reckons it.
_CONFIRMED: Final = """
SELECT r.promotion_id, r.hash, r.state, o.currency, o.total,
    CASE WHEN several THEN 0 ELSE l.discount END AS discount,
    CASE WHEN o.accepted_payment IS NULL THEN l.gone ELSE (
        SELECT coalesce(sum(b.amount), 0) FROM refund b WHERE b.order_id = o.order_id
            AND b.payment_id = o.accepted_payment AND b.reason <> 'excess'
            AND b.state IN ('settled', 'by_hand')
    ) END AS returned
FROM redemption r JOIN orders o USING (order_id)
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(discount), 0) AS discount,
            coalesce(sum(gross) FILTER (WHERE state = 'gone'), 0) AS gone
        FROM order_line WHERE order_id = r.order_id) l
    CROSS JOIN LATERAL (
        SELECT count(*) > 1 AS several FROM redemption s
        WHERE s.order_id = r.order_id) n
WHERE o.confirmed_at IS NOT NULL
"""
_SUMS: Final = """
count(c.state) AS uses, count(*) FILTER (WHERE c.state = 'back') AS given_back,
coalesce(sum(c.total), 0)::bigint AS gross,
coalesce(sum(c.discount), 0)::bigint AS discount,
coalesce(sum(c.returned), 0)::bigint AS returned
"""
_OF_EVENT: Final = f"""
SELECT p.promotion_id, p.name, p.taken, c.currency, {_SUMS}
FROM promotion p LEFT JOIN ({_CONFIRMED} AND r.promotion_id IN (
        SELECT promotion_id FROM promotion WHERE event_id = $1)) c USING (promotion_id)
WHERE p.event_id = $1
GROUP BY p.promotion_id, c.currency ORDER BY p.created_at, p.promotion_id, c.currency
"""
_CODES: Final = """
SELECT c.hash, c.label, c.uses_max, c.taken, c.created_at FROM promotion_code c
WHERE c.promotion_id = $1
    AND ($2::timestamptz IS NULL OR (c.created_at, c.hash) > ($2, $3))
ORDER BY c.created_at, c.hash LIMIT $4
"""
_OF_CODES: Final = f"""
SELECT c.hash, c.currency, {_SUMS}
FROM ({_CONFIRMED} AND r.promotion_id = $1 AND r.hash = ANY ($2::bytea[])) c
GROUP BY c.hash, c.currency ORDER BY c.hash, c.currency
"""
_HAS: Final = "SELECT FROM promotion WHERE event_id = $1 AND promotion_id = $2"
_COUNT_CODES: Final = "SELECT count(*) FROM promotion_code WHERE promotion_id = $1"
# Only promotions that say so are redeemed with others.
_SEVERAL: Final = """
SELECT o.currency, (o.rules #> '{rules,discounts}')::text AS discounts, r.redeemed,
    (SELECT json_agg(json_build_object('line', l.line, 'kind', l.kind,
            'label', l.label, 'category', l.category, 'type', l.type, 'unit', l.unit,
            'gross', l.gross) ORDER BY l.line)::text
        FROM order_line l WHERE l.order_id = o.order_id) AS lines
FROM (
    SELECT s.order_id, json_object_agg(s.promotion_id, encode(s.hash, 'hex'))::text
        AS redeemed
    FROM redemption s WHERE s.order_id IN (
        SELECT r.order_id FROM promotion p JOIN redemption r USING (promotion_id)
        WHERE p.stacks AND p.event_id = $1 AND ($2::text IS NULL
            OR r.promotion_id = $2 AND r.hash = ANY ($3::bytea[])))
    GROUP BY s.order_id HAVING count(*) > 1
) r JOIN orders o USING (order_id)
WHERE o.confirmed_at IS NOT NULL
"""
_CHUNK: Final = 200
"""Orders that are reckoned before others have their turn."""

_lines = msgspec.json.Decoder(tuple[OrderLine, ...]).decode
_discounts = msgspec.json.Decoder(tuple[Discount, ...]).decode
_redeemed = msgspec.json.Decoder(dict[str, str]).decode

Shares = Callable[[Sequence[OrderLine], Sequence[Discount], str], Mapping[str, int]]
"""What each promotion took off of an order of these lines, by its id."""


class Numbers(Struct, kw_only=True):
    """What orders that were confirmed came to; amounts by currency, in minor units."""

    uses: int = 0
    given_back: int = 0
    """How many of them gave all back; their code is good once more."""
    gross: dict[str, int] = {}
    """What they cost their buyers."""
    discount: dict[str, int] = {}
    """What was taken off before that."""
    returned: dict[str, int] = {}
    """What of `gross` has gone back."""

    @property
    def net(self) -> dict[str, int]:
        """What was not given back."""
        return {
            currency: amount - self.returned.get(currency, 0)
            for currency, amount in self.gross.items()
        }

    def left(self, taken: int) -> int:
        """Return how many of what is taken wait: their orders are not confirmed."""
        return taken - self.uses + self.given_back

    def add(self, row: Row) -> None:
        """Add what a row sums up of one currency."""
        self.uses += row["uses"]
        self.given_back += row["given_back"]
        if row["currency"] is not None:
            for name in ("gross", "discount", "returned"):
                _add(getattr(self, name), row["currency"], row[name])


class PromotionNumbers(Struct, frozen=True):
    """What a promotion brought."""

    promotion: str
    name: str
    taken: int
    """Orders that have it, confirmed or not."""
    numbers: Numbers


class CodeNumbers(Struct, frozen=True):
    """What a code brought."""

    hash: bytes
    label: str | None
    uses_max: int | None
    taken: int
    created_at: datetime
    numbers: Numbers


def sums_of(amounts: Mapping[str, int]) -> list[Sum]:
    """Return amounts by currency, without those of nothing."""
    return [Sum(amounts[one], one) for one in sorted(amounts) if amounts[one]]


class PromotionBooks:
    """Reads what promotions brought. Raises `Unavailable`.

    Each answer is of one moment.
    """

    def __init__(self, pool: Pool, shares: Shares) -> None:
        self._pool = pool
        self._shares = shares

    async def of_event(self, event: str) -> list[PromotionNumbers]:
        """Return the promotions of an event, the oldest first."""
        found: dict[str, PromotionNumbers] = {}
        async with self._one_moment() as connection:
            for row in await connection.fetch(_OF_EVENT, event):
                name = row["promotion_id"]
                if name not in found:
                    found[name] = PromotionNumbers(
                        name, row["name"], row["taken"], Numbers()
                    )
                found[name].numbers.add(row)
            async for currency, each in self._several(connection, event, None, None):
                for name, _, amount in each:
                    _add(found[name].numbers.discount, currency, amount)
        return list(found.values())

    async def of_promotion(
        self, event: str, promotion: str, *, limit: int, cursor: str | None = None
    ) -> tuple[list[CodeNumbers], str | None]:
        """Return a page of the codes of a promotion, the oldest first.

        Raises `BadCursor`.
        """
        at, name = decode_cursor(cursor)
        begin = at, None if name is None else _hash(name)
        async with self._one_moment() as connection:
            rows = await connection.fetch(_CODES, promotion, *begin, fetched(limit))
            found = {
                row["hash"]: CodeNumbers(
                    **{name: row[name] for name in _OF_CODE}, numbers=Numbers()
                )
                for row in rows
            }
            codes = list(found)
            for row in await connection.fetch(_OF_CODES, promotion, codes):
                found[row["hash"]].numbers.add(row)
            several = self._several(connection, event, promotion, codes)
            async for currency, each in several:
                for name, code, amount in each:
                    if name == promotion and code in found:
                        _add(found[code].numbers.discount, currency, amount)
        listed = list(found.values())
        return page(listed, limit, lambda one: (one.created_at, one.hash.hex()))

    async def has(self, event: str, promotion: str) -> bool:
        """Return whether an event has a promotion."""
        return await self._pool.fetch_one(_HAS, event, promotion) is not None

    async def count_codes(self, promotion: str) -> int:
        """Return how many codes a promotion has."""
        row = await self._pool.fetch_one(_COUNT_CODES, promotion)
        assert row is not None
        count: int = row["count"]
        return count

    def _one_moment(self) -> Any:
        return self._pool.transaction("repeatable_read", readonly=True)

    async def _several(
        self, connection: Any, event: str, promotion: str | None, codes: object
    ) -> Any:
        """Give what each promotion took off of each order that redeemed several."""
        cursor = connection.cursor(_SEVERAL, event, promotion, codes, prefetch=_CHUNK)
        async for row in cursor:
            lines, currency = _lines(row["lines"]), row["currency"]
            shares = self._shares(lines, _discounts(row["discounts"]), currency)
            codes_of = _redeemed(row["redeemed"])
            yield (
                currency,
                [(one, bytes.fromhex(codes_of[one]), shares[one]) for one in codes_of],
            )


_OF_CODE: Final = ("hash", "label", "uses_max", "taken", "created_at")


def _hash(name: str) -> bytes:
    try:
        return bytes.fromhex(name)
    except ValueError as error:
        raise BadCursor("not a cursor of this list") from error


def _add(amounts: dict[str, int], currency: str, amount: int) -> None:
    amounts[currency] = amounts.get(currency, 0) + amount
