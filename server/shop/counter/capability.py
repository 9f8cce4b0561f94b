"""Selling at a counter."""

from typing import Final

from server.base.ids import RandomIds
from server.events.catalogue.service import EVENT_SERVICE
from server.shop.counter.examples import EXAMPLES
from server.shop.counter.rest import ROUTES
from server.shop.counter.service import COUNTER_SERVICE, CounterService
from server.shop.orders.service import ORDER_SERVICE
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    startup[COUNTER_SERVICE] = CounterService(
        startup.pool, startup[EVENT_SERVICE], startup[ORDER_SERVICE], RandomIds()
    )


COUNTER: Final = Capability(
    name="counter",
    open=_open,
    routes=ROUTES,
    tags={
        "Counter": """\
Whoever manages an event sells at a counter, also while the sale is paused or closed or
a line waits. A `sale` stands for one customer and is what the caller calls it; what it
holds is nobody else's. `sales` says how the customer has paid, in `cash` or by a
`card` machine, or that it is `free`, and books at once. What goes back of such an order
waits until somebody hands it over, and says so with
`POST /v1/orders/{order}/refunds/{order_refund}/by-hand`.""",
    },
    examples=EXAMPLES,
)
