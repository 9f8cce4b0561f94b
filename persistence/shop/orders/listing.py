"""Lists of orders: those of a buyer, and those of an event, searched by its seller."""

from typing import Any, Final

from msgspec import Struct

from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool, Row
from persistence.shop.orders.rows import FIELDS, FROM, StoredOrder, order_of

_BEYOND: Final = "($3::timestamptz IS NULL OR (o.created_at, o.order_id) < ($3, $4))"
_NEWEST: Final = "ORDER BY o.created_at DESC, o.order_id DESC LIMIT $2"
_OF_USER = f"SELECT {FIELDS} {FROM} WHERE o.user_id = $1 AND {_BEYOND} {_NEWEST}"
_COUNT_OF_USER = """
SELECT o.order_id FROM orders o WHERE o.user_id = $1 ORDER BY o.order_id LIMIT $2
"""
_ASKED: Final = """
p.event_id = $1 AND ($5::text IS NULL OR o.status = $5)
    AND ($6::text IS NULL OR o.refund = $6)
    AND ($7::text IS NULL OR o.order_id = $7 OR o.user_id = $7 OR p.booking_id = $7
        OR o.words @@ (SELECT search_query($7))
        OR (o.reference >= upper($7) AND o.reference < upper($7) || chr(1114111)))
"""
_OF_EVENT = f"SELECT {FIELDS} {FROM} WHERE {_ASKED} AND {_BEYOND} {_NEWEST}"
_COUNT_OF_EVENT = f"""
SELECT o.order_id FROM orders o JOIN order_part p ON p.order_id = o.order_id
WHERE {_ASKED} AND {_BEYOND} {_NEWEST}
"""
_FORGET = "UPDATE orders SET buyer = '{}' WHERE user_id = $1"
_FORGET_CODES = """
UPDATE redemption r SET who = NULL FROM orders o
WHERE o.user_id = $1 AND o.redeems AND r.order_id = o.order_id
"""
_CLOSE = """
DELETE FROM order_opening g USING orders o
WHERE o.user_id = $1 AND g.order_id = o.order_id
"""


class OrderSearch(Struct, frozen=True, kw_only=True):
    """Which orders to list; None is any.

    `text` is the id of one, of its buyer or its booking, how a reference begins, or
    words of the buyer's name or address.
    """

    text: str | None = None
    status: str | None = None
    refund: str | None = None


class OrderList:
    """Reads lists of orders. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_user(
        self, user: str, *, limit: int, cursor: str | None = None
    ) -> tuple[list[StoredOrder], str | None]:
        """Return a page of a buyer's orders, the newest first."""
        rows = await self._pool.fetch(
            _OF_USER, user, fetched(limit), *decode_cursor(cursor)
        )
        return _page(rows, limit)

    async def count_of_user(self, user: str) -> int:
        """Return how many orders a buyer made."""
        return await self._pool.count(_COUNT_OF_USER, user, None)

    async def of_event(
        self,
        event: str,
        search: OrderSearch,
        *,
        limit: int,
        cursor: str | None = None,
    ) -> tuple[list[StoredOrder], str | None]:
        """Return a page of an event's orders, the newest first."""
        rows = await self._pool.fetch(
            _OF_EVENT,
            event,
            fetched(limit),
            *decode_cursor(cursor),
            search.status,
            search.refund,
            search.text,
        )
        return _page(rows, limit)

    async def count_of_event(self, event: str, search: OrderSearch) -> int:
        """Return how many orders `of_event` has on all its pages."""
        return await self._pool.count(
            _COUNT_OF_EVENT,
            event,
            None,
            None,
            None,
            search.status,
            search.refund,
            search.text,
        )


# asyncpg ships no types, hence Any for its connection.
async def forget_orders(connection: Any, user: str) -> None:
    """Leave no trace of who bought; what was paid stays in the books.

    What was mailed opens the orders no longer.
    """
    await connection.execute(_FORGET, user)
    await connection.execute(_FORGET_CODES, user)
    await connection.execute(_CLOSE, user)


def _page(rows: list[Row], limit: int) -> tuple[list[StoredOrder], str | None]:
    found = [order_of(row) for row in rows]
    return page(found, limit, lambda one: (one.created_at, one.state.order))
