"""Tells webhooks of tickets that are good no more though their seats stay booked.

The journal has nothing of it, so no follower comes to it: whoever revokes them tells
it, in the same transaction.
"""

from collections.abc import Collection
from typing import Any

from persistence.people.hooks.raising import Raised, listens, raise_hooks
from persistence.shop.hooks import tickets_of
from server.shop.hooks.rules import data_of


# asyncpg ships no types, hence Any for its connection.
async def tell_revoked(
    connection: Any,
    organisation: str | None,
    event: str,
    booking: str,
    tickets: Collection[str],
) -> None:
    """Tell the hooks of an organisation that these tickets of a booking are revoked.

    That there were any is told before, where the follower has not come so far: a hook
    hears of each once, and in this order.
    """
    if not tickets or not await listens(connection, organisation):
        return
    told: list[Raised] = []
    for one in await tickets_of(connection, [booking]):
        if one.ticket in tickets:
            data = data_of(event, one)
            told.append(Raised("ticket.issued", data, one.ticket))
            told.append(Raised("ticket.revoked", data, one.ticket))
    await raise_hooks(connection, organisation, told)
