"""The next stretch of an event's journal, for those who go through it from end to end.

Purpose: whoever counts or follows what was committed reads the same way: in order,
without a hole, so much at a time, and leaving the loop to others in between.
"""

import asyncio
from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Any, Final

import msgspec
from msgspec import Struct

from inventory.changes import AnyChange, Change
from persistence.postgres.pool import Row

ROWS_MAX: Final = 256
BYTES_MAX: Final = 4 << 20
"""How much of a journal is read in one transaction; a row may have 1 MiB."""

EVENTS_MAX: Final = 100
"""How many events that are behind are named at a time."""

SLICE_S: Final = 0.002
"""How long the loop is kept at a time."""

# A body says the kind of each change with its tag, so one without the tags that are
# looked for need neither be sent nor read; one that has them elsewhere is read in vain.
_ROWS = """
SELECT from_version, to_version, at_ms, CASE
    WHEN cardinality($5::bytea[]) = 0 THEN body
    WHEN EXISTS (
        SELECT FROM unnest($5::bytea[]) AS tag WHERE position(tag IN body) > 0
    ) THEN body
END AS body FROM (
    SELECT from_version, to_version, body,
        (extract(epoch FROM at) * 1000)::bigint AS at_ms,
        sum(octet_length(body)) OVER (ORDER BY to_version)
            - octet_length(body) AS before
    FROM (
        SELECT from_version, to_version, at, body FROM journal
        WHERE event_id = $1 AND to_version > $2 ORDER BY to_version LIMIT $3
    ) newest
) sized WHERE before < $4 ORDER BY to_version
"""

_changes = msgspec.msgpack.Decoder(list[AnyChange]).decode


class Hole(Exception):
    """The journal does not go on where it was read to."""


class Behind(Struct, frozen=True):
    """What somebody has not read yet: some of the events, and how much there is in all.

    `lag_s` is how long the oldest of it waits, as far as those named tell.
    """

    events: list[str]
    events_behind: int = 0
    versions_behind: int = 0
    lag_s: float = 0.0


class JournalRow(Struct, frozen=True):
    """What one commit wrote: one change for each version, the last being `to`."""

    to: int
    at_ms: int
    changes: list[AnyChange]
    """Empty where it has none of the kinds that are looked for."""


class Timer:
    """Counts how long we keep the loop, and lets others go first now and then."""

    def __init__(self) -> None:
        self.busy_s = 0.0
        self._since = perf_counter()

    def go_on(self) -> None:
        """Begin to count again."""
        self._since = perf_counter()

    def stop(self) -> None:
        """Count no further, while we wait for the database."""
        self.busy_s += perf_counter() - self._since

    async def pause(self) -> None:
        """Give the loop away where we had it for long."""
        if perf_counter() - self._since >= SLICE_S:
            self.stop()
            await asyncio.sleep(0)
            self.go_on()


def behind_of(rows: Sequence[Row]) -> Behind:
    """Return what rows tell that have an event and its `lag_s`, and the sums of all."""
    if not rows:
        return Behind([])
    return Behind(
        [row["event_id"] for row in rows],
        rows[0]["events"],
        rows[0]["versions"],
        max(0.0, *(row["lag_s"] or 0.0 for row in rows)),
    )


def tags_of(kinds: Iterable[type[Change]]) -> list[bytes]:
    """Return what stands in the body of a commit with a change of such a kind."""
    return [msgspec.msgpack.encode(one.__struct_config__.tag) for one in kinds]


async def read_stretch(
    connection: Any, event: str, base: int, timer: Timer, tags: Sequence[bytes] = ()
) -> list[JournalRow]:
    """Return what comes after a version, as much as is read at a time.

    Of commits with none of the `tags` only that they are there; without any, all.
    Raises `Hole`; DecodeError where this program does not know what happened.
    """
    timer.stop()
    rows = await connection.fetch(_ROWS, event, base, ROWS_MAX, BYTES_MAX, list(tags))
    timer.go_on()
    if rows and rows[0]["from_version"] != base:
        raise Hole(f"{event} is read to {base}")
    read = []
    for row in rows:
        body = row["body"]
        changes = [] if body is None else _changes(body)
        read.append(JournalRow(row["to_version"], row["at_ms"], changes))
        await timer.pause()
    return read
