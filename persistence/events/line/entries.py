"""Places in lines: found, told to whose they are, changed and left while they are rows.

A place belongs to this table until it is taken to be fed: before that a wish is set and
a place is left here, after it by the event's owner, which then has both. One statement
decides which of the two it is. An entrant of a draw has a rank from when the place is
taken; it is told once the event has it, too.

Concurrency: a row changes under the lock of its line that joins share.
"""

from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct

from persistence.events.line.lines import Mode
from persistence.events.line.ranks import RANK, TOLD
from persistence.postgres.cursors import decode_cursor, fetched, page
from persistence.postgres.pool import Pool

Held = Literal["here", "event", "nowhere"]
"""Who has a place: this table, where it was changed just now; the event; nobody."""

_FIELDS: Final = """
e.entry_id, e.event_id, e.draw, e.user_id, e.stub, e.late, e.joined_at,
e.wish::text AS wish, e.paused, e.turn, e.turn_until, e.hold, e.ended,
e.over_at, e.revision, l.mode, r.rank
"""
_RANKED: Final = f"LATERAL (SELECT {TOLD} AS rank OFFSET 0) r"
# All before it, but for those whose place is over: these have their rank in the row.
_AHEAD: Final = """
CASE WHEN r.rank IS NOT NULL AND e.over_at IS NULL THEN r.rank - 1 - (
    SELECT count(*) FROM line_entry b
    WHERE b.event_id = e.event_id AND b.draw = e.draw AND b.rank < r.rank
        AND b.rank IS NOT NULL AND b.over_at IS NOT NULL
) END AS ahead
"""
# The live one, else the one that ended last.
_MINE: Final = f"""
SELECT {_FIELDS}, {_AHEAD}
FROM line_entry e JOIN line l USING (event_id, draw), {_RANKED}
WHERE e.event_id = $1 AND e.user_id = $2
ORDER BY e.over_at IS NOT NULL, e.joined_at DESC, e.entry_id LIMIT 1
"""
_SEVERAL: Final = f"""
SELECT m.* FROM unnest($1::text[], $2::text[]) AS a(event_id, user_id), LATERAL (
    SELECT {_FIELDS}, {_AHEAD}
    FROM line_entry e JOIN line l USING (event_id, draw), {_RANKED}
    WHERE e.event_id = a.event_id AND e.user_id = a.user_id
    ORDER BY e.over_at IS NOT NULL, e.joined_at DESC, e.entry_id LIMIT 1
) m
"""
_NAMED: Final = f"""
SELECT {_FIELDS}, {_AHEAD} FROM line_entry e JOIN line l USING (event_id), {_RANKED}
WHERE e.entry_id = $1
"""
_LIVE: Final = """
SELECT e.user_id, e.entry_id, l.mode FROM line_entry e
    JOIN line l USING (event_id, draw)
WHERE e.event_id = $1 AND e.user_id = ANY ($2::text[]) AND e.over_at IS NULL
"""
_RANKS: Final = f"""
SELECT e.user_id, r.rank
FROM line_entry e JOIN line l USING (event_id, draw), {_RANKED}
WHERE e.event_id = $1 AND e.draw = $2 AND e.user_id = ANY ($3::text[])
    AND e.over_at IS NULL AND r.rank IS NOT NULL
"""
_LIST: Final = f"""
SELECT {_FIELDS}, {_AHEAD} FROM line_entry e JOIN line l USING (event_id), {_RANKED}
WHERE e.user_id = $1 AND (NOT $5 OR e.over_at IS NULL)
    AND ($3::timestamptz IS NULL OR (e.joined_at, e.entry_id) < ($3, $4))
ORDER BY e.joined_at DESC, e.entry_id DESC LIMIT $2
"""
_OURS: Final = f"""
WITH l AS MATERIALIZED (
    SELECT event_id, draw, taken FROM line WHERE event_id = $1 FOR SHARE
), changed AS (
    UPDATE line_entry e SET {{change}}
    FROM l
    WHERE e.event_id = l.event_id AND e.draw = l.draw AND e.user_id = $2
        AND e.over_at IS NULL AND e.step IS NULL
        AND (e.late OR l.taken = 0 OR {RANK} > l.taken)
    RETURNING e.entry_id
)
SELECT CASE WHEN EXISTS (SELECT FROM changed) THEN 'here'
    WHEN EXISTS (
        SELECT FROM line_entry e JOIN l USING (event_id, draw)
        WHERE e.user_id = $2 AND e.over_at IS NULL
    ) THEN 'event' ELSE 'nowhere' END AS held
"""
_LEAVE: Final = _OURS.format(
    change="over_at = clock_timestamp(), ended = 'left', revision = e.revision + 1"
)
_WISH: Final = _OURS.format(change="wish = $3::text::jsonb, revision = e.revision + 1")
_OVER: Final = f"""
UPDATE line_entry e SET over_at = clock_timestamp(), ended = 'left', rank = {RANK},
    revision = e.revision + 1
FROM line l
WHERE e.event_id = $1 AND e.entry_id = $2 AND e.over_at IS NULL
    AND l.event_id = e.event_id
"""
_WISHED: Final = """
UPDATE line_entry SET wish = $3::text::jsonb, revision = revision + 1
WHERE event_id = $1 AND entry_id = $2 AND over_at IS NULL
"""
_PAUSED: Final = """
UPDATE line_entry SET paused = $3, revision = revision + 1
WHERE event_id = $1 AND entry_id = $2 AND over_at IS NULL AND paused <> $3
"""
_LONGER: Final = """
UPDATE line_entry SET turn_until = $3, revision = revision + 1
WHERE event_id = $1 AND entry_id = $2 AND over_at IS NULL AND turn_until < $3
"""
_FROM: Final = """
SELECT a.event_id, a.net, c.came
FROM unnest($1::text[], $2::text[]) AS a(event_id, net), LATERAL (
    SELECT count(*) AS came FROM line_entry e JOIN line l USING (event_id, draw)
    WHERE e.event_id = a.event_id AND e.net = a.net AND e.over_at IS NULL
) c
"""
_USED: Final = "SELECT FROM line_entry WHERE proof = $1 OR captcha = $2 LIMIT 1"
_ADDRESS: Final = """
SELECT email_key FROM account
WHERE user_id = $1 AND verified_at IS NOT NULL AND deleted_at IS NULL
"""
_REGISTERED: Final = """
SELECT user_id, created_at FROM account
WHERE user_id = ANY ($1::text[]) AND deleted_at IS NULL
"""
_ACCOUNT: Final = "SELECT FROM account WHERE user_id = $1"
_FORGET: Final = """
UPDATE line_entry SET email_hash = NULL, device_hash = NULL, net = NULL, locale = '',
    leaving = over_at IS NULL
WHERE user_id = $1
"""
_LEAVING: Final = f"""
SELECT e.event_id, e.user_id, e.entry_id, r.rank
FROM line_entry e JOIN line l USING (event_id, draw), {_RANKED}
WHERE e.leaving AND e.over_at IS NULL ORDER BY e.event_id, e.user_id LIMIT $1
"""
LEAVING_MAX: Final = 1_000


class Entry(Struct, frozen=True):
    """A place, as its row tells of it."""

    entry_id: str
    event_id: str
    draw: int
    user_id: str
    stub: bytes
    late: bool
    joined_at: datetime
    wish: str | None
    """JSON."""
    rank: int | None
    paused: bool
    turn: str | None
    """Why a turn was given; None where none was."""
    turn_until: datetime | None
    hold: str | None
    ended: str | None
    """How it ended: `left`, or how the turn did."""
    over_at: datetime | None
    revision: int
    """How often its user changed it."""
    mode: Mode
    """Of the line."""
    ahead: int | None
    """How many before it have a place that is not over; None where it has no rank."""

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return f"Entry({self.stub.hex()}, rank={self.rank})"


class LeavingPlace(Struct, frozen=True):
    """A place of somebody who was forgotten, and is not in the line any more."""

    event_id: str
    user_id: str
    entry_id: str
    rank: int | None
    """By which the event has it."""

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return f"LeavingPlace({self.event_id!r}, rank={self.rank})"


class Entries(Struct, frozen=True):
    """The places of people. Raises `Unavailable`."""

    pool: Pool

    async def mine(self, event: str, user: str) -> Entry | None:
        """Return somebody's place in an event's line, or the last that is over."""
        row = await self.pool.fetch_one(_MINE, event, user)
        return None if row is None else _entry_of(row)

    async def named(self, event: str, users: list[str]) -> dict[str, tuple[str, Mode]]:
        """Return the names of people's places that are not over, and their line's mode.

        By user; one statement for all of them.
        """
        rows = await self.pool.fetch(_LIVE, event, users)
        return {row["user_id"]: (row["entry_id"], row["mode"]) for row in rows}

    async def ranks(self, event: str, draw: int, users: list[str]) -> dict[str, int]:
        """Return the ranks of those of some people whom the event has by now.

        Nobody has one in a draw that is not the open one.
        """
        rows = await self.pool.fetch(_RANKS, event, draw, users)
        return {row["user_id"]: row["rank"] for row in rows}

    async def several(
        self, asked: list[tuple[str, str]]
    ) -> dict[tuple[str, str], Entry]:
        """Return what `mine` does, for many events and users at once."""
        columns = [event for event, _ in asked], [user for _, user in asked]
        rows = await self.pool.fetch(_SEVERAL, *columns)
        return {(row["event_id"], row["user_id"]): _entry_of(row) for row in rows}

    async def find(self, entry: str) -> Entry | None:
        """Return the place with this secret id."""
        row = await self.pool.fetch_one(_NAMED, entry)
        return None if row is None else _entry_of(row)

    async def list_of(
        self, user: str, *, limit: int, cursor: str | None, live: bool
    ) -> tuple[list[Entry], str | None]:
        """Return a page of somebody's places in all lines, the newest first.

        Raises `BadCursor`.
        """
        at, last = decode_cursor(cursor)
        rows = await self.pool.fetch(_LIST, user, fetched(limit), at, last, live)
        found = [_entry_of(row) for row in rows]
        return page(found, limit, lambda one: (one.joined_at, one.entry_id))

    async def count_of(self, user: str, *, live: bool) -> int:
        """Return how many places somebody has, or ever had."""
        return await self.pool.count(_LIST, user, None, None, None, live)

    async def leave(self, event: str, user: str) -> Held:
        """Leave a place that is still a row; else tell who has it."""
        row = await self.pool.fetch_one(_LEAVE, event, user)
        assert row is not None
        held: Held = row["held"]
        return held

    async def leaving(self) -> list[LeavingPlace]:
        """Return places of people who were forgotten, that are not left yet."""
        rows = await self.pool.fetch(_LEAVING, LEAVING_MAX)
        return [LeavingPlace(**row) for row in rows]

    async def set_wish(self, event: str, user: str, wish: str | None) -> Held:
        """Set the wish of a place that is still a row; else tell who has it."""
        row = await self.pool.fetch_one(_WISH, event, user, wish)
        assert row is not None
        held: Held = row["held"]
        return held

    async def note_left(self, event: str, entry: str) -> None:
        """Note that the event knows a place as left: who had it may join anew."""
        await self.pool.fetch(_OVER, event, entry)

    async def note_wish(self, event: str, entry: str, wish: str | None) -> None:
        """Note the wish that the event has for a place."""
        await self.pool.fetch(_WISHED, event, entry, wish)

    async def note_paused(self, event: str, entry: str, *, paused: bool) -> None:
        """Note whether the event passes a place over, as its user asked."""
        await self.pool.fetch(_PAUSED, event, entry, paused)

    async def note_longer(self, event: str, entry: str, until: datetime) -> None:
        """Note that the open turn of a place lasts until then, which is later."""
        await self.pool.fetch(_LONGER, event, entry, until)

    async def address_of(self, user: str) -> str | None:
        """Return the confirmed address of an account, as addresses are compared."""
        row = await self.pool.fetch_one(_ADDRESS, user)
        return None if row is None else row["email_key"]

    async def registered(self, users: list[str]) -> dict[str, datetime]:
        """Return since when each of them has an account; guests are left out."""
        rows = await self.pool.fetch(_REGISTERED, users)
        return {row["user_id"]: row["created_at"] for row in rows}

    async def counts_from(
        self, asked: list[tuple[str, str]]
    ) -> dict[tuple[str, str], int]:
        """Count the places of events that are not over, each from a network."""
        columns = [event for event, _ in asked], [net for _, net in asked]
        rows = await self.pool.fetch(_FROM, *columns)
        return {(row["event_id"], row["net"]): row["came"] for row in rows}

    async def is_used(self, proof: bytes | None, captcha: bytes | None) -> bool:
        """Return whether a place was made with one of these."""
        return await self.pool.fetch_one(_USED, proof, captcha) is not None

    async def is_account(self, user: str) -> bool:
        """Return whether somebody has an account, and is no guest."""
        return await self.pool.fetch_one(_ACCOUNT, user) is not None


# asyncpg ships no types, hence Any for its connection.
async def forget_entries(connection: Any, user_id: str) -> None:
    """Keep nothing of a person but the place, which the transcript counts.

    It is `leaving` from then on: whoever has it is told that it is left.
    """
    await connection.execute(_FORGET, user_id)


def _entry_of(row: Any) -> Entry:
    return Entry(**row)
