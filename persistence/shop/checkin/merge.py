"""What was scanned without us, and what was undone: facts, and what they come to anew.

A fact is kept as it was seen, whatever else is known. What the greens of a ticket come
to is told anew from all of them, with the ticket locked: so the order in which gates
upload makes no difference.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from persistence.postgres.pool import Pool
from persistence.shop.checkin.facts import (
    Direction,
    Folded,
    Green,
    Outcome,
    Result,
    Standing,
)

Fold = Callable[[Iterable[Green]], Folded]

_INSERT = """
INSERT INTO checkin (event_id, nonce, list_id, request_hash, direction, gate, who, at,
    sort_at, saw, device_at, clock_offset_ms, number, generation)
SELECT f.event, f.nonce, f.list, f.hash, f.direction, f.gate, f.who, f.at, f.at, f.saw,
    f.device_at, f.shift, f.number, f.generation
FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[], $6::text[],
    $7::text[], $8::timestamptz[], $9::text[], $10::timestamptz[], $11::bigint[],
    $12::text[], $13::integer[])
    AS f(event, nonce, list, hash, direction, gate, who, at, saw, device_at, shift,
        number, generation)
ORDER BY f.event, f.nonce
ON CONFLICT (event_id, nonce) DO NOTHING
"""
_LOCK = """
SELECT t.ticket_id, t.event_id, t.number, t.generation, t.state, t.label FROM ticket t
WHERE (t.event_id, t.number) IN
    (SELECT * FROM unnest($1::text[], $2::text[]))
ORDER BY t.ticket_id FOR NO KEY UPDATE
"""
_KNOWN = """
SELECT c.event_id, c.nonce, c.request_hash, c.saw, c.result, c.ticket_id
FROM checkin c
WHERE (c.event_id, c.nonce) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
_FIND_TICKETS = """
UPDATE checkin c SET ticket_id = f.ticket, revoked = f.revoked
FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[])
    AS f(event, nonce, ticket, revoked)
WHERE c.event_id = f.event AND c.nonce = f.nonce AND c.ticket_id IS NULL
"""
# What we answered stays; but what the staff saw is what happened.
_SAW = """
UPDATE checkin c SET saw = f.saw, at = f.at, sort_at = f.at, device_at = f.device_at,
    clock_offset_ms = f.shift, outcome = NULL, other_nonce = NULL
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::timestamptz[],
    $6::bigint[]) AS f(event, nonce, at, saw, device_at, shift)
WHERE c.event_id = f.event AND c.nonce = f.nonce AND c.saw IS NULL
"""
_GREENS = """
SELECT ticket_id, list_id, event_id, nonce, direction, sort_at, at, gate, who, revoked
FROM checkin
WHERE ticket_id = ANY ($1::text[]) AND undone_at IS NULL
    AND coalesce(saw, result) = 'ok'
"""
_OUTCOMES = """
UPDATE checkin c SET outcome = f.outcome, other_nonce = f.other
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
    AS f(event, nonce, outcome, other)
WHERE c.event_id = f.event AND c.nonce = f.nonce
    AND (c.outcome, c.other_nonce) IS DISTINCT FROM (f.outcome, f.other)
"""
_STANDINGS = """
INSERT INTO checkin_state AS s
    (ticket_id, list_id, event_id, state, nonce, at, gate, who, sort_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
    $6::timestamptz[], $7::text[], $8::text[], $9::timestamptz[])
ON CONFLICT (ticket_id, list_id) DO UPDATE SET
    state = excluded.state, nonce = excluded.nonce, at = excluded.at,
    gate = excluded.gate, who = excluded.who,
    sort_at = greatest(excluded.sort_at, s.sort_at)
"""
_NOBODY_IN = """
UPDATE checkin_state SET state = 'never'
WHERE ticket_id = $1 AND list_id = $2 AND state <> 'never'
"""
_TOLD = """
SELECT c.event_id, c.nonce, c.outcome, c.ticket_id, c.gate, t.label,
    c.undone_at IS NOT NULL AS undone,
    coalesce(o.gate, d.gate) AS other_gate, coalesce(o.at, d.at) AS other_at
FROM checkin c LEFT JOIN ticket t USING (ticket_id)
LEFT JOIN checkin o ON o.event_id = c.event_id AND o.nonce = c.other_nonce
LEFT JOIN LATERAL (
    SELECT one.gate, one.at FROM checkin one
    WHERE one.ticket_id = c.ticket_id AND one.list_id = c.list_id
        AND one.other_nonce = c.nonce AND one.outcome = 'double_entry'
    ORDER BY one.sort_at, one.nonce LIMIT 1
) d ON c.outcome = 'entry'
WHERE (c.event_id, c.nonce) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
_FIND = """
SELECT ticket_id, coalesce(saw, result) AS result FROM checkin
WHERE event_id = $1 AND nonce = $2
"""
_UNDONE = """
SELECT c.ticket_id, c.list_id, c.undone_at, c.undone_by, c.undo_reason,
    coalesce(s.state, 'never') AS standing
FROM checkin c LEFT JOIN checkin_state s USING (ticket_id, list_id)
WHERE c.event_id = $1 AND c.nonce = $2
"""
_LOCK_ONE = "SELECT ticket_id FROM ticket WHERE ticket_id = $1 FOR NO KEY UPDATE"
_UNDO = """
UPDATE checkin SET undone_at = now(), undone_by = $3, undo_reason = $4, outcome = NULL,
    other_nonce = NULL
WHERE event_id = $1 AND nonce = $2 AND undone_at IS NULL
"""

Scan = tuple[str, str]
"""An event and a nonce."""


class Uploaded(Struct, frozen=True, kw_only=True):
    """A scan that a device decided by itself."""

    event_id: str
    nonce: str
    list_id: str
    request_hash: bytes
    direction: Direction
    gate: str
    who: str
    at: datetime
    """By the device's clock and its offset: when it was by ours, as far as known."""
    device_at: datetime
    clock_offset_ms: int
    saw: Result
    """What the staff saw."""
    number: str | None
    generation: int | None
    """What the code says; None where its signature is not good."""

    @property
    def scan(self) -> Scan:
        """What it is called."""
        return self.event_id, self.nonce


class Told(Struct, frozen=True):
    """What an uploaded scan came to."""

    event_id: str
    nonce: str
    outcome: Outcome | None
    """None where nobody was let through, or its ticket is not known."""
    ticket_id: str | None
    gate: str
    label: str | None
    undone: bool
    other_gate: str | None
    """Where the entry was that a double one is beside; of an entry, where the first
    double one was that is beside it."""
    other_at: datetime | None


class Undone(Struct, frozen=True):
    """A scan that was undone, and where its holder is without it."""

    ticket_id: str
    list_id: str
    undone_at: datetime
    undone_by: str
    undo_reason: str
    standing: Standing


class NothingToUndo(Exception):
    """A scan let nobody through."""


class _Ticket(Struct, frozen=True):
    ticket_id: str
    event_id: str
    number: str
    generation: int
    state: str
    label: str

    def is_revoked(self, generation: int | None) -> bool:
        """Return whether a code of this generation is good no longer."""
        return self.state == "revoked" or generation != self.generation


class Merge:
    """Keeps what comes afterwards, and tells what all of it comes to by `fold`.

    Raises `Unavailable`.
    """

    def __init__(self, pool: Pool, fold: Fold) -> None:
        self._pool = pool
        self._fold = fold

    async def upload(self, facts: Sequence[Uploaded]) -> list[Told | None]:
        """Keep scans, and say what each came to, in their order; their lists are there.

        None is one whose nonce is another scan's already.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(_INSERT, *_columns(facts, _INSERTED))
            numbered = [one for one in facts if one.number is not None]
            rows = await connection.fetch(
                _LOCK, *_columns(numbered, ("event_id", "number"))
            )
            found = [_Ticket(**row) for row in rows]
            scans = _columns(facts, ("event_id", "nonce"))
            known = {
                (row["event_id"], row["nonce"]): row
                for row in await connection.fetch(_KNOWN, *scans)
            }
            kept = [one for one in facts if _is_same(one, known)]
            await self._attach(connection, kept, found)
            otherwise = [one for one in kept if _is_seen_otherwise(one, known)]
            await connection.execute(_SAW, *_columns(otherwise, _SEEN))
            await self._tell_anew(connection, [one.ticket_id for one in found])
            told = {
                (row["event_id"], row["nonce"]): Told(**row)
                for row in await connection.fetch(_TOLD, *scans)
            }
        return [told[one.scan] if _is_same(one, known) else None for one in facts]

    async def undo(
        self, event: str, nonce: str, who: str, reason: str
    ) -> Undone | None:
        """Undo a scan that let somebody through; None where there is no such scan.

        One that was undone stays as it is. Raises `NothingToUndo`.
        """
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(_FIND, event, nonce)
            if row is None:
                return None
            if row["ticket_id"] is None or row["result"] != "ok":
                raise NothingToUndo
            await connection.execute(_LOCK_ONE, row["ticket_id"])
            await connection.execute(_UNDO, event, nonce, who, reason)
            await self._tell_anew(connection, [row["ticket_id"]])
            row = await connection.fetchrow(_UNDONE, event, nonce)
            return Undone(**row)

    async def _attach(
        self,
        connection: Any,
        facts: Iterable[Uploaded],
        found: Iterable[_Ticket],
    ) -> None:
        """Note the tickets of scans, also where one is known only now."""
        tickets = {(one.event_id, one.number): one for one in found}
        rows = [
            (*one.scan, ticket.ticket_id, ticket.is_revoked(one.generation))
            for one in facts
            if one.number is not None
            and (ticket := tickets.get((one.event_id, one.number))) is not None
        ]
        await connection.execute(_FIND_TICKETS, *_turned(rows, 4))

    async def _tell_anew(self, connection: Any, tickets: Sequence[str]) -> None:
        """Tell what all greens of tickets come to; their rows are locked."""
        greens: dict[tuple[str, str, str], list[Green]] = {}
        for row in await connection.fetch(_GREENS, tickets):
            green = dict(row)
            place = green.pop("ticket_id"), green.pop("list_id"), green.pop("event_id")
            greens.setdefault(place, []).append(Green(**green))
        outcomes, standings = [], []
        for (ticket, name, event), some in greens.items():
            folded = self._fold(some)
            outcomes += [
                (event, nonce, judged.outcome, judged.other)
                for nonce, judged in folded.outcomes.items()
            ]
            since, last = folded.since or folded.last, folded.last
            if since is not None and last is not None:
                standings.append(
                    (
                        *(ticket, name, event, folded.standing, since.nonce, since.at),
                        *(since.gate, since.who, last.sort_at),
                    )
                )
        await connection.execute(_OUTCOMES, *_turned(outcomes, 4))
        await connection.execute(_STANDINGS, *_turned(standings, 9))
        counted = {(ticket, name) for ticket, name, *_ in standings}
        for row in await connection.fetch(_LISTS, tickets):
            if tuple(row) not in counted:
                await connection.execute(_NOBODY_IN, *row)


_LISTS: Final = """
SELECT ticket_id, list_id FROM checkin_state
WHERE ticket_id = ANY ($1::text[]) AND state <> 'never'
"""
_INSERTED: Final = (
    *("event_id", "nonce", "list_id", "request_hash", "direction", "gate", "who", "at"),
    *("saw", "device_at", "clock_offset_ms", "number", "generation"),
)
_SEEN: Final = ("event_id", "nonce", "at", "saw", "device_at", "clock_offset_ms")


def _is_same(fact: Uploaded, known: Mapping[Scan, Any]) -> bool:
    """Return whether this is the scan that its nonce stands for."""
    same: bool = known[fact.scan]["request_hash"] == fact.request_hash
    return same


def _is_seen_otherwise(fact: Uploaded, known: Mapping[Scan, Any]) -> bool:
    """Return whether the staff saw something else than we answered, or no answer."""
    answered = known[fact.scan]
    return answered["saw"] is None and answered["result"] != fact.saw


def _columns(facts: Iterable[Uploaded], names: Sequence[str]) -> list[list[Any]]:
    return _turned(
        [tuple(getattr(one, name) for name in names) for one in facts], len(names)
    )


def _turned(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Return rows as columns, as `unnest` takes them."""
    return [[row[place] for row in rows] for place in range(width)]
