"""Keeps what is given back from the gate: locked in the transaction that begins it."""

from collections.abc import Sequence
from typing import Any, Final

from persistence.shop.tickets.register import (
    change_state,
    live_tickets,
    open_register,
    revoke,
)

# Asked once the tickets are locked, which whoever scans one waits for, too.
_IN: Final = """
SELECT count(*) FROM checkin_state WHERE ticket_id = ANY ($1) AND state = 'in'
"""
_OF_LINES: Final = """
SELECT ticket_id FROM ticket
WHERE order_id = $1 AND line = ANY ($2) AND state <> 'revoked'
"""


# Asked while who passes tickets on has to wait.
_PASSED_ON: Final = """
SELECT count(*) FROM ticket t WHERE t.order_id = $1 AND t.state = 'locked'
    AND t.holder ->> 'user' <> $2 AND EXISTS (
        SELECT FROM ticket_transfer x
        WHERE x.ticket_id = t.ticket_id AND x.state = 'accepted')
"""


class AlreadyIn(Exception):
    """Somebody is in with one of the tickets: it is not given back."""


async def lock_tickets(connection: Any, event: str, booking: str) -> None:
    """Lock the tickets of a booking in the caller's transaction. Raises `AlreadyIn`.

    From then on none of them lets anybody in; the journal's cancellation revokes them.
    """
    revision = await open_register(connection, event)
    tickets = [one.ticket for one in await live_tickets(connection, [booking])]
    await _lock(connection, revision, tickets)


async def lock_tickets_of(
    connection: Any, event: str, order: str, lines: Sequence[int]
) -> None:
    """Lock the tickets of some lines of an order, as `lock_tickets` does."""
    revision = await open_register(connection, event)
    await _lock(connection, revision, await _tickets_of(connection, order, lines))


async def are_passed_on(connection: Any, order: str, buyer: str) -> bool:
    """Return whether somebody else has one of the tickets that were locked just now."""
    return bool(await connection.fetchval(_PASSED_ON, order, buyer))


async def revoke_tickets_of(
    connection: Any,
    event: str,
    order: str,
    lines: Sequence[int],
    *,
    even_in: bool = False,
) -> list[str]:
    """Revoke the tickets of lines whose seats stay booked: no journal tells of these.

    Return which. Raises `AlreadyIn`, but `even_in`: then who is in is in, and the
    ticket is no more.
    """
    revision = await open_register(connection, event)
    tickets = await _tickets_of(connection, order, lines)
    await revoke(connection, revision, tickets)
    if not even_in and await connection.fetchval(_IN, tickets):
        raise AlreadyIn
    return tickets


async def _tickets_of(connection: Any, order: str, lines: Sequence[int]) -> list[str]:
    rows = await connection.fetch(_OF_LINES, order, list(lines))
    return [row["ticket_id"] for row in rows]


async def _lock(connection: Any, revision: int, tickets: list[str]) -> None:
    for was in ("valid", "offered"):
        await change_state(connection, revision, tickets, was, "locked")
    if await connection.fetchval(_IN, tickets):
        raise AlreadyIn
