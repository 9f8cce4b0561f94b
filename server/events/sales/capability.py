"""An event on sale: its state, its seats, commands over REST, its journal."""

from typing import Final

from server.events.sales import rest, rest_journal, rest_seats, rest_state
from server.transport.capability.capability import Capability

SALES: Final = Capability(
    name="sales",
    routes=(
        *rest_state.ROUTES,
        *rest_seats.ROUTES,
        *rest.ROUTES,
        *rest_journal.ROUTES,
    ),
)
