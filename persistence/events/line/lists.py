"""The lists of draws, and the orders that came of them.

Each statement may be made again, by whoever goes on: what is written once stays as it
is, and the rest comes out the same.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from inventory.line.draw import STUB_BYTES
from persistence.postgres.pool import Pool

_FIELDS: Final = """
event_id, draw, closed_ms, entries, root, joins, statement, signature, beacon,
order_key, line_hash, drawn
"""
_DUE: Final = """
SELECT event_id FROM line
WHERE mode = 'draw' AND order_key IS NULL AND phase IN ('gathering', 'late')
    AND (rules::jsonb ->> 'closes_at_ms')::bigint <= $1
LIMIT $2
"""
_BEGIN: Final = """
INSERT INTO line_list (event_id, draw, closed_ms) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
"""
_FIND: Final = f"SELECT {_FIELDS} FROM line_list WHERE event_id = $1 AND draw = $2"
_NEWEST: Final = f"""
SELECT {_FIELDS} FROM line_list
WHERE event_id = $1 AND statement IS NOT NULL ORDER BY draw DESC LIMIT 1
"""
_STUBS: Final = """
SELECT coalesce(string_agg(stub, ''::bytea), ''::bytea) AS stubs FROM line_entry
WHERE event_id = $1 AND draw = $2 AND NOT late
"""
_JOINS: Final = """
SELECT floor(extract(epoch FROM joined_at) / 60)::bigint AS minute, count(*) AS joined
FROM line_entry WHERE event_id = $1 AND draw = $2 AND NOT late
GROUP BY minute ORDER BY minute
"""
_GATES: Final = """
SELECT gate, count(*) AS passed
FROM line_entry e, regexp_split_to_table(e.gates, ' ') AS gate
WHERE e.event_id = $1 AND e.draw = $2 AND NOT e.late AND e.gates <> ''
GROUP BY gate ORDER BY gate
"""
_LISTED: Final = """
WITH saved AS (
    UPDATE line_list SET entries = $3, root = $4, hashes = $5, joins = $6
    WHERE event_id = $1 AND draw = $2 AND root IS NULL
    RETURNING draw
)
INSERT INTO line_bucket (event_id, draw, bucket, stubs)
SELECT $1, s.draw, b.bucket, b.stubs
FROM saved s, unnest($7::smallint[], $8::bytea[]) AS b(bucket, stubs)
"""
_PUT_OFF: Final = "UPDATE line SET round = $3 WHERE event_id = $1 AND draw = $2"
_FIXED: Final = """
WITH told AS (
    UPDATE line_list SET statement = $3, signature = $4
    WHERE event_id = $1 AND draw = $2
    RETURNING entries, root
)
UPDATE line l SET entries = t.entries, root = t.root, round = $5 FROM told t
WHERE l.event_id = $1 AND l.draw = $2
"""
_BEACON: Final = """
UPDATE line_list SET beacon = $3 WHERE event_id = $1 AND draw = $2 AND beacon IS NULL
"""
_ORDERED: Final = """
WITH saved AS (
    UPDATE line_list SET order_key = $3, line_hash = $4
    WHERE event_id = $1 AND draw = $2
), gone AS (
    DELETE FROM line_segment WHERE event_id = $1 AND draw = $2
        AND first_rank <> ALL ($5::integer[])
), ranked AS (
    UPDATE line_bucket b SET ranks = r.ranks
    FROM unnest($7::smallint[], $8::bytea[]) AS r(bucket, ranks)
    WHERE b.event_id = $1 AND b.draw = $2 AND b.bucket = r.bucket
)
INSERT INTO line_segment (event_id, draw, first_rank, stubs)
SELECT $1, $2, s.first_rank, s.stubs
FROM unnest($5::integer[], $6::bytea[]) AS s(first_rank, stubs)
ON CONFLICT (event_id, draw, first_rank) DO UPDATE SET stubs = excluded.stubs
"""
_DRAWN: Final = """
WITH told AS (
    UPDATE line_list SET drawn = true WHERE event_id = $1 AND draw = $2
    RETURNING line_hash
)
UPDATE line l SET seed = $3, line_hash = t.line_hash FROM told t
WHERE l.event_id = $1 AND l.draw = $2
"""
# From here on who leaves tells it to the event, and a wish is the event's. It waits for
# those who change a row of the line now, and what they wrote is seen by `_SEGMENT`.
_TAKE: Final = """
UPDATE line SET fed = greatest(fed, $4), taken = greatest(taken, $3 - 1 + (
    SELECT length(s.stubs) / 16 FROM line_segment s
    WHERE s.event_id = $1 AND s.draw = $2 AND s.first_rank = $3
)) WHERE event_id = $1 AND draw = $2
"""
_SEGMENT: Final = """
WITH stubs AS (
    SELECT s.first_rank + i AS rank, substring(s.stubs FROM 1 + 16 * i FOR 16) AS stub
    FROM line_segment s, generate_series(0, length(s.stubs) / 16 - 1) AS i
    WHERE s.event_id = $1 AND s.draw = $2 AND s.first_rank = $3
), taken AS (
    SELECT s.rank, s.stub, e.user_id, e.wish::text AS wish,
        e.over_at IS NOT NULL AS gone
    FROM stubs s JOIN line_entry e ON e.stub = s.stub
    WHERE e.event_id = $1 AND e.draw = $2 AND NOT e.late
)
SELECT array_agg(user_id ORDER BY rank) AS users,
    string_agg(stub, ''::bytea ORDER BY rank) AS stubs,
    array_agg(wish ORDER BY rank) AS wishes,
    coalesce(array_agg(rank ORDER BY rank) FILTER (WHERE gone), '{}') AS gone
FROM taken
"""
# Who is ahead of others is counted without them, by rank.
_GONE: Final = """
UPDATE line_entry e SET rank = g.rank
FROM unnest($3::integer[], $4::bytea[]) AS g(rank, stub)
WHERE e.stub = g.stub AND e.event_id = $1 AND e.draw = $2 AND e.rank IS NULL
"""
_DONE: Final = """
UPDATE line l SET order_key = i.order_key, fed = i.entries FROM line_list i
WHERE l.event_id = $1 AND l.draw = $2 AND i.event_id = $1 AND i.draw = $2 AND i.drawn
"""
_BUCKET: Final = """
SELECT b.stubs, CASE WHEN l.drawn THEN b.ranks END AS ranks, l.hashes
FROM line_bucket b JOIN line_list l USING (event_id, draw)
WHERE b.event_id = $1 AND b.draw = $2 AND b.bucket = $3
"""
DUE_MAX: Final = 1_000
RANK_BYTES: Final = 4


class ListRow(Struct, frozen=True):
    """The list of a draw, as far as it has come."""

    event_id: str
    draw: int
    closed_ms: int
    """When it was closed, in Unix ms."""
    entries: int | None
    root: bytes | None
    joins: str | None
    """JSON of how they joined: by gate passed, and by minute since 1970.

    Of former versions it has the minutes alone.
    """
    statement: str | None
    """Canonical JSON, once the list is fixed."""
    signature: bytes | None
    """Under the statement."""
    beacon: bytes | None
    """The signature of the round, once that was had."""
    order_key: bytes | None
    line_hash: bytes | None
    drawn: bool

    def __repr__(self) -> str:
        """Leave out the key."""
        return f"ListRow({self.event_id!r}, {self.draw})"


class Segment(Struct, frozen=True):
    """Entrants in the order of their ranks, as they are fed."""

    users: list[str]
    stubs: bytes
    wishes: list[str | None]
    gone: list[int]
    """The ranks of those who left before."""


class Bucket(Struct, frozen=True):
    """A bucket of a list with what proves it."""

    stubs: bytes
    ranks: bytes | None
    hashes: bytes
    """Of all buckets, this one too."""


class Lists(Struct, frozen=True):
    """The lists of draws. Raises `Unavailable`."""

    pool: Pool

    async def due(self, at_ms: int) -> list[str]:
        """Return events whose list closes by a time and whose draw is not done."""
        rows = await self.pool.fetch(_DUE, at_ms, DUE_MAX)
        return [row["event_id"] for row in rows]

    async def begin(self, event: str, draw: int, closed_ms: int) -> ListRow:
        """Note when a list was closed, or return what was noted before."""
        await self.pool.fetch(_BEGIN, event, draw, closed_ms)
        found = await self.find(event, draw)
        assert found is not None
        return found

    async def find(self, event: str, draw: int) -> ListRow | None:
        """Return the list of a draw; None while it is not closed."""
        row = await self.pool.fetch_one(_FIND, event, draw)
        return None if row is None else ListRow(**row)

    async def newest(self, event: str) -> ListRow | None:
        """Return the newest list of an event that was told."""
        row = await self.pool.fetch_one(_NEWEST, event)
        return None if row is None else ListRow(**row)

    async def stubs(self, event: str, draw: int) -> bytes:
        """Return the stubs of all entrants, in no particular order."""
        row = await self.pool.fetch_one(_STUBS, event, draw)
        assert row is not None
        stubs: bytes = row["stubs"]
        return stubs

    async def minutes(self, event: str, draw: int) -> list[tuple[int, int]]:
        """Return how many entrants joined in each minute since 1970 that had some."""
        rows = await self.pool.fetch(_JOINS, event, draw)
        return [(row["minute"], row["joined"]) for row in rows]

    async def gates(self, event: str, draw: int) -> dict[str, int]:
        """Return how many entrants passed each gate that was asked of some."""
        rows = await self.pool.fetch(_GATES, event, draw)
        return {row["gate"]: row["passed"] for row in rows}

    async def note_listed(
        self,
        row: ListRow,
        entries: int,
        root: bytes,
        hashes: bytes,
        joins: str,
        buckets: Sequence[bytes],
    ) -> None:
        """Write a list down, where nobody did; `buckets` are all of them, in order."""
        numbers = list(range(len(buckets)))
        await self.pool.fetch(
            _LISTED,
            row.event_id,
            row.draw,
            entries,
            root,
            hashes,
            joins,
            numbers,
            list(buckets),
        )

    async def note_round(self, event: str, draw: int, number: int | None) -> None:
        """Note which round is in force."""
        await self.pool.fetch(_PUT_OFF, event, draw, number)

    async def note_fixed(
        self, row: ListRow, statement: str, signature: bytes, number: int | None
    ) -> None:
        """Note what was told when the list was fixed, for its round."""
        values = (row.event_id, row.draw, statement, signature, number)
        await self.pool.fetch(_FIXED, *values)

    async def note_beacon(self, row: ListRow, signature: bytes) -> None:
        """Note the signature of the round, before anything is made of it."""
        await self.pool.fetch(_BEACON, row.event_id, row.draw, signature)

    async def note_order(
        self,
        row: ListRow,
        key: bytes,
        line_hash: bytes,
        segments: dict[int, bytes],
        ranks: Sequence[bytes],
    ) -> None:
        """Write an order down: stubs by the first rank of their segment, and ranks.

        Those are of the stubs of each bucket, in order.
        """
        await self.pool.fetch(
            _ORDERED,
            row.event_id,
            row.draw,
            key,
            line_hash,
            list(segments),
            list(segments.values()),
            list(range(len(ranks))),
            list(ranks),
        )

    async def note_drawn(self, row: ListRow, seed: bytes) -> None:
        """Note that the event has the order: the seed is known to anybody."""
        await self.pool.fetch(_DRAWN, row.event_id, row.draw, seed)

    async def take(self, row: ListRow, first_rank: int, fed: int) -> Segment:
        """Take a segment that is to be fed: from now on its wishes are the event's.

        Those up to `fed` the event has by now, and they are told their ranks.
        """
        of = row.event_id, row.draw
        await self.pool.fetch(_TAKE, *of, first_rank, fed)
        found = await self.pool.fetch_one(_SEGMENT, *of, first_rank)
        assert found is not None
        segment = Segment(**found)
        if segment.gone:
            at = [STUB_BYTES * (rank - first_rank) for rank in segment.gone]
            stubs = [segment.stubs[one : one + STUB_BYTES] for one in at]
            await self.pool.fetch(_GONE, *of, segment.gone, stubs)
        return segment

    async def note_done(self, row: ListRow) -> None:
        """Note that the event has all entrants: who came late may follow."""
        await self.pool.fetch(_DONE, row.event_id, row.draw)

    async def bucket(self, row: ListRow, number: int) -> Bucket:
        """Return a bucket of a list that is fixed."""
        found = await self.pool.fetch_one(_BUCKET, row.event_id, row.draw, number)
        assert found is not None
        return Bucket(**found)
