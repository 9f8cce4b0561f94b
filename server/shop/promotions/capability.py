"""Promotions of events, and the codes that redeem them."""

from typing import Final

from persistence.shop.promotions.promotions import Promotions
from server.events.catalogue.service import EVENT_SERVICE
from server.people.organisations.membership import MEMBERSHIPS
from server.shop.promotions.examples import EXAMPLES, PROMOTION_ID
from server.shop.promotions.rest import ROUTES
from server.shop.promotions.rest_numbers import NUMBER_ROUTES
from server.shop.promotions.service import PROMOTION_SERVICE, PromotionService
from server.shop.promotions.service_numbers import NUMBERS_SERVICE, NumbersService
from server.transport.capability.capability import Capability, Startup
from server.transport.rest.examples import PathParameter


async def _open(startup: Startup) -> None:
    startup[PROMOTION_SERVICE] = PromotionService(
        Promotions(startup.pool), startup[EVENT_SERVICE]
    )
    startup[NUMBERS_SERVICE] = NumbersService(
        startup.pool, startup[EVENT_SERVICE], startup[MEMBERSHIPS]
    )


PROMOTIONS: Final = Capability(
    name="promotions",
    open=_open,
    routes=(*ROUTES, *NUMBER_ROUTES),
    parameters={"promotion": PathParameter("The promotion's id.", PROMOTION_ID)},
    makes={"promotions": "promotion"},
    tags={
        "Promotions": """\
A promotion takes a percentage or an amount off orders that name one of its codes in
`codes`. How often it may be redeemed is decided with the order, exactly: an order that
waits to be paid has it, and gives it back where it is not paid, or given back as a
whole. What it takes off stands in the lines of the order and never changes.""",
    },
    examples=EXAMPLES,
)
