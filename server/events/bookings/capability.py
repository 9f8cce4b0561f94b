"""What buyers have booked."""

from typing import Final

from persistence.events.bookings import Bookings
from server.events.bookings.rest import BOOKINGS, ROUTES
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    startup[BOOKINGS] = Bookings(startup.pool)


BOOKED: Final = Capability(name="bookings", open=_open, routes=ROUTES)
