"""What buyers have booked."""

from typing import Final

from persistence.events.bookings import Bookings
from server.events.bookings.examples import EXAMPLES
from server.events.bookings.rest import ROUTES
from server.events.bookings.service import BOOKING_SERVICE, BookingService
from server.events.catalogue.service import EVENT_SERVICE
from server.live.actors.registry import REGISTRY
from server.people.organisations.membership import MEMBERSHIPS
from server.transport.capability.capability import Capability, Startup
from server.transport.rest.examples import PathParameter
from server.transport.rest.story import BOOKING_ID


async def _open(startup: Startup) -> None:
    startup[BOOKING_SERVICE] = BookingService(
        Bookings(startup.pool),
        startup[REGISTRY],
        startup[EVENT_SERVICE],
        startup[MEMBERSHIPS],
    )


BOOKED: Final = Capability(
    name="bookings",
    open=_open,
    routes=ROUTES,
    parameters={
        "booking": PathParameter("The booking's id.", BOOKING_ID),
        "reference": PathParameter(
            "The booking's reference.", "K7QX2M", recorded=False
        ),
    },
    tags={
        "Bookings": """\
Made with the command `book` (see Seats): its answer has the id and the reference. Each
buyer sees and cancels their own, until `cancel_until_s` before the beginning; those who
run the event list all of its bookings.""",
    },
    examples=EXAMPLES,
)
