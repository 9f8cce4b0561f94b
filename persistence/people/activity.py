"""The activity log: who made which call that writes, and what became of it.

Rows come in batches, and perhaps more than once: a record carries its own id and time,
given when the call was made, so what is stored already is passed over. A month's rows
are a partition, made before it is needed and dropped when all of it is too old.
"""

import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from persistence.errors import BadCursor
from persistence.postgres.cursors import decode_cursor, encode_cursor
from persistence.postgres.pool import Pool, Row

# Any number will do that nothing else on the database uses: "activity" in ASCII.
LOCK_KEY: Final = 0x6163746976697479

_FIELDS: Final = (
    "activity_id, at, actor, role, method, route, objects, status, code, request_id,"
    " address, duration_ms, details"
)
_STORE: Final = """
WITH stored AS (
    INSERT INTO activity (activity_id, at, actor, role, method, route, event_id,
        organisation_id, objects, status, code, request_id, address, duration_ms,
        details)
    SELECT r.id, timestamptz 'epoch' + r.at_ms * interval '1 ms', r.actor, r.role,
        r.method, r.route, r.objects->>'event', r.objects->>'organisation', r.objects,
        r.status, r.code, r.request_id, r.address, r.duration_ms, r.details
    FROM json_to_recordset($1::json) AS r(id uuid, at_ms bigint, actor text, role text,
        method text, route text, objects jsonb, status smallint, code text,
        request_id text, address text, duration_ms real, details jsonb)
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT count(*) AS stored FROM stored
"""
_LIST: Final = """
SELECT {fields} FROM activity WHERE {where}
ORDER BY at DESC, activity_id DESC LIMIT {limit}
"""
_NAMES: Final = """
SELECT user_id AS actor, name FROM account WHERE user_id = ANY($1)
UNION ALL SELECT key_id, name FROM api_key WHERE key_id = ANY($1)
"""
_MAKE: Final = """
CREATE TABLE IF NOT EXISTS {name} PARTITION OF activity
FOR VALUES FROM ('{begin}') TO ('{end}')
"""
_PARTITIONS: Final = """
SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'activity'::regclass ORDER BY c.relname
"""
_NAME: Final = re.compile(r"activity_(\d{4})_(\d{2})")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_calls = count()


class Record(Struct, frozen=True, kw_only=True):
    """One call that writes."""

    id: str
    at_ms: int
    method: str
    route: str
    status: int
    request_id: str
    address: str
    duration_ms: float
    actor: str | None = None
    role: str | None = None
    code: str | None = None
    objects: dict[str, str] = {}
    details: dict[str, Any] = {}


class ActivityRow(Struct, frozen=True):
    """One call that writes, as it is stored."""

    activity_id: str
    at: datetime
    actor: str | None
    role: str | None
    method: str
    route: str
    objects: dict[str, str]
    status: int
    code: str | None
    request_id: str
    address: str
    duration_ms: float
    details: dict[str, Any]


class Wanted(Struct, frozen=True, kw_only=True):
    """Which rows are asked for; None is any. `status` is a class: 4 is 400 to 499."""

    actor: str | None = None
    method: str | None = None
    route: str | None = None
    event: str | None = None
    organisation: str | None = None
    order: str | None = None
    begin: datetime | None = None
    end: datetime | None = None
    status: int | None = None
    routes: tuple[str, ...] = ()
    """Any of these routes; all of them where none is named."""
    ops: tuple[str, ...] = ()
    """Of commands only these; all of them where none is named."""


def new_record_id(at_ms: int) -> str:
    """Return an id that sorts by time, and within a millisecond by call (UUID 7)."""
    low = 0x8000000000000000 | secrets.randbits(62)
    return f"{at_ms:012x}7{next(_calls) & 0xFFF:03x}{low:016x}"


class ActivityLog:
    """Stores and lists activity. Raises `Unavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._made: set[str] = set()
        """Partitions that are there, as far as we know."""

    async def store(self, records: Sequence[Record]) -> int:
        """Store what is not stored yet; return how many that were.

        Raises `ValueError` where the database takes one of them for none: nothing is
        stored then.
        """
        await self.ensure(from_ms(record.at_ms) for record in records)
        try:
            found = await self._pool.fetch(
                _STORE, msgspec.json.encode(records).decode()
            )
        except asyncpg.PostgresError as error:
            # Should it be for a partition that is gone, the next call makes it.
            self._made.clear()
            raise ValueError(f"{error.sqlstate} {error}") from error
        return int(found[0]["stored"])

    async def ensure(self, times: Iterable[datetime]) -> None:
        """Make the partitions for these times where they are not there yet."""
        months = {partition_of(time): month_of(time) for time in times}
        missing = sorted(months.keys() - self._made)
        if not missing:
            return
        async with self._pool.transaction() as connection:
            # Else two servers that make the same one fail each other.
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY)
            for name in missing:
                begin, end = months[name]
                await connection.execute(
                    _MAKE.format(
                        name=name, begin=begin.isoformat(), end=end.isoformat()
                    )
                )
        self._made.update(missing)

    async def drop_before(self, time: datetime) -> list[str]:
        """Drop the months that were over by then; return the partitions' names."""
        over = []
        async with self._pool.transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY)
            for row in await connection.fetch(_PARTITIONS):
                found = _NAME.fullmatch(row["name"])
                if found is None:
                    # Somebody else's, attached by hand.
                    continue
                first = datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC)
                if month_of(first)[1] <= time:
                    await connection.execute(f"DROP TABLE {row['name']}")
                    over.append(row["name"])
        self._made.difference_update(over)
        return over

    async def list(
        self, wanted: Wanted, *, limit: int, cursor: str | None = None
    ) -> tuple[list[ActivityRow], str | None]:
        """Return a page, newest first, and the cursor of the next one."""
        where, values = _where(wanted)
        at, last = decode_cursor(cursor)
        if at is not None and last is not None:
            values += [at, _id_of(last)]
            where.append(f"(at, activity_id) < (${len(values) - 1}, ${len(values)})")
        sql = _LIST.format(
            fields=_FIELDS, where=" AND ".join(where) or "true", limit=limit + 1
        )
        rows = [_row_of(row) for row in await self._pool.fetch(sql, *values)]
        page = rows[:limit]
        if len(rows) <= limit:
            return page, None
        return page, encode_cursor(page[-1].at, page[-1].activity_id)

    async def names_of(self, actors: Iterable[str]) -> dict[str, str]:
        """Return what users and API keys are called, of those that are still there."""
        rows = await self._pool.fetch(_NAMES, list(actors))
        return {row["actor"]: row["name"] for row in rows}

    async def count(self, wanted: Wanted) -> int:
        """Return how many rows are wanted."""
        where, values = _where(wanted)
        sql = _LIST.format(
            fields=_FIELDS, where=" AND ".join(where) or "true", limit="ALL"
        )
        return await self._pool.count(sql, *values)


def from_ms(at_ms: int) -> datetime:
    """Return Unix milliseconds as a time in UTC."""
    return _EPOCH + at_ms * _MILLISECOND


def month_of(time: datetime) -> tuple[datetime, datetime]:
    """Return the beginning of a time's month and of the next one, in UTC."""
    time = time.astimezone(UTC)
    begin = datetime(time.year, time.month, 1, tzinfo=UTC)
    return begin, (begin + timedelta(days=32)).replace(day=1)


def partition_of(time: datetime) -> str:
    """Return the name of the partition for a time."""
    begin, _ = month_of(time)
    return f"activity_{begin.year:04}_{begin.month:02}"


def _where(wanted: Wanted) -> tuple[list[str], list[object]]:
    """Return conditions and their values: only what is asked for, for good plans."""
    conditions, values = [], list[object]()
    for column, operator, value in (
        ("actor", "=", wanted.actor),
        ("method", "=", wanted.method),
        ("route", "=", wanted.route),
        ("event_id", "=", wanted.event),
        ("organisation_id", "=", wanted.organisation),
        ("objects ->> 'order'", "=", wanted.order),
        ("at", ">=", wanted.begin),
        ("at", "<", wanted.end),
    ):
        if value is not None:
            values.append(value)
            conditions.append(f"{column} {operator} ${len(values)}")
    if wanted.status is not None:
        # In digits, so that the index of what was refused is of use.
        first = int(wanted.status) * 100
        conditions.append(f"status >= {first} AND status < {first + 100}")
    if wanted.routes:
        values.append(wanted.routes)
        conditions.append(f"route = ANY(${len(values)})")
    if wanted.ops:
        values.append(wanted.ops)
        conditions.append(f"coalesce(details->>'op' = ANY(${len(values)}), true)")
    return conditions, values


def _id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadCursor("not a cursor of this list") from error


def _row_of(row: Row) -> ActivityRow:
    return ActivityRow(
        **{
            **row,
            "activity_id": str(row["activity_id"]),
            "objects": msgspec.json.decode(row["objects"]),
            "details": msgspec.json.decode(row["details"]),
        }
    )
