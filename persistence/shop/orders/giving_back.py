"""Keeps what is given back from the gate: locked in the transaction that begins it."""

from typing import Any, Final

from persistence.shop.tickets.register import change_state, live_tickets, open_register

# Asked once the tickets are locked, which whoever scans one waits for, too.
_IN: Final = """
SELECT count(*) FROM checkin_state WHERE ticket_id = ANY ($1) AND state = 'in'
"""


class AlreadyIn(Exception):
    """Somebody is in with one of the tickets: it is not given back."""


async def lock_tickets(connection: Any, event: str, booking: str) -> None:
    """Lock the tickets of a booking in the caller's transaction. Raises `AlreadyIn`.

    From then on none of them lets anybody in; the journal's cancellation revokes them.
    """
    revision = await open_register(connection, event)
    tickets = [one.ticket for one in await live_tickets(connection, [booking])]
    for was in ("valid", "offered"):
        await change_state(connection, revision, tickets, was, "locked")
    if await connection.fetchval(_IN, tickets):
        raise AlreadyIn
