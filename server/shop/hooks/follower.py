"""Tells the webhooks of organisers what happens to their events and tickets.

The follower of the name `hooks`. It comes after that of tickets, which it tells of;
what orders come to is told where they are written. With no hook in an organisation it
notes how far the sale is, and reads nothing else.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from inventory.changes import (
    BookingCancelled,
    BookingReduced,
    EventConfigured,
    HoldBooked,
    SaleChanged,
)
from persistence.followers.follower import Followed
from persistence.people.hooks.raising import Raised, listens, raise_hooks
from persistence.shop.hooks import (
    know_state,
    known_state,
    organisation_of,
    tickets_of,
)
from server.shop.hooks.rules import data_of, told_of

KINDS: Final = (
    HoldBooked,
    BookingCancelled,
    BookingReduced,
    SaleChanged,
    EventConfigured,
)
"""What it follows."""


class HookFollower:
    """Follows sales. Raises what Postgres raises: then nothing of it happened."""

    name: Final = "hooks"

    async def follow(
        self, connection: Any, event_id: str, changes: Sequence[Followed]
    ) -> None:
        """Raise what these changes are to an organiser."""
        kept = [one for one in changes if isinstance(one.change, KINDS)]
        if not kept:
            return
        organisation = await organisation_of(connection, event_id)
        heard = await listens(connection, organisation)
        told = await _of_sale(connection, event_id, kept)
        if heard:
            told += await _of_tickets(connection, event_id, kept)
            await raise_hooks(connection, organisation, told)


async def _of_sale(
    connection: Any, event: str, changes: Sequence[Followed]
) -> list[Raised]:
    """Return what happened to the event itself; note how far it was told."""
    if not any(
        isinstance(one.change, SaleChanged | EventConfigured) for one in changes
    ):
        return []
    before = state = await known_state(connection, event)
    told: list[Raised] = []
    for one in changes:
        at = datetime.fromtimestamp(one.at_ms / 1_000, UTC)
        subject = f"{event}:{one.version}"
        if isinstance(one.change, SaleChanged):
            data = {"event": event, "sale": one.change.to}
            told += [
                Raised(type_, data, subject, at)
                for type_ in told_of(state, one.change.to)
            ]
            state = one.change.to
        elif isinstance(one.change, EventConfigured) and state != "draft":
            # A draft is nobody's business yet but of those who write it.
            told.append(Raised("event.changed", {"event": event}, subject, at))
    if state != before:
        await know_state(connection, event, state)
    return told


async def _of_tickets(
    connection: Any, event: str, changes: Sequence[Followed]
) -> list[Raised]:
    """Return which tickets there are since, and which are good no more.

    A ticket that came and went in between is told of twice, in this order.
    """
    times: dict[str, int] = {}
    for one in changes:
        if isinstance(one.change, HoldBooked | BookingCancelled | BookingReduced):
            times[one.change.booking] = one.at_ms
    booked = {
        one.change.booking for one in changes if isinstance(one.change, HoldBooked)
    }
    if not times:
        return []
    told: list[Raised] = []
    for ticket in await tickets_of(connection, list(times)):
        at = datetime.fromtimestamp(times[ticket.booking] / 1_000, UTC)
        data = data_of(event, ticket)
        if ticket.booking in booked:
            told.append(Raised("ticket.issued", data, ticket.ticket, at))
        if ticket.revoked:
            told.append(Raised("ticket.revoked", data, ticket.ticket, at))
    return told
