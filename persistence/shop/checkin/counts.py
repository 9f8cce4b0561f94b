"""How many are in, by list and by gate; and the tickets that a gate takes along."""

from msgspec import Struct

from persistence.postgres.pool import Pool
from persistence.shop.checkin.facts import Standing

_LISTS = """
SELECT l.event_id, l.list_id,
    (SELECT count(*) FROM checkin_state s WHERE s.event_id = l.event_id
        AND s.list_id = l.list_id AND s.state = 'in') AS come,
    (SELECT count(*) FROM checkin_state s WHERE s.event_id = l.event_id
        AND s.list_id = l.list_id AND s.state = 'out') AS gone,
    (SELECT count(*) FROM checkin c WHERE c.event_id = l.event_id
        AND c.list_id = l.list_id AND c.outcome = 'double_entry') AS double,
    (SELECT count(*) FROM checkin c WHERE c.event_id = l.event_id
        AND c.list_id = l.list_id AND c.outcome = 'entered_revoked') AS revoked,
    (SELECT count(*) FROM checkin c WHERE c.event_id = l.event_id
        AND c.list_id = l.list_id AND c.outcome = 'entry'
        AND c.at > now() - interval '1 minute' AND c.at <= now()) AS per_min
FROM checkin_list l WHERE l.event_id = ANY ($1::text[])
ORDER BY l.list_id <> 'main', l.created_at, l.list_id
"""
_GATES = """
SELECT list_id, gate,
    count(*) FILTER (WHERE outcome = 'entry') AS entries,
    count(*) FILTER (WHERE outcome = 'exit') AS exits,
    count(*) FILTER (WHERE outcome = 'double_entry') AS double,
    count(*) FILTER (WHERE outcome = 'entered_revoked') AS revoked,
    count(*) FILTER (WHERE outcome = 'entry'
        AND at > now() - interval '1 minute' AND at <= now()) AS per_min
FROM checkin WHERE event_id = $1 AND outcome IS NOT NULL
GROUP BY list_id, gate ORDER BY list_id, gate
"""
_TICKETS = """
SELECT t.number, t.generation, t.state, t.label, coalesce(s.state, 'never') AS standing,
    (l.categories IS NULL OR t.category = ANY (l.categories)) IS TRUE AS listed
FROM ticket t
JOIN checkin_list l ON l.event_id = t.event_id AND l.list_id = $2
LEFT JOIN checkin_state s ON s.ticket_id = t.ticket_id AND s.list_id = l.list_id
WHERE t.event_id = $1 AND t.number > $3
ORDER BY t.number LIMIT $4
"""


class ListCounts(Struct, frozen=True):
    """What a list counts now."""

    event_id: str
    list_id: str
    come: int
    """Who is in."""
    gone: int
    """Who went out and has not come back."""
    double: int
    revoked: int
    per_min: int
    """Entries of the last 60 seconds."""


class GateCounts(Struct, frozen=True):
    """What one gate did for a list so far."""

    list_id: str
    gate: str
    entries: int
    exits: int
    double: int
    revoked: int
    per_min: int


class BundledTicket(Struct, frozen=True):
    """A ticket as a gate takes it along."""

    number: str
    generation: int
    state: str
    label: str
    standing: Standing
    listed: bool
    """Whether the list takes it."""


class Counts:
    """Counts and lists, for who stands at gates. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_lists(self, events: list[str]) -> list[ListCounts]:
        """Return what all lists of some events count."""
        rows = await self._pool.fetch(_LISTS, events)
        return [ListCounts(**row) for row in rows]

    async def of_gates(self, event: str) -> list[GateCounts]:
        """Return what the gates of an event did, by list."""
        return [GateCounts(**row) for row in await self._pool.fetch(_GATES, event)]

    async def tickets(
        self, event: str, name: str, after: str, limit: int
    ) -> list[BundledTicket]:
        """Return tickets of an event in the order of their numbers, as a list has them.

        `after` is the number of the last one before.
        """
        rows = await self._pool.fetch(_TICKETS, event, name, after, limit)
        return [BundledTicket(**row) for row in rows]
