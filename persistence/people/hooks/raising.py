"""What the webhooks of an organisation are told of, in the transaction that causes it.

What is raised becomes a row for each hook that wants to hear of it; with none that is
one look. A hook is told of a subject once: to raise it again changes nothing, for as
long as the delivery is kept.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import Struct

HookType = Literal[
    "order.confirmed",
    "order.cancelled",
    "order.refunded",
    "ticket.issued",
    "ticket.revoked",
    "ticket.transferred",
    "ticket.checked_in",
    "event.published",
    "event.changed",
    "event.cancelled",
    "event.completed",
    "sale.opened",
    "sale.paused",
    "sale.resumed",
    "sale.closed",
    "support.raised",
]
"""All that a hook can be told of, beside the `hook.test` that somebody asks for."""

HOOK_TYPES: Final[tuple[HookType, ...]] = get_args(HookType)

_RAISE: Final = "SELECT raise_hooks($1, $2, $3, $4, $5)"
_RAISE_ONE: Final = "SELECT raise_hook($1, $2, $3, $4, $5)"
_LISTENS: Final = """
SELECT EXISTS (SELECT FROM hook WHERE organisation_id = $1 AND off IS NULL)
"""


_encode: Final = msgspec.json.Encoder().encode


class Raised(Struct, frozen=True):
    """Something to be told: `data` is ids and states, and nobody's name or address."""

    type: HookType
    data: dict[str, Any]
    subject: str
    """Names what happened among all of its type, such as the id of an order."""
    at: datetime | None = None
    """When it happened; None is now."""


# asyncpg ships no types, hence Any for its connection.
async def raise_hook(
    connection: Any,
    organisation_id: str | None,
    type: HookType,
    data: dict[str, Any],
    subject: str,
) -> None:
    """Tell the hooks of an organisation of something; without one there are none."""
    await raise_hooks(connection, organisation_id, [Raised(type, data, subject)])


async def raise_hooks(
    connection: Any, organisation_id: str | None, raised: Sequence[Raised]
) -> int:
    """Tell the hooks of an organisation of things in this order, with one statement.

    Returns how many deliveries that made.
    """
    if organisation_id is None or not raised:
        return 0
    made: int
    if len(raised) == 1:
        (only,) = raised
        data = _encode(only.data).decode()
        values = only.type, only.subject, data, only.at
        made = await connection.fetchval(_RAISE_ONE, organisation_id, *values)
        return made
    made = await connection.fetchval(
        _RAISE,
        organisation_id,
        [one.type for one in raised],
        [one.subject for one in raised],
        [_encode(one.data).decode() for one in raised],
        [one.at for one in raised],
    )
    return made


async def listens(connection: Any, organisation_id: str | None) -> bool:
    """Return whether an organisation has any hook that is told anything."""
    if organisation_id is None:
        return False
    found: bool = await connection.fetchval(_LISTENS, organisation_id)
    return found
