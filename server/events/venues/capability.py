"""Venues and their maps."""

import asyncio
from typing import Final

from server.events.venues.map_cache import MAPS, Maps
from server.events.venues.rest import CHARTS, ROUTES
from server.transport.capability.capability import Capability, Startup
from server.transport.http.response_cache import CACHES

CHARTS_AT_ONCE_MAX: Final = 2


async def _open(startup: Startup) -> None:
    startup[MAPS] = Maps(startup[CACHES].maps)
    startup[CHARTS] = asyncio.Semaphore(CHARTS_AT_ONCE_MAX)


VENUES: Final = Capability(name="venues", open=_open, routes=ROUTES)
