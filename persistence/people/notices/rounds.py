"""What all who hold something of an event are told, slice by slice.

A round is a row, written in the transaction of what it tells of. A job raises its
notices a slice at a time, each in a transaction with how far that came: whoever dies in
the middle has told nobody twice, and a sale beside it waits for nothing.
"""

from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from persistence.people.notices.notices import Notice, NoticeKind, raise_notices
from persistence.postgres.pool import Pool

SLICE: Final = 250
"""Bookings in one transaction."""

_FOR_CALENDARS: Final = frozenset({"event_changed", "event_cancelled"})
"""What a calendar is to know, too."""

_PUT: Final = """
INSERT INTO notice_round (kind, subject, event_id, data, booked_before)
VALUES ($1, $2, $3, $4::jsonb, $5) ON CONFLICT DO NOTHING
"""
# Nobody need find what is over, or was never for sale.
_MOVED: Final = """
INSERT INTO notice_round (kind, subject, event_id, data)
SELECT 'event_changed', event_id || '@place' || $2, event_id, '{"place": true}'
FROM event WHERE venue_id = $1 AND deleted_at IS NULL AND starts_at > now()
    AND status NOT IN ('draft', 'cancelled', 'completed')
ON CONFLICT DO NOTHING
"""
_TAKE: Final = """
SELECT kind, subject, event_id, data::text AS data, booked_before, after_version
FROM notice_round WHERE done_at IS NULL
ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
# What is over by now reminds nobody: it was cancelled, or begins at another time.
_HOLDS: Final = """
SELECT $1 <> 'reminder' OR e.status NOT IN ('cancelled', 'completed')
    AND $2 = e.event_id || '@' || (e.settings ->> 'starts_at_ms')
FROM event e WHERE e.event_id = $3
"""
# Who booked, at the order's address or the registration's or the account's own; and who
# has a ticket by now that another booked.
_SLICE: Final = """
WITH slice AS (
    SELECT booking_id, user_id, version, cancelled_at, created_at FROM booking
    WHERE event_id = $1 AND version > $2 ORDER BY version LIMIT $4
), live AS (
    SELECT * FROM slice
    WHERE cancelled_at IS NULL AND ($3::timestamptz IS NULL OR created_at < $3)
)
SELECT (SELECT max(version) FROM slice) AS last, (SELECT count(*) FROM slice) AS seen,
    coalesce(json_agg(json_build_array(t.user_id, t.email, t.locale))
        FILTER (WHERE t.user_id IS NOT NULL), '[]')::text AS told
FROM (
    SELECT coalesce(a.user_id, l.user_id) AS user_id,
        coalesce(nullif(o.buyer ->> 'email', ''), nullif(a.email, '')) AS email,
        coalesce(o.buyer ->> 'locale', a.locale, '') AS locale
    FROM live l
        LEFT JOIN order_part p ON p.booking_id = l.booking_id
        LEFT JOIN orders o ON o.order_id = p.order_id
        LEFT JOIN attendee a ON a.attendee_id = l.user_id
    UNION ALL
    SELECT DISTINCT k.holder ->> 'user', NULL, ''
    FROM live l JOIN ticket k ON k.booking_id = l.booking_id
    WHERE k.state <> 'revoked' AND k.holder ->> 'user' <> l.user_id
) t
"""
_MOVE: Final = """
UPDATE notice_round SET after_version = coalesce($3, after_version),
    raised = raised + $4, done_at = CASE WHEN $5 THEN now() END
WHERE kind = $1 AND subject = $2
"""
# From the moment on at which it is so near, for who had booked before that.
_REMIND: Final = """
INSERT INTO notice_round (kind, subject, event_id, data, booked_before)
SELECT 'reminder', event_id || '@' || (settings ->> 'starts_at_ms'), event_id, '{}',
    starts_at - $1 * interval '1 hour'
FROM event
WHERE deleted_at IS NULL AND starts_at > now()
    AND starts_at <= now() + $1 * interval '1 hour'
    AND status NOT IN ('draft', 'cancelled', 'completed')
ON CONFLICT DO NOTHING
"""
_TOLD: Final = """
INSERT INTO notice_time (event_id, starts_at_ms, timezone) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
"""
_RETOLD: Final = """
UPDATE notice_time n SET starts_at_ms = $2, timezone = $3
FROM (SELECT * FROM notice_time WHERE event_id = $1 FOR UPDATE) was
WHERE n.event_id = was.event_id AND (n.starts_at_ms, n.timezone) <> ($2, $3)
RETURNING was.starts_at_ms, was.timezone
"""
_FORGET: Final = """
DELETE FROM notice_round WHERE done_at < now() - interval '400 days'
"""

_told = msgspec.json.Decoder(list[tuple[str, str | None, str]]).decode


class Round(Struct, frozen=True):
    """What to tell all who hold something of an event: once for a kind and subject."""

    kind: NoticeKind
    subject: str
    event_id: str
    data: dict[str, Any] = {}
    booked_before: datetime | None = None
    """Who booked later is not told; None tells all."""


# asyncpg ships no types, hence Any for its connection.
async def put_round(connection: Any, one: Round) -> None:
    """Have all holders told, in the transaction of what it tells of."""
    data = msgspec.json.encode(one.data).decode()
    values = (one.kind, one.subject, one.event_id, data, one.booked_before)
    await connection.execute(_PUT, *values)


async def put_moved(connection: Any, venue: str, edit: int) -> None:
    """Have all holders of what is still to come in a venue told of its new place.

    `edit` tells it from other edits of the venue.
    """
    await connection.execute(_MOVED, venue, str(edit))


async def note_time(
    connection: Any, event: str, starts_at_ms: int, timezone: str
) -> None:
    """Note when an event begins by what its first buyers are told."""
    await connection.execute(_TOLD, event, starts_at_ms, timezone)


async def move_time(
    connection: Any, event: str, starts_at_ms: int, timezone: str
) -> tuple[int, str] | None:
    """Note another time; return the one that buyers know, None where nothing moved."""
    row = await connection.fetchrow(_RETOLD, event, starts_at_ms, timezone)
    return None if row is None else (row["starts_at_ms"], row["timezone"])


class Rounds:
    """Makes rounds of reminders, and goes on with whatever there are.

    Raises `Unavailable`.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def remind(self, hours: int) -> None:
        """Let there be a round for each event that begins within so many hours."""
        await self._pool.fetch(_REMIND, hours)

    async def write_some(self) -> bool:
        """Raise the next notices of a round; return whether there may be more."""
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(_TAKE)
            if row is None:
                return False
            kind, subject, event = row["kind"], row["subject"], row["event_id"]
            if not await connection.fetchval(_HOLDS, kind, subject, event):
                await connection.execute(_MOVE, kind, subject, None, 0, True)
                return True
            after, before = row["after_version"], row["booked_before"]
            found = await connection.fetchrow(_SLICE, event, after, before, SLICE)
            data = msgspec.json.decode(row["data"])
            files = (f"calendar:{event}",) if kind in _FOR_CALENDARS else ()
            raised = await raise_notices(
                connection,
                [
                    Notice(
                        kind=kind,
                        subject=subject,
                        user_id=user,
                        email=email,
                        locale=locale,
                        event_id=event,
                        data=data,
                        files=files,
                    )
                    for user, email, locale in _told(found["told"])
                ],
            )
            done = found["seen"] < SLICE
            moved = (kind, subject, found["last"], raised, done)
            await connection.execute(_MOVE, *moved)
            return True

    async def forget(self) -> None:
        """Delete rounds that are long over."""
        await self._pool.fetch(_FORGET)
