"""What is said in a room: numbered without a gap, in one order for all.

Every message, and every later change of one, takes the room's next number in the
transaction that stores it. So whoever knows a number asks for what came after it, and
misses nothing.

Invariants: the numbers of a room are 1, 2, 3 … without a hole; a key of one person in
one room stands for one message; what is deleted or removed keeps its number, no text.
"""

from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct

from persistence.errors import Revisions, refuse_stale
from persistence.postgres.pool import Pool, UniqueViolation

State = Literal["shown", "held", "deleted", "removed"]

EACH_S: Final = 1.0
BURST: Final = 10
"""One person says one thing a second, after so many at once."""

ROOM_S: Final = 0.05
ROOM_BURST: Final = 20
SLOW_S: Final = 10
SLOW_FOR_S: Final = 60
"""More than 20 a second in a room make it slow by itself: each says one thing in
`SLOW_S`, for `SLOW_FOR_S` after the last such moment. What comes sooner is held."""

EDIT_S: Final = 15 * 60

_FIELDS: Final = """
room, seq, changed, user_id, name, staff, text, reply_to, state, why, at, edited_at
"""
_KNOWN: Final = (
    f"SELECT {_FIELDS} FROM chat_message WHERE (room, user_id, key) = ($1, $2, $3)"
)
_FIND: Final = f"SELECT {_FIELDS} FROM chat_message WHERE room = $1 AND seq = $2"
_TARGET: Final = (
    "SELECT 1 FROM chat_message WHERE room = $1 AND seq = $2 AND state = 'shown'"
)
# Nobody may say more than the bucket has; who may not, may not take from it either.
_TAKE: Final = f"""
INSERT INTO chat_member AS m (room, user_id, name, ready_at)
VALUES ($1, $2, $3, clock_timestamp() + interval '{EACH_S} s')
ON CONFLICT (room, user_id) DO UPDATE SET name = $3,
    ready_at = greatest(m.ready_at, clock_timestamp()) + interval '{EACH_S} s'
WHERE NOT m.banned AND m.muted_until <= clock_timestamp()
    AND m.ready_at <= clock_timestamp() + interval '{(BURST - 1) * EACH_S} s'
RETURNING said_at
"""
_WHY_NOT: Final = f"""
SELECT banned, muted_until, muted_until > clock_timestamp() AS muted,
    extract(epoch FROM ready_at - interval '{(BURST - 1) * EACH_S} s'
        - clock_timestamp())::float8 AS wait_s
FROM chat_member WHERE room = $1 AND user_id = $2
"""
_NUMBER: Final = f"""
UPDATE chat_room SET seq = seq + 1,
    busy_at = greatest(busy_at, clock_timestamp()) + interval '{ROOM_S} s',
    slow_until = CASE WHEN order_id IS NULL AND busy_at
            > clock_timestamp() + interval '{(ROOM_BURST - 1) * ROOM_S} s'
        THEN clock_timestamp() + interval '{SLOW_FOR_S} s' ELSE slow_until END
WHERE room = $1 AND (NOT closed OR $2)
RETURNING seq, words, $3::timestamptz + interval '1 s' * greatest(slow_s,
    CASE WHEN slow_until > clock_timestamp() THEN {SLOW_S} ELSE 0 END)
    > clock_timestamp() AS soon
"""
_SAY: Final = f"""
WITH said AS (UPDATE chat_member SET said_at = clock_timestamp(), seen = $2
    WHERE room = $1 AND user_id = $3)
INSERT INTO chat_message (room, seq, changed, user_id, name, staff, key, text, reply_to,
    state, why)
VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING {_FIELDS}
"""
_LOCK: Final = f"""
SELECT {_FIELDS}, at < clock_timestamp() - interval '{EDIT_S} s' AS settled
FROM chat_message WHERE room = $1 AND seq = $2 FOR UPDATE
"""
_NEXT: Final = "UPDATE chat_room SET seq = seq + 1 WHERE room = $1 RETURNING seq"
_CHANGE: Final = f"""
UPDATE chat_message SET changed = $3, state = $4, text = $5,
    edited_at = CASE WHEN $4 = state THEN clock_timestamp() ELSE edited_at END
WHERE room = $1 AND seq = $2 RETURNING {_FIELDS}
"""
_DONE: Final = """
UPDATE chat_report SET closed_at = now()
WHERE room = $1 AND seq = $2 AND closed_at IS NULL
"""
_AFTER: Final = f"""
SELECT {_FIELDS} FROM chat_message WHERE room = $1 AND changed > $2
ORDER BY changed LIMIT $3
"""
_BEFORE: Final = f"""
SELECT {_FIELDS} FROM chat_message WHERE room = $1 AND seq < $2
ORDER BY seq DESC LIMIT $3
"""
_REPORT: Final = """
INSERT INTO chat_report (room, seq, user_id, reason)
SELECT room, seq, $3, $4 FROM chat_message
WHERE room = $1 AND seq = $2 AND state = 'shown'
ON CONFLICT (room, seq, user_id) DO UPDATE SET reason = $4 RETURNING seq
"""
_CASES: Final = """
SELECT m.room, m.seq, m.changed, m.user_id, m.name, m.staff, m.text, m.reply_to,
    m.state, m.why, m.at, m.edited_at, r.reasons
FROM chat_message m LEFT JOIN (
    SELECT seq, array_agg(reason ORDER BY at) AS reasons FROM chat_report
    WHERE room = $1 AND closed_at IS NULL GROUP BY seq) r USING (seq)
WHERE m.room = $1 AND (m.state = 'held' OR (m.state = 'shown' AND r.seq IS NOT NULL))
ORDER BY m.seq LIMIT $2
"""


class Message(Struct, frozen=True):
    """A message as it is now; `changed` is the number of its last change."""

    room: str
    seq: int
    changed: int
    user_id: str
    name: str
    staff: bool
    text: str
    reply_to: int | None
    state: State
    why: str | None
    at: datetime
    edited_at: datetime | None

    def __repr__(self) -> str:
        """Leave out what somebody wrote."""
        return f"Message({self.room!r}, {self.seq})"


class Case(Struct, frozen=True):
    """A message that somebody has to look at, and why people reported it."""

    message: Message
    reasons: tuple[str, ...]


class Saying(Struct, frozen=True):
    """Something that is to be said: by whom, under which key, in answer to what."""

    user: str
    name: str
    staff: bool
    key: str
    text: str
    reply_to: int | None = None

    def __repr__(self) -> str:
        """Leave out what somebody wrote."""
        return f"Saying({self.user!r}, {self.key!r})"


class Silenced(Exception):
    """Somebody may not say anything: for good, or until then."""

    def __init__(self, until: datetime | None) -> None:
        super().__init__("silenced")
        self.until = until


class TooFast(Exception):
    """Somebody says too much at once; `wait_s` is how long the next has to wait."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"wait {wait_s:.1f} s")
        self.wait_s = wait_s


class RoomClosed(Exception):
    """Nothing more is said in this room."""


class KeyReused(Exception):
    """Somebody said something else with this key."""


class NoMessage(Exception):
    """There is no such message, or none that this may be done with."""


class Settled(Exception):
    """It is too late to change this message."""


class Messages:
    """Keeps what is said. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def say(self, room: str, saying: Saying) -> Message:
        """Say something in a room that there is, or return what the key stands for.

        Raises `KeyReused`, `Silenced`, `TooFast`, `RoomClosed` and, for an answer to
        what is not to be seen, `NoMessage`.
        """
        known = await self._known(room, saying)
        if known is None:
            try:
                async with self._pool.transaction() as connection:
                    return await _say(connection, room, saying)
            except UniqueViolation:
                # The same key came twice at once; the number was given back.
                known = await self._known(room, saying)
                assert known is not None
        if (known.text, known.reply_to) != (saying.text, saying.reply_to) and (
            known.changed == known.seq
        ):
            raise KeyReused
        return known

    async def _known(self, room: str, saying: Saying) -> Message | None:
        row = await self._pool.fetch_one(_KNOWN, room, saying.user, saying.key)
        return None if row is None else Message(**row)

    async def edit(
        self, room: str, seq: int, user: str, text: str, seen: Revisions
    ) -> Message:
        """Say something else. Raises `NoMessage`, `Stale`, later `Settled`."""
        async with self._pool.transaction() as connection:
            known, settled = await _lock(connection, room, seq, user, seen)
            if known.state not in ("shown", "held"):
                raise NoMessage
            if text == known.text:
                return known
            if settled:
                raise Settled
            return await _change(connection, known, known.state, text)

    async def settle(
        self,
        room: str,
        seq: int,
        user: str | None,
        state: State,
        seen: Revisions = None,
    ) -> Message:
        """Delete a message of a `user`'s own; show or remove one for who moderates.

        Reports of it are done with. Raises `NoMessage` and `Stale`.
        """
        async with self._pool.transaction() as connection:
            known, _ = await _lock(connection, room, seq, user, seen)
            await connection.execute(_DONE, room, seq)
            if state == known.state:
                return known
            if known.state not in ("shown", "held"):
                raise NoMessage
            text = known.text if state == "shown" else ""
            return await _change(connection, known, state, text)

    async def find(self, room: str, seq: int) -> Message | None:
        """Return a message."""
        row = await self._pool.fetch_one(_FIND, room, seq)
        return None if row is None else Message(**row)

    async def after(self, room: str, number: int, limit: int) -> list[Message]:
        """Return what was said or changed after a number, by the number of that."""
        rows = await self._pool.fetch(_AFTER, room, number, limit)
        return [Message(**row) for row in rows]

    async def before(self, room: str, seq: int, limit: int) -> list[Message]:
        """Return what was said before a message, the last of it first."""
        rows = await self._pool.fetch(_BEFORE, room, seq, limit)
        return [Message(**row) for row in rows]

    async def report(self, room: str, seq: int, user: str, reason: str) -> None:
        """Have somebody look at a message; raises `NoMessage`."""
        if await self._pool.fetch_one(_REPORT, room, seq, user, reason) is None:
            raise NoMessage

    async def cases(self, room: str, limit: int) -> list[Case]:
        """Return what somebody has to look at, the oldest first."""
        rows = await self._pool.fetch(_CASES, room, limit)
        return [Case(_message_of(row), tuple(row["reasons"] or ())) for row in rows]


async def _say(connection: Any, room: str, saying: Saying) -> Message:
    said_at = await _take(connection, room, saying)
    answers = saying.reply_to
    if answers is not None and not await connection.fetchval(_TARGET, room, answers):
        raise NoMessage
    number = await connection.fetchrow(_NUMBER, room, saying.staff, said_at)
    if number is None:
        raise RoomClosed
    why = None if saying.staff else _why_held(saying.text, number)
    row = await connection.fetchrow(
        _SAY,
        room,
        number["seq"],
        saying.user,
        saying.name,
        saying.staff,
        saying.key,
        saying.text,
        answers,
        "shown" if why is None else "held",
        why,
    )
    return Message(**row)


async def _lock(
    connection: Any, room: str, seq: int, user: str | None, seen: Revisions
) -> tuple[Message, bool]:
    """Return a message, and whether it is too late to edit it."""
    row = await connection.fetchrow(_LOCK, room, seq)
    if row is None or (user is not None and row["user_id"] != user):
        raise NoMessage
    refuse_stale(row["changed"], seen)
    return _message_of(row), row["settled"]


async def _change(connection: Any, known: Message, state: State, text: str) -> Message:
    number = await connection.fetchval(_NEXT, known.room)
    row = await connection.fetchrow(_CHANGE, known.room, known.seq, number, state, text)
    return Message(**row)


def _message_of(row: Any) -> Message:
    """Return the message of a row that has more than that."""
    return Message(**{name: row[name] for name in Message.__struct_fields__})


async def _take(connection: Any, room: str, saying: Saying) -> datetime:
    """Take from what one person may say; return when they last said something."""
    row = await connection.fetchrow(_TAKE, room, saying.user, saying.name)
    if row is not None:
        said_at: datetime = row["said_at"]
        return said_at
    why = await connection.fetchrow(_WHY_NOT, room, saying.user)
    if why["banned"]:
        raise Silenced(None)
    if why["muted"]:
        raise Silenced(why["muted_until"])
    raise TooFast(max(0.0, why["wait_s"]))


def _why_held(text: str, number: Any) -> str | None:
    folded = text.casefold()
    if any(word in folded for word in number["words"]):
        return "words"
    return "slow" if number["soon"] else None
