"""Tickets as they are read: one, those of somebody, of an order, of an event."""

from datetime import datetime
from typing import Final

from msgspec import Struct

from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool, Row
from persistence.shop.tickets.register import Kind, State

REVOKED_MAX: Final = 5_000
"""How many revocations one answer has, but for those of the last revision in it."""

_FIELDS: Final = """
t.ticket_id, t.order_id, t.line, t.booking_id, t.event_id, t.number, t.generation,
t.state, t.holder ->> 'user' AS holder, t.kind, t.label, t.category, t.area, t.place,
t.key_id, t.issued_at, t.created_at, t.revoked_at, b.user_id, b.reference,
e.name AS event_name, e.starts_at, e.status, e.venue_name, e.organisation_id,
e.created_by, coalesce(e.settings ->> 'timezone', 'UTC') AS timezone,
coalesce(nullif(a.name, ''), nullif(d.name, '')) AS holder_name,
(SELECT min(c.at) FROM checkin_state c
    WHERE c.ticket_id = t.ticket_id AND c.state = 'in') AS entered_at
"""
_TICKET: Final = f"""
SELECT {_FIELDS} FROM ticket t JOIN event e USING (event_id) JOIN booking b USING
    (booking_id) LEFT JOIN account a ON a.user_id = t.holder ->> 'user'
    LEFT JOIN attendee d ON d.attendee_id = t.holder ->> 'user'
"""
_FIND = f"{_TICKET} WHERE t.ticket_id = $1"
_OF_ORDERS = f"""
{_TICKET} WHERE t.order_id = ANY ($1) ORDER BY t.line, t.created_at, t.ticket_id
"""
_OF_BOOKING = f"{_TICKET} WHERE t.booking_id = $1 ORDER BY t.created_at, t.ticket_id"
_IS_BOOKED = "SELECT FROM booking WHERE booking_id = $1 AND cancelled_at IS NULL"
_WANTED: Final = """
    AND ($2::text IS NULL OR t.state = $2)
    AND ($4::timestamptz IS NULL OR (t.created_at, t.ticket_id) < ($4, $5))
"""
_LATEST: Final = "ORDER BY t.created_at DESC, t.ticket_id DESC LIMIT $3"
_OF_HOLDER = f"""{_TICKET} WHERE t.holder ->> 'user' = $1 {_WANTED}
    AND ($6::text IS NULL OR t.event_id = $6)
{_LATEST}
"""
# The text is a ticket's number, or what it is for: each has an index.
_OF_EVENT = f"""{_TICKET} WHERE t.event_id = $1 {_WANTED}
    AND ($6::text IS NULL OR t.ticket_id IN (
        SELECT ticket_id FROM ticket WHERE event_id = $1 AND number = upper($6)
        UNION SELECT ticket_id FROM ticket WHERE event_id = $1 AND label = $6
        UNION SELECT ticket_id FROM ticket WHERE event_id = $1 AND booking_id = $6
        UNION SELECT ticket_id FROM ticket WHERE event_id = $1 AND order_id = $6))
{_LATEST}
"""
_REVOKED = """
SELECT r.number, r.generation, r.revision, r.at FROM ticket_revoked r
WHERE r.event_id = $1 AND r.revision > $2
ORDER BY r.revision FETCH FIRST $3 ROWS WITH TIES
"""
_REVISION = "SELECT revoked FROM ticket_register WHERE event_id = $1"


class Ticket(Struct, frozen=True):
    """A ticket, with what its event is called by now."""

    ticket: str
    order: str | None
    line: int | None
    booking: str
    reference: str
    event: str
    number: str
    generation: int
    state: State
    holder: str
    holder_name: str | None
    """As their account or registration has it; None for guests."""
    buyer: str
    """Who booked it."""
    kind: Kind
    label: str
    category: str | None
    area: str | None
    place: int | None
    key: str
    issued_at: datetime
    created_at: datetime
    revoked_at: datetime | None
    entered_at: datetime | None
    """Since when it is in, by any list; None where it is not."""
    event_name: str
    starts_at: datetime
    timezone: str
    sale_state: str
    venue_name: str | None
    organisation: str | None
    maker: str

    def __repr__(self) -> str:
        """Leave out what no log should hold."""
        return f"Ticket({self.ticket!r})"


class Revoked(Struct, frozen=True):
    """One code that is good no longer."""

    number: str
    generation: int
    at: datetime


class Revocations(Struct, frozen=True):
    """What was revoked of an event after some revision, oldest first."""

    revision: int
    """Up to which it is whole."""
    items: list[Revoked]
    complete: bool
    """Whether there is no more after that."""


class Tickets:
    """Reads tickets. Raises `Unavailable`; `state` and `text` are None for any."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, ticket: str) -> Ticket | None:
        """Return a ticket by its id."""
        row = await self._pool.fetch_one(_FIND, ticket)
        return None if row is None else _ticket_of(row)

    async def of_orders(self, orders: list[str]) -> list[Ticket]:
        """Return all tickets of orders, revoked ones too, in the order of lines."""
        return [_ticket_of(row) for row in await self._pool.fetch(_OF_ORDERS, orders)]

    async def of_booking(self, booking: str) -> list[Ticket]:
        """Return all tickets of a booking, revoked ones too."""
        rows = await self._pool.fetch(_OF_BOOKING, booking)
        return [_ticket_of(row) for row in rows]

    async def is_booked(self, booking: str) -> bool:
        """Return whether a booking stands, and so has tickets, or is to have them."""
        return await self._pool.fetch_one(_IS_BOOKED, booking) is not None

    async def list_of_holder(
        self,
        user: str,
        *,
        state: str | None,
        event: str | None,
        limit: int,
        cursor: str | None,
    ) -> tuple[list[Ticket], str | None]:
        """Return a page of somebody's tickets, newest first, and the next cursor."""
        place = decode_cursor(cursor)
        return await self._page(_OF_HOLDER, limit, user, state, place, event)

    async def count_of_holder(
        self, user: str, *, state: str | None, event: str | None
    ) -> int:
        """Return how many `list_of_holder` has on all its pages."""
        return await self._pool.count(_OF_HOLDER, user, state, None, None, None, event)

    async def list_of_event(
        self,
        event: str,
        *,
        state: str | None,
        text: str | None,
        limit: int,
        cursor: str | None,
    ) -> tuple[list[Ticket], str | None]:
        """Return a page of an event's tickets, newest first, and the next cursor.

        `text` is a number, a label, a booking's id or an order's.
        """
        place = decode_cursor(cursor)
        return await self._page(_OF_EVENT, limit, event, state, place, text)

    async def count_of_event(
        self, event: str, *, state: str | None, text: str | None
    ) -> int:
        """Return how many `list_of_event` has on all its pages."""
        return await self._pool.count(_OF_EVENT, event, state, None, None, None, text)

    async def revoked(self, event: str, since: int = 0) -> Revocations:
        """Return what was revoked of an event after a revision, some thousand at most.

        Read the revision first: what is revoked meanwhile is of a later one.
        """
        last = await self._pool.fetch_one(_REVISION, event)
        rows = await self._pool.fetch(_REVOKED, event, since, REVOKED_MAX)
        items = [Revoked(row["number"], row["generation"], row["at"]) for row in rows]
        upto = rows[-1]["revision"] if rows else since
        known = 0 if last is None else last["revoked"]
        return Revocations(max(upto, since), items, complete=upto >= known)

    async def _page(
        self,
        sql: str,
        limit: int,
        of: str,
        state: str | None,
        place: tuple[datetime, str] | tuple[None, None],
        more: str | None,
    ) -> tuple[list[Ticket], str | None]:
        rows = await self._pool.fetch(sql, of, state, fetched(limit), *place, more)
        found = [_ticket_of(row) for row in rows]
        return page(found, limit, lambda one: (one.created_at, one.ticket))


def _ticket_of(row: Row) -> Ticket:
    return Ticket(
        ticket=row["ticket_id"],
        order=row["order_id"],
        line=row["line"],
        booking=row["booking_id"],
        reference=row["reference"],
        event=row["event_id"],
        number=row["number"],
        generation=row["generation"],
        state=row["state"],
        holder=row["holder"],
        holder_name=row["holder_name"],
        buyer=row["user_id"],
        kind=row["kind"],
        label=row["label"],
        category=row["category"],
        area=row["area"],
        place=row["place"],
        key=row["key_id"],
        issued_at=row["issued_at"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
        entered_at=row["entered_at"],
        event_name=row["event_name"],
        starts_at=row["starts_at"],
        timezone=row["timezone"],
        sale_state=row["status"],
        venue_name=row["venue_name"],
        organisation=row["organisation_id"],
        maker=row["created_by"],
    )
