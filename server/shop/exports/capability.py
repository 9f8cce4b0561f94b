"""Tables of what an event sold."""

from typing import Final

from server.events.catalogue.service import EVENT_SERVICE
from server.people.organisations.membership import MEMBERSHIPS
from server.shop.exports.examples import EXAMPLES
from server.shop.exports.rest import ROUTES
from server.shop.exports.service import EXPORT_SERVICE, ExportService
from server.shop.promotions.service_numbers import NUMBERS_SERVICE
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    startup[EXPORT_SERVICE] = ExportService(
        startup.pool,
        startup[EVENT_SERVICE],
        startup[MEMBERSHIPS],
        startup[NUMBERS_SERVICE],
    )


EXPORTS: Final = Capability(
    name="exports",
    open=_open,
    routes=ROUTES,
    tags={
        "Exports": """\
Tables for spreadsheets: CSV in UTF-8 with a mark, times in UTC, amounts in the major
unit with their currency beside them. What looks like a formula begins with an
apostrophe. A table whose connection is closed before its end is not whole.""",
    },
    examples=EXAMPLES,
)
