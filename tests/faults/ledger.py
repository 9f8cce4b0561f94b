"""What the buyers were promised, held against what the database has.

After each fault the new lines of the history are checked by a few statements: every
acknowledged command is in the journal, under its key with its version, and every
booking is in the table. When the buyers have settled, the witness checker judges the
whole history against the whole journal.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from inventory import commands
from inventory.keys import OUTCOMES
from inventory.ports import JournalRow, KeyedResult
from inventory.replies import HoldingOk, Refused
from inventory.venue.map import Venue
from persistence.events.catalog import Catalog
from persistence.journal.audit import audit_event
from persistence.postgres.pool import Pool
from tests.checkers.history import History
from tests.checkers.witness import check

Json = dict[str, Any]
CHANGING = {"hold", "hold_best", "extend", "release", "book", "cancel"}
ANSWER_S_MAX = 10.0

_STORED = """
SELECT r.user_id, r.key, r.version FROM unnest($2::text[], $3::text[]) AS k(asker, key)
JOIN command_result r ON r.event_id = $1 AND r.user_id = k.asker AND r.key = k.key
"""
_BOOKED = "SELECT booking_id, user_id, seats::text FROM booking WHERE event_id = $1"
_JOURNAL = """
SELECT from_version, to_version, body, chain,
    (extract(epoch FROM at) * 1000)::bigint AS at_ms
FROM journal WHERE event_id = $1 ORDER BY to_version
"""
_RESULTS = "SELECT * FROM command_result WHERE event_id = $1"


class Ledger:
    """One event's history file, read as it grows."""

    def __init__(self, path: Path, url: str, event: str) -> None:
        self.path = path
        self.url = url
        self.event = event
        self.lines: list[Json] = []
        self.promises: dict[tuple[str, str], int] = {}
        self.bookings: dict[str, tuple[str, list[str]]] = {}
        self.highest = 0
        self.acknowledged = 0
        self._offset = 0
        self._judged = 0

    def read(self) -> list[Json]:
        """Read the lines that came since the last time, whole ones only."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        end = data.rfind(b"\n") + 1
        self._offset += end
        fresh = [json.loads(line) for line in data[:end].splitlines()]
        self.lines += fresh
        return fresh

    def check(self) -> list[str]:
        """Check what was promised since the last time, and audit the event."""
        found: list[str] = []
        keyed: dict[tuple[str, str], int] = {}
        fresh_bookings: dict[str, tuple[str, list[str]]] = {}
        for line in self.read():
            reply = line["r"]
            if reply is None or reply["op"] != "ok":
                continue
            self.highest = max(self.highest, reply["version"])
            if line["q"]["op"] not in CHANGING:
                continue
            self.acknowledged += 1
            if line["k"] is not None:
                name = line["u"], line["k"]
                first = self.promises.setdefault(name, reply["version"])
                if first != reply["version"]:
                    found.append(f"key {name} has {first} and {reply['version']}")
                keyed[name] = reply["version"]
            if line["q"]["op"] == "book":
                fresh_bookings[reply["booking"]] = line["u"], sorted(reply["seats"])
        self.bookings.update(fresh_bookings)
        return found + asyncio.run(self._compare(keyed, fresh_bookings))

    async def _compare(
        self,
        keyed: dict[tuple[str, str], int],
        bookings: dict[str, tuple[str, list[str]]],
    ) -> list[str]:
        found: list[str] = []
        connection = await asyncpg.connect(self.url)
        try:
            users, keys = [user for user, _ in keyed], [key for _, key in keyed]
            rows = await connection.fetch(_STORED, self.event, users, keys)
            stored = {(row[0], row[1]): row[2] for row in rows}
            found += [
                f"version {version} was acknowledged to {name}; stored is"
                f" {stored.get(name)}"
                for name, version in keyed.items()
                if stored.get(name) != version
            ]
            if bookings:
                rows = await connection.fetch(_BOOKED, self.event)
                booked = {row[0]: (row[1], sorted(json.loads(row[2]))) for row in rows}
                found += [
                    f"booking {booking} was acknowledged; stored is"
                    f" {booked.get(booking)}"
                    for booking, promised in bookings.items()
                    if booked.get(booking) != promised
                ]
        finally:
            await connection.close()
        receipt = await audit_event(self.url, self.event)
        if receipt.version < self.highest:
            found.append(
                f"version {self.highest} was told, and the head is at {receipt.version}"
            )
        return found + [f"audit: {sentence}" for sentence in receipt.differences]

    def late_answers(self, stopped: list[tuple[float, float]]) -> list[str]:
        """Name the commands since the last call that waited too long for any answer.

        The time in which the server itself was stopped does not count.
        """
        fresh, self._judged = self.lines[self._judged :], len(self.lines)
        found = []
        for line in fresh:
            waited = line["d"] - line["s"] - overlap(line["s"], line["d"], stopped)
            if waited > ANSWER_S_MAX:
                found.append(f"{line['q']} of {line['u']} waited {waited:.1f} s")
        return found

    def judge(self) -> list[str]:
        """Let the witness judge the whole history; call it when all has settled."""
        found = self.check()
        return found + asyncio.run(self._judge())

    async def _judge(self) -> list[str]:
        pool = await Pool.open(self.url)
        try:
            plan = await Catalog(pool).find_plan(self.event)
            assert plan is not None
            rows = [
                JournalRow(r["from_version"], r["to_version"], r["at_ms"], r["body"],
                           r["chain"])
                for r in await pool.fetch(_JOURNAL, self.event)
            ]  # fmt: skip
            results = [
                KeyedResult(r["user_id"], r["key"], r["request_hash"], r["version"],
                            r["outcome"])
                for r in await pool.fetch(_RESULTS, self.event)
            ]  # fmt: skip
        finally:
            await pool.close()
        venue = Venue(plan.venue_map())
        history = history_of(self.lines, self.event)
        return check(history, rows, venue, plan.first_settings, results=results)


def overlap(start: float, end: float, windows: list[tuple[float, float]]) -> float:
    """Return how much of a stretch of time lies in these windows."""
    return sum(max(0.0, min(end, high) - max(start, low)) for low, high in windows)


def history_of(lines: list[Json], event: str) -> History:
    """Turn the lines of a history file into what the checkers read."""
    history = History()
    # The harness itself published the event.
    publish = commands.ChangeSale(id=0, event=event, to="publish")
    history.call("harness", "", publish, organizer=True)
    moments: list[tuple[float, int, int]] = []
    for number, line in enumerate(lines):
        moments.append((line["s"], 0, number))
        if line["r"] is not None:
            moments.append((line["d"], 1, number))
    operations: dict[int, Any] = {}
    origin = min((moment for moment, _, _ in moments), default=0.0)
    for moment, kind, number in sorted(moments):
        line = lines[number]
        if kind == 0:
            wish = {**line["q"], "id": 0, "event": event}
            command = msgspec.convert(wish, commands.ClientCommand)
            operations[number] = history.call(
                line["c"],
                line["u"],
                command,
                organizer=line.get("organizer", False),
                key=line["k"],
                at_s=moment - origin,
            )
        else:
            operation = operations[number]
            reply = reply_of(operation.command, line["r"])
            history.returned(operation, reply, at_s=moment - origin)
    return history


def reply_of(command: Any, told: Json) -> Any:
    """Read a reply as the struct that it was."""
    if told["op"] == "refused":
        return msgspec.convert(told, Refused)
    kind = HoldingOk if type(command) is commands.Holding else OUTCOMES[type(command)]
    return msgspec.convert(told, kind)
