"""What the triggers of the tables of orders do, and what statements find in them."""

from typing import TYPE_CHECKING

from persistence.shop.orders import cancelled
from persistence.shop.orders.records import OrderState
from persistence.shop.orders.rows import StoredOrder
from tests.simulation.outboxes.hooks import tell_order
from tests.simulation.promotions.tables import move_redemptions
from tests.simulation.statements import Rows, does

if TYPE_CHECKING:
    from tests.simulation.orders.tables import Transaction


def order_written(
    connection: "Transaction", before: StoredOrder, after: OrderState
) -> None:
    """Follow an order that is another now: its codes, and what hooks are told."""
    if before.state.status != after.status:
        move_redemptions(connection, after.order, after.status)
    if connection.tables.world.plan.outboxes:
        tell_order(connection, before.state, after)


@does(cancelled._DUE)
def _due(connection: "Transaction", limit: int, after: str) -> Rows:
    database = connection.tables.world.database
    found = []
    for order in connection.orders():
        settings = database.head(order.event).settings
        leaving = any(one.state == "leaving" for one in order.lines)
        if settings is None or settings.sale_state != "cancelled" or leaving:
            continue
        if order.step == "booked" and order.order > after:
            found.append({"order_id": order.order, "event_id": order.event})
    return sorted(found, key=lambda row: row["order_id"])[:limit]
