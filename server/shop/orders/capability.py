"""Orders: made of holds, paid at a provider, booked by the event."""

from typing import Final

from persistence.shop.orders.cancelled import CancelledOrders
from persistence.shop.orders.listing import forget_orders
from persistence.shop.orders.openings import Openings
from persistence.shop.orders.orders import Orders
from server.base.ids import RandomIds
from server.base.pressure.pressure import PRESSURE
from server.events.catalogue.service import EVENT_SERVICE
from server.events.cockpit.sampler import SAMPLER
from server.live.actors.registry import REGISTRY
from server.live.fanout.hub import HUB
from server.people.organisations.membership import MEMBERSHIPS
from server.shop.orders import rest
from server.shop.orders.driving.desk import Desk
from server.shop.orders.driving.driver import OVER_S, Driver
from server.shop.orders.driving.lookout import EVERY_S, Lookout
from server.shop.orders.driving.news import News, OrderNews
from server.shop.orders.examples import EXAMPLES, ORDER_ID
from server.shop.orders.giving import examples as giving_examples
from server.shop.orders.giving import rest as rest_giving
from server.shop.orders.giving.event_refunds import EVERY_S as REFUND_S
from server.shop.orders.giving.event_refunds import JOB, EventRefunds
from server.shop.orders.giving.service import GIVING_SERVICE, GivingService
from server.shop.orders.letters import examples as letters_examples
from server.shop.orders.letters import rest as rest_letters
from server.shop.orders.letters.service import LETTER_SERVICE, LetterService
from server.shop.orders.opening import rest as rest_opening
from server.shop.orders.opening.service import OPENING_SERVICE, OpeningService
from server.shop.orders.service import ORDER_SERVICE, OrderService
from server.shop.orders.webhooks import rest as rest_webhooks
from server.shop.orders.webhooks.service import (
    LOOK_S,
    WEBHOOK_SERVICE,
    WebhookService,
)
from server.shop.payments.provider import PROVIDER
from server.shop.promotions.service import PROMOTION_SERVICE
from server.transport.bus.open import BUS
from server.transport.capability.capability import Capability, Startup
from server.transport.jobs.scheduler import JOBS
from server.transport.metrics.counting import REQUEST_COUNTS
from server.transport.rest.examples import PathParameter, merged
from server.transport.rest.guard import OPENER_AUTHENTICATOR

WAITING: Final = "payment webhooks"
"""The job that applies what came before its attempt."""

FORGET_S: Final = 3_600.0
"""How often it is deleted what nobody needs any more."""


SLOW_ORDERS_MAX: Final = 0.05
"""Lines are slowed down where more orders than that take longer than 5 s to answer."""


def _measure(startup: Startup, desk: Desk, webhooks: WebhookService) -> None:
    """Show what somebody has to look at, and what the provider told."""
    metrics = startup.metrics
    metrics.counter(
        "onsale_orders_alarms_total",
        "Orders whose money somebody has to look at.",
        lambda: desk.alarms,
    )
    metrics.counter(
        "onsale_payment_webhooks_total",
        "Messages of the provider of payment that were taken.",
        lambda: webhooks.taken,
    )
    metrics.counter(
        "onsale_payment_webhooks_refused_total",
        "Messages that were not the provider's, or too old.",
        lambda: webhooks.refused,
    )
    metrics.gauge(
        "onsale_payment_webhooks_strange",
        "Messages of payments that nobody here asked for.",
        # Who looked last counted them: what others know is older.
        lambda: webhooks.strange if startup[JOBS].is_ours(WAITING) else 0,
    )


async def _open(startup: Startup) -> None:
    pool, provider = startup.pool, startup[PROVIDER]
    news = News(startup[BUS], startup[HUB], startup.clock)
    failed = startup[SAMPLER].payment_failed
    desk = Desk(pool, news.tell, startup.clock, failed)

    def shop_url() -> str:
        return startup.settings.public_url or startup.url

    driver = Driver(
        Orders(pool), desk, startup[REGISTRY], provider, shop_url, startup.clock.now_ms
    )
    startup[ORDER_SERVICE] = service = OrderService(
        pool,
        desk,
        driver,
        startup[EVENT_SERVICE],
        startup[MEMBERSHIPS],
        RandomIds(),
        startup[PROMOTION_SERVICE],
    )
    cancelled = CancelledOrders(pool)
    startup[GIVING_SERVICE] = GivingService(service, cancelled, startup.clock)
    startup[LETTER_SERVICE] = LetterService(
        pool, service, startup.clock, startup.settings.public_url
    )
    metrics = startup.metrics
    refunds = EventRefunds(
        cancelled, service.giver, driver, commits=lambda: metrics.commits
    )
    startup[JOBS].every(JOB, REFUND_S, refunds.give_back)
    openings = Openings(pool)
    opening = OpeningService(openings)
    startup[OPENING_SERVICE] = startup[OPENER_AUTHENTICATOR] = opening
    startup[JOBS].every("what opens orders", FORGET_S, openings.forget)
    startup[WEBHOOK_SERVICE] = webhooks = WebhookService(pool, desk, driver, provider)
    startup.run(driver.run(startup.job("orders")), "orders")
    startup[JOBS].every("orders that are over", OVER_S, driver.complete)
    startup[JOBS].every(WAITING, LOOK_S, webhooks.look)
    startup[JOBS].every("old payment webhooks", FORGET_S, webhooks.forget)
    lookout = Lookout(pool, driver)
    startup[JOBS].every("payments at rest", EVERY_S, lookout.look)
    startup.on_drain(driver.drain)
    counts = startup[REQUEST_COUNTS]
    startup[PRESSURE].share(
        "checkout",
        SLOW_ORDERS_MAX,
        lambda _: counts.slow_of("POST", rest.ALL)[0],
        lambda _: counts.slow_of("POST", rest.ALL)[1],
    )
    _measure(startup, desk, webhooks)


ORDERING: Final = Capability(
    name="orders",
    open=_open,
    routes=(
        *rest.ROUTES,
        *rest_giving.ROUTES,
        *rest_letters.ROUTES,
        *rest_opening.ROUTES,
        *rest_webhooks.ROUTES,
    ),
    tells=(OrderNews,),
    erase=(forget_orders,),
    parameters={
        "order": PathParameter("The order's id.", ORDER_ID),
        "order_reference": PathParameter(
            "The order's reference.", "K7M2QX", recorded=False
        ),
        "order_refund": PathParameter("The refund's id.", giving_examples.REFUND_ID),
        "provider": PathParameter(
            "The provider of payment, as `gateway`.", "gateway", recorded=False
        ),
    },
    makes={"orders": "order"},
    tags={
        "Orders": """\
A hold becomes tickets by an order. `POST /v1/orders` with the `hold` freezes what it
costs, line by line, and answers with the page of the provider where it is paid, until
`pay_until`; what has no price, or is paid at the door, is `confirmed` at once. Then the
order waits for the provider's word, never for the browser's: whoever closes the page
has paid all the same. `payment_pending` becomes `confirmed`, or `cancelled` when the
time is over and the seats have gone back; the frame `order` tells on the websocket.
What was paid twice, too late or wrongly goes back by itself. A hold has one order.

Elsewhere than in the browser that bought it an order is opened with the link of its
letter, or with a code that `POST /v1/orders/lookup` mails: for either
`POST /v1/orders/{order}/open` answers with a token for this order and its tickets,
which also cancels it.""",
    },
    examples=merged([EXAMPLES, giving_examples.EXAMPLES, letters_examples.EXAMPLES]),
)
