"""Events as they are made, edited, listed and found."""

from collections.abc import Awaitable, Callable
from typing import Final

from server.events.catalogue import rest, rest_list
from server.events.catalogue.calendar import rest as rest_calendar
from server.events.catalogue.calendar.files import CalendarFiles
from server.events.catalogue.editing import rest as rest_editing
from server.events.catalogue.editing import rest_duplicate
from server.events.catalogue.editing.service import EVENT_EDITING, EventEditing
from server.events.catalogue.examples import EXAMPLES
from server.events.catalogue.feed import connect_live_events
from server.events.catalogue.frames import FRAMES
from server.events.catalogue.row_cache import ROWS, EventRows
from server.events.catalogue.service import (
    EVENT_SERVICE,
    ON_WITHDRAWN,
    PRICE_REFUSALS,
    EventService,
    PriceRefusal,
)
from server.live.actors.registry import CATALOG, REGISTRY
from server.live.fanout.hub import HUB
from server.people.notices.composer import COMPOSER
from server.people.organisations.membership import MEMBERSHIPS
from server.transport.bus.open import BUS
from server.transport.capability.capability import Capability, Startup
from server.transport.http.app_keys import CLOCK
from server.transport.http.response_cache import CACHES
from server.transport.jobs.scheduler import JOBS
from server.transport.rest.examples import PathParameter
from server.transport.rest.story import EVENT_ID

COUNT_EVERY_S: Final = 5.0
"""How old the ranking of events by registrations may be."""


async def _open(startup: Startup) -> None:
    catalog, memberships = startup[CATALOG], startup[MEMBERSHIPS]
    clock = startup[CLOCK]
    startup[ROWS] = rows = EventRows(catalog, startup[HUB].now)
    rows.connect(startup[BUS])
    startup[ON_WITHDRAWN] = withdrawn = list[Callable[[str], Awaitable[None]]]()
    startup[PRICE_REFUSALS] = refusals = list[PriceRefusal]()
    startup[EVENT_SERVICE] = events = EventService(
        startup[REGISTRY],
        catalog,
        rows,
        memberships,
        clock,
        takes_payments=startup.settings.payments is not None,
        refusals=refusals,
    )
    startup[EVENT_EDITING] = EventEditing(
        events,
        catalog,
        rows,
        memberships,
        clock,
        changed=startup[CACHES].settings_changed,
        withdrawn=withdrawn,
    )
    connect_live_events(startup.app, startup[BUS])
    startup[COMPOSER].makes["calendar"] = CalendarFiles(catalog).make
    startup[JOBS].every("ranking", COUNT_EVERY_S, catalog.popularity.count)


CATALOGUE: Final = Capability(
    name="catalogue",
    open=_open,
    frames=FRAMES,
    routes=(
        *rest.ROUTES,
        *rest_editing.ROUTES,
        *rest_list.ROUTES,
        *rest_duplicate.ROUTES,
        *rest_calendar.ROUTES,
    ),
    parameters={
        "event": PathParameter("The event's id.", EVENT_ID),
    },
    makes={"events": "event"},
    tags={
        "Events": """\
In order: `POST /v1/events` makes a draft, in a venue or with just a `capacity` (one
area and one price category, both called `GA`). Name an `organisation` that you own or
lead; without one only organisers may, and it belongs to who made it. A draft is there
for nobody else. Change it, give it an image, duplicate it; `publish` puts it on sale,
at once or at `on_sale_at` (until then it is `scheduled`). `pause`, `resume`, `close`
and `cancel` follow; what does not fit the state is refused (`wrong_state`). Each
category has a price, or none has and the event is free; a patch of `prices` is merged
by category, `null` takes one away. What began is neither made nor published, and is
completed when it is over. Only an event that nobody has booked can be deleted
(`tickets_sold`). Lists are filtered, searched with `q`, sorted, and read on with the
`next_cursor` of the answer as `cursor`.""",
    },
    examples=EXAMPLES,
)
