"""Single orders: made once, read to be judged, taken up to be driven.

What becomes of one is for its rules; `write_order` beside this writes what it is then.
"""

from typing import Final

import msgspec
from msgspec import Struct

from persistence.postgres.pool import Pool, Row, UniqueViolation
from persistence.shop.money.terms import Reads, Terms
from persistence.shop.orders.records import OrderState, Rules
from persistence.shop.orders.rows import (
    CLOCK_MS,
    EVENT_FIELDS,
    FIELDS,
    FROM,
    Frozen,
    OrderBuyer,
    StoredOrder,
    order_of,
)
from persistence.shop.promotions.redemptions import Redeems, reserve_codes

DRIVEN_S: Final = 30.0
"""How long one who drives an order has it alone."""

TAKEN_MAX: Final = 50
OVER_MAX: Final = 500

_FIND = f"SELECT {FIELDS}, {CLOCK_MS} AS now_ms {FROM} WHERE o.order_id = $1"
_FIND_REFERENCE = f"SELECT {FIELDS} {FROM} WHERE o.reference = $1"
_FIND_HOLD = f"""
SELECT {FIELDS} {FROM} WHERE p.event_id = $1 AND p.hold = $2 AND NOT p.refused
"""
_BEGIN = f"""
WITH made AS (
    INSERT INTO orders (order_id, organisation_id, user_id, reference, status, step,
        seen_total, provider, buyer, rules, request_hash, driven_until)
    VALUES ($1, $2, $3, $4, 'initiated', 'pledging', $5, $6, $7::jsonb, $8::jsonb, $9,
        now() + $10 * interval '1 s')
    RETURNING order_id, created_at
), part AS (
    INSERT INTO order_part (order_id, event_id, hold)
    SELECT order_id, $11, $12 FROM made
)
SELECT o.created_at, {EVENT_FIELDS}, {CLOCK_MS} AS now_ms
FROM made o, event e WHERE e.event_id = $11
"""
_TAKE_UP = """
UPDATE orders SET driven_until = now() + $1 * interval '1 s'
WHERE order_id IN (
    SELECT order_id FROM orders WHERE driven_until < now()
    ORDER BY driven_until LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING order_id
"""
_NEXT = """
SELECT extract(epoch FROM min(driven_until) - clock_timestamp())::float AS next_s
FROM orders WHERE driven_until IS NOT NULL
"""
# Of what was over long ago nothing is left to find.
_OVER = """
SELECT o.order_id FROM event e JOIN order_part p ON p.event_id = e.event_id
    JOIN orders o ON o.order_id = p.order_id
WHERE e.settings ->> 'sale_state' = 'completed' AND o.step = 'booked'
    AND (e.settings ->> 'completes_at_ms')::bigint
        > extract(epoch FROM now() - interval '30 days') * 1000
    AND NOT EXISTS (
        SELECT FROM order_line l
        WHERE l.order_id = o.order_id AND l.state = 'leaving')
LIMIT $1
"""


class NewOrder(Struct, frozen=True, kw_only=True):
    """An order that is about to ask for its hold."""

    order: str
    event: str
    hold: str
    user: str
    organisation: str | None
    reference: str
    buyer: OrderBuyer
    rules: Rules
    terms: Terms
    provider: str | None
    seen_total: int | None
    request_hash: bytes
    site: str = ""
    redeems: Redeems | None = None
    """What its codes redeem; None where it has none."""


class OrderGone(LookupError):
    """There is no such order."""


class Orders:
    """Reads and changes orders. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, new: NewOrder) -> StoredOrder:
        """Make an order, or return the one that there is of this name or this hold.

        What its codes redeem is reserved with it, or `CodeRefused` is raised.
        """
        known = await self._put(new)
        while known is None:
            # The one that was in the way may have been refused just now.
            known = await self._put(new)
        return known

    async def _put(self, new: NewOrder) -> StoredOrder | None:
        try:
            if new.redeems is None:
                row = await self._pool.fetch_one(_BEGIN, *_values(new))
            else:
                row = await self._put_with_codes(new, new.redeems)
        except UniqueViolation:
            known = await self.find(new.order)
            return known or await self.find_of_hold(new.event, new.hold)
        assert row is not None
        return _made(new, row)

    async def _put_with_codes(self, new: NewOrder, redeems: Redeems) -> Row | None:
        async with self._pool.transaction() as connection:
            row: Row | None = await connection.fetchrow(_BEGIN, *_values(new))
            await reserve_codes(connection, new.order, new.event, new.user, redeems)
        return row

    async def find(self, order: str) -> StoredOrder | None:
        """Return an order by its id."""
        return await self._found(_FIND, order)

    async def find_by_reference(self, reference: str) -> StoredOrder | None:
        """Return the order that people call so."""
        return await self._found(_FIND_REFERENCE, reference)

    async def find_of_hold(self, event: str, hold: str) -> StoredOrder | None:
        """Return the order that has a hold, or had it."""
        return await self._found(_FIND_HOLD, event, hold)

    async def _found(self, sql: str, *values: object) -> StoredOrder | None:
        row = await self._pool.fetch_one(sql, *values)
        return None if row is None else order_of(row)

    async def take_up(self) -> list[str]:
        """Return the orders that are to be looked at; nobody else gets them soon."""
        rows = await self._pool.fetch(_TAKE_UP, DRIVEN_S, TAKEN_MAX)
        return [row["order_id"] for row in rows]

    async def next_s(self) -> float | None:
        """Return in how many seconds the next order is to be looked at.

        None where none is; less than 0 where that is late already.
        """
        row = await self._pool.fetch_one(_NEXT)
        assert row is not None
        next_s: float | None = row["next_s"]
        return next_s

    async def over(self) -> list[str]:
        """Return confirmed orders of events that are over."""
        rows = await self._pool.fetch(_OVER, OVER_MAX)
        return [row["order_id"] for row in rows]


def _values(new: NewOrder) -> tuple[object, ...]:
    frozen = Frozen(rules=new.rules, terms=new.terms, site=new.site)
    return (
        new.order,
        new.organisation,
        new.user,
        new.reference,
        new.seen_total,
        new.provider,
        _json(new.buyer),
        _json(frozen),
        new.request_hash,
        DRIVEN_S,
        new.event,
        new.hold,
    )


def _made(new: NewOrder, row: Row) -> StoredOrder:
    """Return an order as it was stored just now."""
    return StoredOrder(
        state=OrderState(
            order=new.order,
            event=new.event,
            hold=new.hold,
            provider=new.provider,
            rules=new.rules,
            step="pledging",
            seen_total=new.seen_total,
        ),
        revision=0,
        user=new.user,
        organisation=new.organisation,
        reference=new.reference,
        buyer=new.buyer,
        terms=new.terms,
        site=new.site,
        request_hash=new.request_hash,
        created_at=row["created_at"],
        confirmed_at=None,
        event_name=row["event_name"],
        event_starts_at=row["event_starts_at"],
        event_timezone=row["event_timezone"],
    )


async def read_order(where: Reads, order: str) -> tuple[StoredOrder, int]:
    """Return an order as it is now, and the database's time. Raises `OrderGone`."""
    rows = await where.fetch(_FIND, order)
    if not rows:
        raise OrderGone(order)
    return order_of(rows[0]), rows[0]["now_ms"]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
