"""What organisers' webhooks are told of events and tickets: read where it is told.

All of it is in the transaction of a follower, which raises what it finds here.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

from msgspec import Struct

TicketFact = Literal["ticket.issued", "ticket.revoked"]

_ORGANISATION: Final = "SELECT organisation_id FROM event WHERE event_id = $1"
_TICKETS: Final = """
SELECT ticket_id, order_id, booking_id, label, state = 'revoked' AS revoked
FROM ticket WHERE booking_id = ANY ($1)
ORDER BY array_position($1, booking_id), created_at, ticket_id
"""
_KNOWN: Final = (
    "SELECT sale_state FROM hook_event WHERE event_id = $1 FOR NO KEY UPDATE"
)
_KNOW: Final = """
INSERT INTO hook_event (event_id, sale_state) VALUES ($1, $2)
ON CONFLICT (event_id) DO UPDATE SET sale_state = excluded.sale_state
"""


class ToldTicket(Struct, frozen=True):
    """A ticket as webhooks are told of it."""

    ticket: str
    order: str | None
    booking: str
    label: str
    revoked: bool


async def organisation_of(connection: Any, event: str) -> str | None:
    """Return whose an event is; None where it is no organisation's, or not there."""
    found: str | None = await connection.fetchval(_ORGANISATION, event)
    return found


async def tickets_of(connection: Any, bookings: Sequence[str]) -> list[ToldTicket]:
    """Return the tickets of bookings, revoked or not, in the order of these."""
    return [
        ToldTicket(
            row["ticket_id"],
            row["order_id"],
            row["booking_id"],
            row["label"],
            row["revoked"],
        )
        for row in await connection.fetch(_TICKETS, list(bookings))
    ]


async def known_state(connection: Any, event: str) -> str:
    """Return the sale state that was told last; that of a new event is `draft`."""
    found: str | None = await connection.fetchval(_KNOWN, event)
    return "draft" if found is None else found


async def know_state(connection: Any, event: str, state: str) -> None:
    """Note the sale state that was told."""
    await connection.execute(_KNOW, event, state)
