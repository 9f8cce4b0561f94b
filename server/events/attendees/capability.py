"""Who registers for events without choosing a place."""

from typing import Final

from persistence.events.attendees import forget_attendees
from server.events.attendees.examples import EXAMPLES
from server.events.attendees.rest import ROUTES
from server.events.attendees.service import REGISTRATIONS, RegistrationService
from server.live.actors.registry import REGISTRY
from server.transport.capability.capability import Capability, Startup
from server.transport.rest.examples import PathParameter


async def _open(startup: Startup) -> None:
    public_url = startup.settings.public_url
    registrations = RegistrationService(startup.pool, startup[REGISTRY], public_url)
    startup[REGISTRATIONS] = registrations
    startup.run(registrations.run(startup.job("registrations")), "registrations")


ATTENDEES: Final = Capability(
    name="attendees",
    open=_open,
    routes=ROUTES,
    erase=(forget_attendees,),
    parameters={
        "attendee": PathParameter(
            "The registration's id.", "att_9Ks2Vx0cRtN4bQyLm7wGeA"
        ),
    },
    makes={"attendees": "attendee"},
    tags={
        "Attendees": """\
Registering without choosing a place, for an event that was made or changed with
`"registration": "open"`, which needs just a `capacity`, and is on sale. The mail to the
address has a code that cancels without a token.""",
    },
    examples=EXAMPLES,
)
