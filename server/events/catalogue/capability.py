"""Events as they are made, edited, listed and found."""

from typing import Final

from server.events.catalogue import rest, rest_calendar, rest_duplicate, rest_list
from server.events.catalogue.feed import connect_live_events
from server.events.catalogue.ranking import keep_ranking
from server.events.catalogue.rest import ON_WITHDRAWN
from server.events.catalogue.row_cache import ROWS, EventRows
from server.live.actors.registry import CATALOG
from server.live.fanout.hub import HUB
from server.transport.bus.open import BUS
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    startup[ON_WITHDRAWN] = []
    catalog = startup[CATALOG]
    startup[ROWS] = rows = EventRows(catalog, startup[HUB].now)
    rows.connect(startup[BUS])
    connect_live_events(startup.app, startup[BUS])
    startup.run(keep_ranking(catalog.popularity), "ranking")


CATALOGUE: Final = Capability(
    name="catalogue",
    open=_open,
    routes=(
        *rest.ROUTES,
        *rest_list.ROUTES,
        *rest_duplicate.ROUTES,
        *rest_calendar.ROUTES,
    ),
)
