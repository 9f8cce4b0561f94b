"""Who registers for events without choosing a place."""

from typing import Final

from persistence.events.attendees import forget_attendees
from persistence.events.persons import Persons, forget_persons
from server.events.attendees import rest, rest_persons
from server.events.attendees.examples import EXAMPLES
from server.events.attendees.service import LOOK_S, RegistrationService
from server.events.attendees.service_attendees import (
    ATTENDEE_SERVICE,
    AttendeeService,
)
from server.events.attendees.service_persons import PERSON_SERVICE, PersonService
from server.events.catalogue.service import EVENT_SERVICE
from server.live.actors.registry import REGISTRY
from server.people.organisations.membership import MEMBERSHIPS
from server.transport.capability.capability import Capability, Startup
from server.transport.jobs.scheduler import JOBS
from server.transport.rest.examples import PathParameter


async def _open(startup: Startup) -> None:
    registrations = RegistrationService(startup.pool, startup[REGISTRY])
    persons, memberships = Persons(startup.pool), startup[MEMBERSHIPS]
    startup[ATTENDEE_SERVICE] = attendees = AttendeeService(
        registrations, persons, startup[EVENT_SERVICE], memberships
    )
    startup[PERSON_SERVICE] = PersonService(persons, attendees, memberships)
    startup[JOBS].every("registrations", LOOK_S, registrations.look)


ATTENDEES: Final = Capability(
    name="attendees",
    open=_open,
    routes=(*rest.ROUTES, *rest_persons.ROUTES),
    erase=(forget_attendees, forget_persons),
    parameters={
        "attendee": PathParameter(
            "The id of a registration, or of somebody of the house.",
            "att_9Ks2Vx0cRtN4bQyLm7wGeA",
        ),
    },
    makes={"attendees": "attendee"},
    tags={
        "Attendees": """\
Registering without choosing a place, for an event that was made or changed with
`"registration": "open"`, which needs just a `capacity`, and is on sale. The mail to the
address has a code that cancels without a token. People of the house are noted once at
`/v1/attendees` and registered by their id (`per_…`); only their organisation sees them,
or the organiser who noted them. At `/v1/attendees/{attendee}` the id of a registration
(`att_…`) is good, too.""",
    },
    examples=EXAMPLES,
)
