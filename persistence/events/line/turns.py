"""What the journal says of places, written into their rows: turns, and what is over.

A follower of the journal writes it, in the transaction that notes how far that came.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from persistence.events.line.ranks import IS_AT

_GIVEN: Final = f"""
UPDATE line_entry e SET turn = g.because, hold = g.hold, rank = g.rank,
    turn_until = 'epoch'::timestamptz + g.until_ms * interval '1 ms'
FROM unnest($2::integer[], $3::text[], $4::text[], $5::bigint[], $6::text[])
        AS g(rank, user_id, because, until_ms, hold)
    JOIN line l ON l.event_id = $1
WHERE e.event_id = $1 AND e.draw = l.draw AND e.user_id = g.user_id AND {IS_AT}
RETURNING e.rank, e.stub, e.locale, e.joined_at
"""
_ENDED: Final = f"""
UPDATE line_entry e SET ended = g.why, over_at = clock_timestamp(), rank = g.rank
FROM unnest($2::integer[], $3::text[], $4::text[]) AS g(rank, user_id, why)
    JOIN line l ON l.event_id = $1
WHERE e.event_id = $1 AND e.draw = l.draw AND e.user_id = g.user_id AND {IS_AT}
    AND e.over_at IS NULL
RETURNING e.rank, e.stub, e.locale, e.joined_at, e.hold
"""
_KEPT: Final = """
UPDATE line_entry e
SET turn_until = 'epoch'::timestamptz + $2::bigint * interval '1 ms'
FROM line l
WHERE l.event_id = $1 AND e.event_id = $1 AND e.draw = l.draw AND e.rank IS NOT NULL
    AND e.turn IS NOT NULL AND e.over_at IS NULL
    AND e.turn_until < 'epoch'::timestamptz + $2::bigint * interval '1 ms'
"""
_CLOSED: Final = """
UPDATE line SET phase = 'over', closed_at = coalesce(closed_at, clock_timestamp())
WHERE event_id = $1 AND phase <> 'over'
"""


class GivenTurn(Struct, frozen=True):
    """A turn that was given: `until_ms` is when what it gives ends."""

    rank: int
    user_id: str
    because: str
    until_ms: int
    hold: str | None


class EndedTurn(Struct, frozen=True):
    """A turn that is over."""

    rank: int
    user_id: str
    why: str


class Noted(Struct, frozen=True):
    """A row that was written, by its public stub, and the language of its mails."""

    stub: bytes
    locale: str
    joined_at: datetime
    hold: str | None = None
    """What the turn held; of turns that ended."""


# asyncpg ships no types, hence Any for its connection.
async def note_given(
    connection: Any, event: str, given: Sequence[GivenTurn]
) -> dict[int, Noted]:
    """Write turns into the rows of their places; return these by rank."""
    if not given:
        return {}
    columns = zip(
        *((g.rank, g.user_id, g.because, g.until_ms, g.hold) for g in given),
        strict=True,
    )
    rows = await connection.fetch(_GIVEN, event, *(list(one) for one in columns))
    return {row["rank"]: _noted(row) for row in rows}


async def note_ended(
    connection: Any, event: str, ended: Sequence[EndedTurn]
) -> dict[int, Noted]:
    """End places whose turns are over; return the rows that were not over, by rank."""
    if not ended:
        return {}
    columns = zip(*((g.rank, g.user_id, g.why) for g in ended), strict=True)
    rows = await connection.fetch(_ENDED, event, *(list(one) for one in columns))
    return {row["rank"]: _noted(row, row["hold"]) for row in rows}


def _noted(row: Any, hold: str | None = None) -> Noted:
    return Noted(row["stub"], row["locale"], row["joined_at"], hold)


async def note_kept(connection: Any, event: str, until_ms: int) -> None:
    """Let the open turns of an event last until then at least."""
    await connection.execute(_KEPT, event, until_ms)


async def note_closed(connection: Any, event: str) -> None:
    """Let nobody join the line of an event any more, whose sale is over."""
    await connection.execute(_CLOSED, event)
