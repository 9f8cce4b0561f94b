"""Orders as rows, for tests of what stands beside: paid at the door, and booked."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from persistence.shop.money.entries import Entry
from persistence.shop.orders.records import OrderLine
from server.shop.money.ledger import confirm, give_back
from tests.persistence.journals import Store

PRICE = 4_500

_ORDER = """
INSERT INTO orders (order_id, user_id, reference, status, step, currency, total, buyer,
    rules, request_hash)
VALUES ($1, 'ann', $2, 'confirmed', $3, 'EUR', $4, '{}', '{}', '')
"""
_PART = """
INSERT INTO order_part (order_id, event_id, hold, booking_id) VALUES ($1, $2, $1, $3)
"""
_LINE = """
INSERT INTO order_line (order_id, line, kind, label, category, unit, discount, fee, tax,
    tax_ppm, gross, state)
VALUES ($1, $2, $3, $4, '1', $5, 0, 0, 0, 0, $5, $6)
"""
_POST = """
INSERT INTO money_entry (order_id, posting, account, amount, currency)
SELECT $1, $2, e.* FROM unnest($3::text[], $4::bigint[], $5::text[]) AS e
"""


async def post(
    connection: Any, order: str, posting: str, entries: Sequence[Entry]
) -> None:
    """Post what there is no order for."""
    columns = zip(*((e.account, e.amount, e.currency) for e in entries), strict=True)
    await connection.execute(_POST, order, posting, *map(list, columns))


class Place(NamedTuple):
    """A line of an order."""

    label: str
    state: Literal["live", "leaving", "gone"] = "live"


async def put_order(
    store: Store,
    booking: str | None,
    *places: Place,
    order: str = "ord_1",
    event: str = "evt",
    step: str = "booked",
) -> None:
    """Store an order of seats, and of places in an area, with its postings."""
    lines = [
        OrderLine(
            line=number,
            kind="place" if place.label.startswith("GA") else "seat",
            label=place.label,
            category="1",
            unit=PRICE,
            gross=PRICE,
            state=place.state,
        )
        for number, place in enumerate(places, 1)
    ]
    total = sum(one.gross for one in lines)
    gone = [one for one in lines if one.state == "gone"]
    async with store.pool.transaction() as connection:
        await connection.execute(_ORDER, order, order.upper(), step, total)
        await connection.execute(_PART, order, event, booking)
        for one in lines:
            await connection.execute(
                _LINE, order, one.line, one.kind, one.label, one.unit, one.state
            )
        if booking is not None:
            postings = confirm(lines, "EUR"), give_back("x", gone, "EUR", returns=True)
            for posting in filter(lambda one: one.entries, postings):
                await post(connection, order, posting.name, posting.entries)
