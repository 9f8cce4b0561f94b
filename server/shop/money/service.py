"""What events took, for those who manage them."""

from typing import Final

from aiohttp import web

from persistence.postgres.pool import Pool
from persistence.shop.money.sums import Takings, takings_of
from server.base.identity import Identity
from server.events.catalogue.service import EventService
from server.people.organisations.membership import Memberships


class MoneyService:
    """Tells of money. Raises `Unavailable`, and `Refusal` for what it refuses."""

    def __init__(
        self, pool: Pool, events: EventService, memberships: Memberships
    ) -> None:
        self._pool = pool
        self._events = events
        self._memberships = memberships

    async def takings(self, who: Identity, event: str) -> list[Takings]:
        """Return what an event took by currency, to somebody who manages it."""
        row = await self._events.find_shown_row(who, event)
        await self._memberships.require_manager(who, row.organisation, row.created_by)
        return await takings_of(self._pool, event)


MONEY_SERVICE: Final = web.AppKey("money service", MoneyService)
