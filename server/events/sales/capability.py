"""An event on sale: its state, its seats, commands over REST, its journal."""

from typing import Final

from server.events.catalogue.service import EVENT_SERVICE
from server.events.sales import rest, rest_journal, rest_seats, rest_state
from server.events.sales.examples import EXAMPLES
from server.events.sales.service import SALES_SERVICE, SalesService
from server.people.organisations.membership import MEMBERSHIPS
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    startup[SALES_SERVICE] = SalesService(startup[EVENT_SERVICE], startup[MEMBERSHIPS])


SALES: Final = Capability(
    name="sales",
    open=_open,
    routes=(
        *rest_state.ROUTES,
        *rest_seats.ROUTES,
        *rest.ROUTES,
        *rest_journal.ROUTES,
    ),
    tags={
        "Seats": """\
What is free, and taking it. The map tells labels and their index, the availability has
one letter for each index: `f` free, `h` held, `b` booked, `x` blocked, `o` other.
Commands, in order: `hold` or `hold_best` answers with a `hold`, a secret token, which
`extend`, `release` and `book` name; `book` answers with a `booking`, which `cancel`
names. A hold costs what its answers told as `total`, though prices change meanwhile.
Buyers are guests or have an account; `block` and `unblock` are for who manages the
event. The same commands, with `event` and `id`, are frames of the websocket.""",
    },
    examples=EXAMPLES,
)
