"""What orders cost, and the books of what was paid and given back."""

from typing import Final

from server.events.catalogue.service import EVENT_SERVICE
from server.people.organisations.membership import MEMBERSHIPS
from server.shop.money.examples import EXAMPLES
from server.shop.money.rest import ROUTES
from server.shop.money.service import MONEY_SERVICE, MoneyService
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    startup[MONEY_SERVICE] = MoneyService(
        startup.pool, startup[EVENT_SERVICE], startup[MEMBERSHIPS]
    )


MONEY: Final = Capability(name="money", open=_open, routes=ROUTES, examples=EXAMPLES)
