"""Scans at a gate that can ask us: one is claimed by its nonce, judged, and noted.

Of many scans of one ticket at once the database picks the one that moves it: the
statement that does so takes the row only in a standing that the rules let pass. While
a scan is under way its ticket cannot be given back, and the other way round: both lock
it.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from persistence.postgres.pool import ForeignKeyViolation, Pool
from persistence.shop.checkin.facts import (
    STANDINGS,
    Direction,
    ListSeen,
    Result,
    Since,
    Standing,
    TicketSeen,
)

Judge = Callable[[TicketSeen | None, ListSeen, Standing], Result]
"""Decides about one scan, whose code is good."""

LOOKS: Final = 2
"""The second is of a row that is locked, so what it allows is sure to be done."""

_FIELDS: Final = """
c.list_id, c.request_hash, c.direction, c.gate, c.who, c.at, c.ticket_id,
coalesce(c.result, c.saw) AS result, t.label, t.category, c.before_at, c.before_gate,
c.before_who
"""
_KEPT: Final = f"""
SELECT {_FIELDS} FROM checkin c LEFT JOIN ticket t USING (ticket_id)
WHERE c.event_id = $1 AND c.nonce = $2
"""
# No row: somebody has this nonce. The standing may be an older one; the move sees.
_CLAIM = """
WITH claimed AS (
    INSERT INTO checkin (event_id, nonce, list_id, request_hash, direction, gate, who,
        at, sort_at, result, number, generation)
    VALUES ($1, $2, $3, $4, $5, $6, $7, now(), now(), $8, $9, $10)
    ON CONFLICT (event_id, nonce) DO NOTHING
    RETURNING nonce
)
SELECT s.* FROM claimed LEFT JOIN LATERAL (
    SELECT t.ticket_id, t.state, t.generation, t.label, t.category, l.reentry,
        coalesce(l.opens_at <= now(), true) AS open, l.categories,
        coalesce(s.state, 'never') AS standing, s.at, s.gate, s.who
    FROM ticket t
    JOIN checkin_list l ON l.event_id = t.event_id AND l.list_id = $3
    LEFT JOIN checkin_state s ON s.ticket_id = t.ticket_id AND s.list_id = l.list_id
    WHERE t.event_id = $1 AND t.number = $9
    FOR SHARE OF t
) s ON true
"""
_SEE_AGAIN = """
SELECT state AS standing, at, gate, who FROM checkin_state
WHERE ticket_id = $1 AND list_id = $2 FOR UPDATE
"""
# Who goes out was in, so there is a row. Nobody removes one.
_MOVE = f"""
WITH moved AS (
    INSERT INTO checkin_state AS s
        (ticket_id, list_id, event_id, state, nonce, at, gate, who, sort_at)
    SELECT $3, c.list_id, c.event_id, c.direction, c.nonce, c.at, c.gate, c.who,
        c.sort_at
    FROM checkin c
    WHERE c.event_id = $1 AND c.nonce = $2 AND ('never' = ANY ($4::text[])
        OR EXISTS (SELECT FROM checkin_state o
            WHERE o.ticket_id = $3 AND o.list_id = c.list_id))
    ON CONFLICT (ticket_id, list_id) DO UPDATE SET
        state = excluded.state, nonce = excluded.nonce, at = excluded.at,
        gate = excluded.gate, who = excluded.who,
        sort_at = greatest(excluded.sort_at, s.sort_at + interval '1 microsecond')
    WHERE s.state = ANY ($4::text[])
    RETURNING s.sort_at
)
UPDATE checkin c SET result = 'ok', ticket_id = $3, sort_at = m.sort_at,
    outcome = CASE c.direction WHEN 'in' THEN 'entry' ELSE 'exit' END
FROM moved m, ticket t
WHERE c.event_id = $1 AND c.nonce = $2 AND t.ticket_id = $3
RETURNING {_FIELDS}
"""
_NOTE = f"""
UPDATE checkin c SET result = $3, ticket_id = $4, before_at = $5, before_gate = $6,
    before_who = $7, revoked = $3 = 'revoked'
FROM ticket t
WHERE c.event_id = $1 AND c.nonce = $2 AND t.ticket_id = $4
RETURNING {_FIELDS}
"""
_IS_IN = """
SELECT DISTINCT ticket_id FROM checkin_state
WHERE ticket_id = ANY ($1::text[]) AND state <> 'never'
"""


class NoList(Exception):
    """The event has no such list."""


class NewScan(Struct, frozen=True):
    """One scan, as the device asks for it."""

    event_id: str
    nonce: str
    list_id: str
    request_hash: bytes
    """Of all that makes it another scan: the code, the list, the gate, the way."""
    direction: Direction
    gate: str
    who: str


class KeptScan(Struct, frozen=True):
    """A scan as it was answered, and is again whenever it is repeated."""

    list_id: str
    request_hash: bytes
    direction: Direction
    gate: str
    who: str
    at: datetime
    ticket_id: str | None
    result: Result
    label: str | None
    category: str | None
    before_at: datetime | None
    before_gate: str | None
    before_who: str | None


class Scans:
    """Keeps scans and says what they are answered. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def scan(
        self,
        new: NewScan,
        code: tuple[str, int] | None,
        known: Result | None,
        judge: Judge,
    ) -> KeptScan:
        """Keep a scan and answer it; one with this nonce is answered as it was.

        `code` is the number and the generation that it says; without one it is `known`
        what the answer is. Raises `NoList`.
        """
        number, generation = (None, None) if code is None else code
        async with self._pool.transaction() as connection:
            try:
                claimed = await connection.fetchrow(
                    _CLAIM,
                    new.event_id,
                    new.nonce,
                    new.list_id,
                    new.request_hash,
                    new.direction,
                    new.gate,
                    new.who,
                    known or "unknown",
                    number,
                    generation,
                )
            except ForeignKeyViolation as error:
                raise NoList(new.list_id) from error
            if claimed is None or claimed["ticket_id"] is None:
                # It is somebody's already, or was claimed with its answer.
                row = await connection.fetchrow(_KEPT, new.event_id, new.nonce)
            else:
                row = await _answer(connection, new, dict(claimed), judge)
            return KeptScan(**row)


# asyncpg ships no types, hence Any for its connection.
async def is_in(connection: Any, tickets: Iterable[str]) -> set[str]:
    """Return those of some tickets with which somebody came in, on any list.

    Also who went out again was in: their tickets were used. In a transaction that holds
    the rows of these tickets, as whoever gives them back does, none of them comes in
    afterwards.
    """
    rows = await connection.fetch(_IS_IN, list(tickets))
    return {row["ticket_id"] for row in rows}


async def _answer(
    connection: Any, new: NewScan, seen: dict[str, Any], judge: Judge
) -> Any:
    """Judge a scan that was claimed, by what was seen then; return how it is kept."""
    rules = ListSeen(seen.pop("reentry"), seen.pop("open"), seen.pop("categories"))
    since = Since(*(seen.pop(name) for name in ("standing", "at", "gate", "who")))
    ticket = TicketSeen(**seen)
    let_pass = [one for one in STANDINGS if judge(ticket, rules, one) == "ok"]
    result = judge(ticket, rules, since.standing)
    for _ in range(LOOKS):
        if result != "ok":
            break
        moved = await connection.fetchrow(
            _MOVE, new.event_id, new.nonce, ticket.ticket_id, let_pass
        )
        if moved is not None:
            return moved
        # Another one was quicker.
        row = await connection.fetchrow(_SEE_AGAIN, ticket.ticket_id, new.list_id)
        since = Since(**row)
        result = judge(ticket, rules, since.standing)
    assert result != "ok", "a scan of a row that is locked moved nothing"
    before = since if result == "already_in" else Since("never")
    return await connection.fetchrow(
        _NOTE,
        new.event_id,
        new.nonce,
        result,
        ticket.ticket_id,
        before.at,
        before.gate,
        before.who,
    )
