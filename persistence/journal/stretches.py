"""The next stretch of an event's journal, for those who go through it from end to end.

Purpose: whoever counts or follows what was committed reads the same way: in order,
without a hole, so much at a time, and leaving the loop to others in between. Whoever
looks for some kinds of changes gets none of the commits that are marked as without.
"""

import asyncio
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from time import perf_counter
from typing import Any, Final

import msgspec
from msgspec import Struct

from inventory.changes import MARKS, AnyChange, Change
from persistence.postgres.pool import Row

ROWS_MAX: Final = 256
BYTES_MAX: Final = 4 << 20
"""How much of a journal is read in one transaction; a row may have 1 MiB."""

PASSED_MAX: Final = 2_048
"""How many commits are passed over in one transaction: of those only the versions are
looked at, in the database."""

EVENTS_MAX: Final = 100
"""How many events that are behind are named at a time."""

SLICE_S: Final = 0.002
"""How long the loop is kept at a time."""

VERSIONS_MAX: Final = 2**63 - 1
"""No event has as many."""

# What is sought, what is the last of what was looked at, and what has a hole before it.
# A commit of a process that marks nothing may have whatever is sought.
_ROWS = """
SELECT from_version, to_version, at_ms, whole, CASE WHEN sought THEN body END AS body
FROM (
    SELECT *, lead(to_version) OVER (ORDER BY to_version) IS NULL AS last
    FROM (
        SELECT *, lag(to_version, 1, $2) OVER way = from_version AS whole,
            sum(sought::integer) OVER way AS number,
            sum(bytes) OVER way - bytes AS before
        FROM (
            SELECT *, CASE WHEN sought THEN octet_length(body) ELSE 0 END AS bytes
            FROM (
                SELECT from_version, to_version, body,
                    (extract(epoch FROM at) * 1000)::bigint AS at_ms,
                    $3 = 0 OR marks IS NULL OR marks & $3 <> 0 AS sought
                FROM journal
                WHERE event_id = $1 AND to_version > $2 AND to_version <= $4
                ORDER BY to_version LIMIT $5
            ) next
        ) sized WINDOW way AS (ORDER BY to_version)
    ) numbered WHERE number <= $6 AND before < $7
) bounded WHERE sought OR last OR NOT whole ORDER BY to_version
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
    """What one commit wrote: a change for each version after `base`, up to `to`."""

    base: int
    to: int
    at_ms: int
    changes: list[AnyChange]


class Stretch(Struct, frozen=True):
    """The commits that were sought, of all up to `to`."""

    to: int
    rows: list[JournalRow]


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


def marks_of(kinds: Iterable[type[Change]]) -> int:
    """Return what to look for; KeyError where commits do not say it of such a kind."""
    return reduce(or_, [MARKS[kind] for kind in kinds])


async def read_stretch(
    connection: Any,
    event: str,
    base: int,
    timer: Timer,
    marks: int = 0,
    upto: int = VERSIONS_MAX,
) -> Stretch:
    """Return what comes after a version, as much as is read at a time.

    Of commits that have one of these `marks`, or may have it; all where that is 0.
    Nothing after `upto`, where one commit ends.
    Raises `Hole`; DecodeError where this program does not know what happened.
    """
    timer.stop()
    passed_max = PASSED_MAX if marks else ROWS_MAX
    bounds = upto, passed_max, ROWS_MAX, BYTES_MAX
    found = await connection.fetch(_ROWS, event, base, marks, *bounds)
    timer.go_on()
    rows, to = [], base
    for row in found:
        to = row["to_version"]
        if not row["whole"]:
            raise Hole(f"nothing of {event} leads to {row['from_version']}")
        if row["body"] is None:
            continue
        changes = _changes(row["body"])
        if row["from_version"] + len(changes) != to:
            raise Hole(f"{len(changes)} changes of {event} do not lead to {to}")
        rows.append(JournalRow(row["from_version"], to, row["at_ms"], changes))
        await timer.pause()
    return Stretch(to, rows)
