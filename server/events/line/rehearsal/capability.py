"""Rehearsals of sales, for those who manage events."""

from typing import Final

from persistence.events.line.rehearsals import Rehearsals
from server.base.ids import RandomIds
from server.events.catalogue.service import EVENT_SERVICE
from server.events.line.rehearsal.rest import EXAMPLES, REHEARSAL_ID, ROUTES
from server.events.line.rehearsal.service import REHEARSALS, RehearsalService
from server.transport.capability.capability import Capability, Startup
from server.transport.rest.examples import PathParameter


async def _open(startup: Startup) -> None:
    startup[REHEARSALS] = service = RehearsalService(
        startup[EVENT_SERVICE], Rehearsals(startup.pool), startup.clock, RandomIds()
    )
    startup.on_stop(service.close)


REHEARSING: Final = Capability(
    name="rehearsals",
    open=_open,
    routes=ROUTES,
    parameters={"rehearsal": PathParameter("The rehearsal's id.", REHEARSAL_ID)},
    examples=EXAMPLES,
)
