"""Who registers for events without choosing a place."""

from typing import Final

from persistence.events.attendees import forget_attendees
from server.events.attendees.rest import ROUTES
from server.events.attendees.service import REGISTRAR, Registrar
from server.live.actors.registry import SHARDS
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    public_url = startup.settings.public_url
    registrar = Registrar(startup.pool, startup[SHARDS], public_url)
    startup[REGISTRAR] = registrar
    startup.run(registrar.run(), "registrations")


ATTENDEES: Final = Capability(
    name="attendees", open=_open, routes=ROUTES, erase=(forget_attendees,)
)
