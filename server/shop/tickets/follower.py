"""Makes and revokes tickets as the journal of an event says, and nobody else does.

The follower of the name `tickets`: it is called with a stretch of the journal, inside
the transaction that also says how far it was followed. So a booking without a ticket is
no state to be repaired, but a follower that is a moment behind.
"""

import secrets
from collections.abc import Sequence
from typing import Any, Final

from inventory.changes import BookingCancelled, BookingReduced, HoldBooked
from persistence.followers.follower import Followed
from persistence.shop.tickets.booked import (
    OpenLines,
    PlaceIndexes,
    Places,
    read_event,
    read_left,
    read_lines,
)
from persistence.shop.tickets.register import (
    NewTicket,
    issue,
    live_tickets,
    open_register,
    revoke,
)
from server.base.ids import RandomIds
from server.shop.tickets.keyring import Keyring
from server.shop.tickets.rules import Due, settle

ID_BYTES: Final = 16

KINDS: Final = (HoldBooked, BookingCancelled, BookingReduced)
"""What it follows."""


class TicketFollower:
    """Follows bookings. Raises what Postgres raises: then nothing of it happened."""

    name: Final = "tickets"

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._places = PlaceIndexes()
        self._ids = RandomIds()

    async def follow(
        self, connection: Any, event_id: str, changes: Sequence[Followed]
    ) -> None:
        """Make the tickets of all bookings that these changes touch right."""
        orders: dict[str, str | None] = {}
        for followed in changes:
            change = followed.change
            if isinstance(change, HoldBooked):
                orders[change.booking] = change.order if change.by_order else None
            elif isinstance(change, BookingCancelled | BookingReduced):
                orders.setdefault(change.booking, None)
        if not orders:
            return
        event = await read_event(connection, event_id)
        if event is None:
            return
        revision = await open_register(connection, event_id)
        left = await read_left(connection, list(orders))
        plan = settle(left, await live_tickets(connection, list(orders)))
        if plan.revoke:
            await revoke(connection, revision, plan.revoke)
        if not plan.issue:
            return
        places = await self._places.of(connection, event)
        signer = await self._keyring.current(connection, event.organisation)
        lines = await read_lines(connection, [one for one in orders.values() if one])
        tickets = [
            self._ticket(due, orders[due.booking], lines, places) for due in plan.issue
        ]
        await issue(connection, event_id, signer.key, revision, tickets)

    def _ticket(
        self, due: Due, order: str | None, lines: OpenLines, places: Places
    ) -> NewTicket:
        indexes = places.seats if due.kind == "seat" else places.areas
        line = lines.take(order, due.kind, due.label)
        return NewTicket(
            ticket=f"tkt_{secrets.token_urlsafe(ID_BYTES)}",
            order=order,
            line=None if line is None else line.line,
            booking=due.booking,
            number=self._ids.reference(),
            user=due.user,
            kind=due.kind,
            label=due.label,
            category=due.category,
            place=indexes.get(due.label),
            # Who gives back before there are tickets locked none: so these come locked.
            state="locked" if line is not None and line.leaving else "valid",
        )
