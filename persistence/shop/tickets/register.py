"""What changes the tickets of an event, in a transaction of the caller's.

Concurrency: whoever changes any takes the event's row of the register first, by `open`,
and keeps it until the transaction ends. So revisions are committed in order: who has
read the list up to one has missed nothing.
"""

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import astuple

State = Literal["valid", "offered", "locked", "revoked"]
Kind = Literal["seat", "place"]

_OPEN = """
INSERT INTO ticket_register AS r (event_id, revision) VALUES ($1, 1)
ON CONFLICT (event_id) DO UPDATE SET revision = r.revision + 1
RETURNING revision
"""
_LIVE = """
SELECT ticket_id, booking_id, kind, label, state,
    (row_number() OVER (ORDER BY created_at, ticket_id))::int AS made
FROM ticket WHERE booking_id = ANY ($1) AND state <> 'revoked'
"""
_ISSUE = """
INSERT INTO ticket (ticket_id, order_id, line, booking_id, event_id, number, holder,
    kind, label, category, area, place, key_id, changed, state)
SELECT t.id, t.shop_order, t.line, t.booking, $1, t.number,
    jsonb_build_object('user', t.buyer), t.kind, t.label, t.category,
    CASE t.kind WHEN 'place' THEN t.label END, t.place, $2, $3, t.state
FROM unnest($4::text[], $5::text[], $6::int[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::int[], $14::text[])
    AS t(id, shop_order, line, booking, number, buyer, kind, label, category, place,
        state)
"""
_REVOKE = """
WITH gone AS (
    UPDATE ticket SET state = 'revoked', revoked_at = now(), changed = $2
    WHERE ticket_id = ANY ($1) AND state <> 'revoked'
    RETURNING event_id, number, generation
), listed AS (
    INSERT INTO ticket_revoked (event_id, number, generation, revision)
    SELECT event_id, number, generation, $2 FROM gone
), noted AS (
    UPDATE ticket_register SET revoked = $2
    WHERE event_id IN (SELECT event_id FROM gone)
)
SELECT count(*) FROM gone
"""
_REISSUE = """
WITH before AS (
    SELECT ticket_id, event_id, number, generation FROM ticket
    WHERE ticket_id = $1 AND state = 'valid' AND generation = $4
), listed AS (
    INSERT INTO ticket_revoked (event_id, number, generation, revision)
    SELECT event_id, number, generation, $2 FROM before
), noted AS (
    UPDATE ticket_register SET revoked = $2
    WHERE event_id IN (SELECT event_id FROM before)
)
UPDATE ticket t SET generation = t.generation + 1, issued_at = now(), key_id = $3,
    changed = $2
FROM before WHERE t.ticket_id = before.ticket_id
RETURNING t.ticket_id
"""
_STATE = """
UPDATE ticket SET state = $2, changed = $3 WHERE ticket_id = ANY ($1) AND state = $4
RETURNING ticket_id
"""


class LiveTicket(Struct, frozen=True):
    """A ticket that is not revoked. `made` sorts them by age."""

    ticket: str
    booking: str
    kind: Kind
    label: str
    state: State
    made: int


class NewTicket(Struct, frozen=True):
    """A ticket to be issued."""

    ticket: str
    order: str | None
    line: int | None
    booking: str
    number: str
    user: str
    kind: Kind
    label: str
    category: str | None
    place: int | None
    state: State = "valid"


async def open_register(connection: Any, event: str) -> int:
    """Take the register of an event, and return the revision of what changes now."""
    revision: int = await connection.fetchval(_OPEN, event)
    return revision


async def live_tickets(connection: Any, bookings: Sequence[str]) -> list[LiveTicket]:
    """Return the tickets of bookings that are not revoked."""
    return [
        LiveTicket(
            row["ticket_id"],
            row["booking_id"],
            row["kind"],
            row["label"],
            row["state"],
            row["made"],
        )
        for row in await connection.fetch(_LIVE, list(bookings))
    ]


async def issue(
    connection: Any, event: str, key: str, revision: int, tickets: Sequence[NewTicket]
) -> None:
    """Issue tickets of an event, signed by a key.

    Raises `UniqueViolation` where a seat has a ticket that counts, or where a number is
    taken: once in so many years, and the next try draws others.
    """
    columns = list(zip(*map(astuple, tickets), strict=True))
    if columns:
        await connection.execute(_ISSUE, event, key, revision, *map(list, columns))


async def revoke(connection: Any, revision: int, tickets: Sequence[str]) -> int:
    """Revoke tickets of one event, and return how many were not revoked before."""
    gone: int = await connection.fetchval(_REVOKE, list(tickets), revision)
    return gone


async def reissue(
    connection: Any, revision: int, ticket: str, key: str, generation: int
) -> bool:
    """Issue a valid ticket of this generation again; its code of before is revoked.

    Return whether it was: not where it is no valid one, or of another generation.
    """
    again = await connection.fetchval(_REISSUE, ticket, revision, key, generation)
    return again is not None


async def change_state(
    connection: Any, revision: int, tickets: Sequence[str], was: State, to: State
) -> list[str]:
    """Move tickets from one state that counts to another; return those that were it."""
    rows = await connection.fetch(_STATE, list(tickets), to, revision, was)
    return [row["ticket_id"] for row in rows]
