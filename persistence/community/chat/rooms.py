"""Rooms, and who is in them: how they are set, who is silenced, how far they read."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from persistence.errors import Revisions, Stale
from persistence.postgres.pool import Pool

KEPT_D: Final = 90
"""Days after the end of its event for which a room is kept."""

ROOMS_MAX: Final = 200
"""So many rooms are listed."""

_FIELDS: Final = "room, event_id, order_id, seq, slow_s, words, closed, revision"
_OPEN: Final = f"""
WITH made AS (
    INSERT INTO chat_room (room, event_id, order_id) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING RETURNING {_FIELDS}
)
SELECT {_FIELDS} FROM made UNION ALL
SELECT {_FIELDS} FROM chat_room WHERE room = $1 LIMIT 1
"""
_EDIT: Final = f"""
UPDATE chat_room SET slow_s = coalesce($2, slow_s), words = coalesce($3, words),
    closed = coalesce($4, closed), revision = revision + 1
WHERE room = $1 AND ($5::bigint[] IS NULL OR revision = ANY ($5)) RETURNING {_FIELDS}
"""
_SEEN: Final = """
INSERT INTO chat_member AS m (room, user_id, name, seen)
SELECT room, $2, $3, least(seq, $4) FROM chat_room WHERE room = $1
ON CONFLICT (room, user_id) DO UPDATE SET seen = greatest(m.seen, excluded.seen)
RETURNING seen
"""
_SILENCE: Final = """
INSERT INTO chat_member AS m (room, user_id, name, muted_until, banned)
SELECT room, $2, '', clock_timestamp() + $3 * interval '1 s', $4
FROM chat_room WHERE room = $1
    AND EXISTS (SELECT FROM chat_message WHERE room = $1 AND user_id = $2)
ON CONFLICT (room, user_id) DO UPDATE
SET muted_until = excluded.muted_until, banned = excluded.banned
RETURNING user_id, muted_until, banned
"""
_MEMBER: Final = """
SELECT seen, banned, CASE WHEN muted_until > now() THEN muted_until END AS muted_until
FROM chat_member WHERE room = $1 AND user_id = $2
"""
# Whoever has a place, or holds a ticket that was passed on.
_HAS_PLACE: Final = """
SELECT EXISTS (SELECT FROM booking WHERE event_id = $1 AND user_id = $2
        AND cancelled_at IS NULL)
    OR EXISTS (SELECT FROM ticket WHERE event_id = $1 AND holder ->> 'user' = $2
        AND state <> 'revoked') AS has
"""
_NAME: Final = "SELECT name FROM account WHERE user_id = $1 AND deleted_at IS NULL"
_LAST: Final = """
LEFT JOIN chat_message l ON l.room = w.room AND l.state = 'shown' AND l.seq = (
    SELECT max(seq) FROM chat_message WHERE room = w.room AND state = 'shown')
"""
_LISTED: Final = f"""
SELECT w.room, w.event_id, w.order_id, e.name AS event_name, w.reference,
    coalesce(r.seq, 0) - coalesce(m.seen, 0) AS unread,
    l.name AS last_name, l.text AS last_text, l.at AS last_at
FROM ({{wanted}}) AS w
    JOIN event e ON e.event_id = w.event_id
    LEFT JOIN chat_room r ON r.room = w.room
    LEFT JOIN chat_member m ON m.room = w.room AND m.user_id = $1 {_LAST}
ORDER BY l.at DESC NULLS LAST, w.room LIMIT $2
"""
_ENDED: Final = f"upper(event_period(e.settings)) < now() - interval '{KEPT_D} days'"
# The rooms of events at which one has a place, and of orders of one's own in which
# something was said, or may be asked.
_MINE: Final = _LISTED.format(
    wanted=f"""
    SELECT 'event:' || p.event_id AS room, p.event_id, NULL AS order_id,
        NULL AS reference
    FROM (SELECT event_id FROM booking WHERE user_id = $1 AND cancelled_at IS NULL
        UNION SELECT event_id FROM ticket WHERE holder ->> 'user' = $1
            AND state <> 'revoked') AS p
        JOIN event e ON e.event_id = p.event_id AND NOT {_ENDED}
    UNION ALL
    SELECT 'order:' || o.order_id, c.event_id, o.order_id, o.reference
    FROM orders o JOIN chat_room c ON c.room = 'order:' || o.order_id
    WHERE o.user_id = $1
    """
)
_OF_EVENT: Final = _LISTED.format(
    wanted="""
    SELECT 'event:' || $3 AS room, $3 AS event_id, NULL AS order_id, NULL AS reference
    UNION ALL
    SELECT c.room, c.event_id, c.order_id, o.reference
    FROM chat_room c JOIN orders o USING (order_id) WHERE c.event_id = $3
    """
)
_FORGET_ROOMS: Final = f"""
DELETE FROM chat_room WHERE room IN (
    SELECT r.room FROM chat_room r JOIN event e USING (event_id)
    WHERE {_ENDED} LIMIT 100)
RETURNING room
"""
_FORGET: Final = (
    "UPDATE chat_message SET name = '', text = '' WHERE user_id = $1",
    "DELETE FROM chat_report WHERE user_id = $1",
    "UPDATE chat_member SET name = '' WHERE user_id = $1",
)


class Room(Struct, frozen=True):
    """A room; `seq` is the number of the last thing that was said or changed in it."""

    room: str
    event_id: str
    order_id: str | None
    seq: int
    slow_s: int
    words: Sequence[str]
    closed: bool
    revision: int


class Membership(Struct, frozen=True):
    """How far somebody has seen, and whether they are silenced."""

    seen: int = 0
    banned: bool = False
    muted_until: datetime | None = None


class Listed(Struct, frozen=True):
    """A room in a list: what it is about, and what was said there last."""

    room: str
    event_id: str
    order_id: str | None
    event_name: str
    reference: str | None
    unread: int
    last_name: str | None
    last_text: str | None
    last_at: datetime | None

    def __repr__(self) -> str:
        """Leave out what somebody wrote."""
        return f"Listed({self.room!r})"


class Rooms:
    """Keeps rooms and who is in them. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def open(self, room: str, event: str, order: str | None) -> Room:
        """Return a room, which is made where there is none yet."""
        row = await self._pool.fetch_one(_OPEN, room, event, order)
        if row is None:
            # Somebody else made it in the same moment.
            row = await self._pool.fetch_one(_OPEN, room, event, order)
        assert row is not None
        return Room(**row)

    async def edit(self, room: str, given: Mapping[str, Any], seen: Revisions) -> Room:
        """Set a room; raises `Stale`."""
        values = (given.get(name) for name in ("slow_s", "words", "closed"))
        row = await self._pool.fetch_one(_EDIT, room, *values, seen)
        if row is None:
            raise Stale
        return Room(**row)

    async def membership(self, room: str, user: str) -> Membership:
        """Return how somebody is in a room."""
        row = await self._pool.fetch_one(_MEMBER, room, user)
        return Membership() if row is None else Membership(**row)

    async def see(self, room: str, user: str, name: str, seq: int) -> int:
        """Note how far somebody has seen; return how far that is."""
        row = await self._pool.fetch_one(_SEEN, room, user, name, seq)
        return 0 if row is None else int(row["seen"])

    async def silence(
        self, room: str, user: str, seconds: int, banned: bool
    ) -> Membership | None:
        """Silence somebody for some time, or for good; None for who said nothing yet.

        No time, and not for good, lets them speak again.
        """
        row = await self._pool.fetch_one(_SILENCE, room, user, seconds, banned)
        return None if row is None else await self.membership(room, user)

    async def has_place(self, event: str, user: str) -> bool:
        """Return whether somebody has a place at an event."""
        row = await self._pool.fetch_one(_HAS_PLACE, event, user)
        return row is not None and bool(row["has"])

    async def name_of(self, user: str) -> str | None:
        """Return the name of an account."""
        row = await self._pool.fetch_one(_NAME, user)
        return None if row is None else row["name"]

    async def list_of(self, user: str) -> list[Listed]:
        """Return the rooms that somebody may enter, the latest said first."""
        rows = await self._pool.fetch(_MINE, user, ROOMS_MAX)
        return [Listed(**row) for row in rows]

    async def list_of_event(self, user: str, event: str) -> list[Listed]:
        """Return the rooms about an event, for somebody who runs it."""
        rows = await self._pool.fetch(_OF_EVENT, user, ROOMS_MAX, event)
        return [Listed(**row) for row in rows]

    async def forget(self) -> int:
        """Delete rooms whose event is long over; return how many of at most 100."""
        return len(await self._pool.fetch(_FORGET_ROOMS))


async def forget_talk(connection: Any, user: str) -> None:
    """Keep nothing of what a user wrote, but that there was something."""
    for statement in _FORGET:
        await connection.execute(statement, user)
