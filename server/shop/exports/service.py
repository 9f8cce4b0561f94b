"""Tables of what an event sold, for those who manage it."""

from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from persistence.postgres.pool import Pool
from persistence.shop.exports import Exported, Kind, pages_of
from server.base.identity import Identity
from server.events.catalogue.service import EventService
from server.people.organisations.membership import Memberships


class ExportService:
    """Gives tables. Raises `Unavailable`, and `Refusal` for what it refuses."""

    def __init__(
        self, pool: Pool, events: EventService, memberships: Memberships
    ) -> None:
        self._pool = pool
        self._events = events
        self._memberships = memberships

    async def pages(
        self, who: Identity, event: str, kind: Kind
    ) -> AsyncIterator[list[Exported]]:
        """Return all rows, a page at a time, to somebody who manages the event."""
        row = await self._events.find_shown_row(who, event)
        await self._memberships.require_manager(who, row.organisation, row.created_by)
        return pages_of(self._pool, kind, event)


EXPORT_SERVICE: Final = web.AppKey("export service", ExportService)
