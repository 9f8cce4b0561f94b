"""What the actor needs from outside, in memory, with every fault on demand.

`MemoryJournal` keeps the rules of the Postgres journal: one head per event, a
compare-and-set on (epoch, token, version), a second lock on sold seats and areas,
results and bookings written in the same commit. `tests/race` runs both journals through
the same scripts.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from copy import copy
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from inventory.ports import (
    Batch,
    BoardState,
    CommitStatus,
    Fenced,
    JournalRow,
    KeyedResult,
    Ownership,
    Publication,
    StoredSnapshot,
)
from inventory.venue.map import Venue
from tests.scenario import NOW_MS

if TYPE_CHECKING:
    from inventory.settings import Settings

LEASE_S = 10.0


class Fault(Enum):
    """What becomes of one commit."""

    NONE = auto()
    FENCED = auto()
    ABORTED = auto()
    AMBIGUOUS_WRITTEN = auto()
    AMBIGUOUS_LOST = auto()
    LATE = auto()
    """Doubtful; it is written when the fence asks, just before that has the head."""
    TOO_LATE = auto()
    """Doubtful; it arrives after the fence."""
    RAISES = auto()
    RAISES_WRITTEN = auto()


class Broken(Exception):
    """What a driver might raise."""


class ManualClock:
    """Implements `inventory.ports.Clock`: time passes when it is told to."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.time_ms = now_ms
        self.seconds = 100.0

    def now_ms(self) -> int:
        return self.time_ms

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.time_ms += round(seconds * 1_000)
        self.seconds += seconds


class NumberedIds:
    """Implements `inventory.ports.Ids`: t1, t2 … and R1, R2 …; same in every run."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.tokens = 0
        self.references = 0

    def token(self) -> str:
        self.tokens += 1
        return f"{self.prefix}t{self.tokens}"

    def reference(self) -> str:
        self.references += 1
        return f"{self.prefix}R{self.references}"


class Head:
    """One event's row in `event_head`, and the rows that belong to it."""

    def __init__(self, capacities: dict[int, int]) -> None:
        self.epoch = 0
        self.token: str | None = None
        self.version = 0
        self.chain = b""
        self.batch_id: str | None = None
        self.lease_until = 0.0
        self.rows: list[JournalRow] = []
        self.marks: dict[int, int | None] = {}
        """Of each row, by its last version."""
        self.epochs: list[int] = []
        self.sold: dict[int, str] = {}
        self.area_sold = dict.fromkeys(capacities, 0)
        self.capacities = capacities
        self.bookings: dict[str, Any] = {}
        self.cancelled: set[str] = set()
        self.results: dict[tuple[str, str], KeyedResult] = {}
        self.snapshot: StoredSnapshot | None = None
        self.settings: Settings | None = None


class Violation(Exception):
    """A constraint of the tables."""


class MemoryJournal:
    """Implements `inventory.ports.Journal`. `faults` befall the next commits in order.

    `gate`, while it is a future, keeps commits from being answered; `fence_gate` and
    `find_gate` do so with fences and look-ups. What is called is noted in `calls`.
    """

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.heads: dict[str, Head] = {}
        self.faults: deque[Fault] = deque()
        self.confirm_faults: deque[CommitStatus] = deque()
        self.errors: dict[str, deque[Exception]] = {}
        self.gate: asyncio.Future[None] | None = None
        self.fence_gate: asyncio.Future[None] | None = None
        self.find_gate: asyncio.Future[None] | None = None
        self.calls: list[str] = []
        self.batches: list[Batch] = []
        self.asked_keys: list[set[tuple[str, str]]] = []
        self.late: list[tuple[Ownership, Batch, Fault]] = []
        self.late_statuses: list[CommitStatus] = []
        # Sabotage: what the race tests switch off.
        self.checks_head = True
        self.checks_sold = True

    def add_event(self, event: str, venue: Venue) -> Head:
        capacities = {n: area.capacity for n, area in enumerate(venue.areas)}
        head = self.heads[event] = Head(capacities)
        return head

    async def acquire(self, event: str) -> Ownership | None:
        self._call("acquire")
        head = self.heads[event]
        if head.token is not None and head.lease_until > self.clock.monotonic():
            return None
        head.epoch += 1
        head.token = f"owner {head.epoch}"
        return self._owned(event, head)

    async def load_snapshot(self, event: str) -> StoredSnapshot | None:
        self._call("load_snapshot")
        return self.heads[event].snapshot

    async def load_rows(self, event: str, after: int, limit: int) -> list[JournalRow]:
        self._call("load_rows")
        return [row for row in self.heads[event].rows if row.to > after][:limit]

    async def commit(self, ownership: Ownership, batch: Batch) -> CommitStatus:
        self._call("commit")
        self.batches.append(batch)
        fault = self.faults.popleft() if self.faults else Fault.NONE
        # The question as it was sent: the caller's ownership moves on.
        ownership = copy(ownership)
        await pass_gate(self.gate)
        match fault:
            case Fault.NONE:
                return self._write(ownership, batch)
            case Fault.FENCED:
                head = self.heads[ownership.event]
                head.epoch, head.token = head.epoch + 1, "somebody else"
                head.lease_until = self.clock.monotonic() + LEASE_S
                return self._write(ownership, batch)
            case Fault.ABORTED:
                return CommitStatus.ABORTED
            case Fault.AMBIGUOUS_WRITTEN:
                self._write(ownership, batch)
            case Fault.AMBIGUOUS_LOST:
                pass
            case Fault.LATE | Fault.TOO_LATE:
                self.late.append((ownership, batch, fault))
            case Fault.RAISES:
                raise Broken("the commit is lost")
            case Fault.RAISES_WRITTEN:
                self._write(ownership, batch)
                raise Broken("the answer is lost")
        return CommitStatus.AMBIGUOUS

    async def confirm(self, ownership: Ownership) -> CommitStatus:
        self._call("confirm")
        if self.confirm_faults:
            return self.confirm_faults.popleft()
        head = self.heads[ownership.event]
        if not self._owns(head, ownership):
            return CommitStatus.FENCED
        head.lease_until = self.clock.monotonic() + LEASE_S
        return CommitStatus.COMMITTED

    async def fence(self, ownership: Ownership, token: str) -> Fenced | None:
        self._call("fence")
        asked = copy(ownership)
        await pass_gate(self.fence_gate)
        self._arrive(Fault.LATE)
        head = self.heads[asked.event]
        again = head.epoch == asked.epoch + 1 and head.token == token
        if not again and (head.epoch, head.token) != (asked.epoch, asked.token):
            return None
        head.epoch, head.token = asked.epoch + 1, token
        owned = self._owned(asked.event, head)
        self._arrive(Fault.TOO_LATE)
        return Fenced(owned, head.batch_id)

    async def find_results(
        self, event: str, keys: Iterable[tuple[str, str]]
    ) -> list[KeyedResult]:
        self._call("find_results")
        asked = set(keys)
        self.asked_keys.append(asked)
        await pass_gate(self.find_gate)
        results = self.heads[event].results
        return [results[key] for key in sorted(asked) if key in results]

    async def save_snapshot(
        self, ownership: Ownership, version: int, body: bytes
    ) -> None:
        self._call("save_snapshot")
        head = self.heads[ownership.event]
        if (head.epoch, head.token) == (ownership.epoch, ownership.token) and (
            head.snapshot is None or head.snapshot.version <= version <= head.version
        ):
            head.snapshot = StoredSnapshot(version, body)

    async def release(self, ownership: Ownership, *, due: bool) -> None:
        self._call("release")
        head = self.heads[ownership.event]
        if (head.epoch, head.token) == (ownership.epoch, ownership.token):
            head.token = None

    def open_gates(self) -> None:
        """Let everybody through, now and later."""
        for gate in (self.gate, self.fence_gate, self.find_gate):
            if gate is not None and not gate.done():
                gate.set_result(None)
        self.gate = self.fence_gate = self.find_gate = None

    def owned(self, event: str) -> Ownership:
        """An ownership at the head, to read with."""
        head = self.heads[event]
        return Ownership(
            event, "history", head.epoch, head.token or "", head.version, head.chain
        )

    def fail(self, call: str, *errors: Exception) -> None:
        """Let the next of these calls raise."""
        self.errors.setdefault(call, deque()).extend(errors)

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.errors.get(name):
            raise self.errors[name].popleft()

    def _owned(self, event: str, head: Head) -> Ownership:
        head.lease_until = self.clock.monotonic() + LEASE_S
        return self.owned(event)

    def _owns(self, head: Head, asked: Ownership) -> bool:
        return (head.epoch, head.token, head.version) == (
            asked.epoch,
            asked.token,
            asked.version,
        )

    def _arrive(self, fault: Fault) -> None:
        """Let the writes come that were thought lost."""
        for ownership, batch, when in [one for one in self.late if one[2] is fault]:
            self.late.remove((ownership, batch, when))
            self.late_statuses.append(self._write(ownership, batch))

    def _write(self, ownership: Ownership, batch: Batch) -> CommitStatus:
        """Do what `commit_batches` does, all or nothing."""
        head = self.heads[ownership.event]
        if self.checks_head and not (
            self._owns(head, ownership) and head.version == batch.base
        ):
            return CommitStatus.FENCED
        try:
            sold, areas = self._sell(head, batch)
        except Violation:
            return CommitStatus.ABORTED
        head.sold, head.area_sold = sold, areas
        head.version, head.chain = batch.to, batch.chain
        head.batch_id = batch.batch_id
        head.lease_until = self.clock.monotonic() + LEASE_S
        head.epochs.append(ownership.epoch)
        head.rows.append(
            JournalRow(batch.base, batch.to, batch.at_ms, batch.body, batch.chain)
        )
        head.marks[batch.to] = batch.marks
        for row in batch.bookings:
            head.bookings[row.booking] = row
        for left in batch.reduced:
            made = head.bookings[left.booking]
            head.bookings[left.booking] = replace(
                made, seats=left.seats, areas=left.areas, lines=left.lines
            )
        head.cancelled |= set(batch.cancelled)
        for result in batch.results:
            head.results[result.user, result.key] = result
        head.settings = batch.settings or head.settings
        return CommitStatus.COMMITTED

    def _sell(self, head: Head, batch: Batch) -> tuple[dict[int, str], dict[int, int]]:
        """Delete, then insert; raise where the tables' constraints would."""
        sold, areas = dict(head.sold), dict(head.area_sold)
        for seat, booking in batch.freed:
            if sold.pop(seat, None) != booking:
                raise Violation("a freed seat was not sold to its booking")
        for seat, booking in batch.sold:
            if seat in sold and self.checks_sold:
                raise Violation("a seat is sold already")
            sold[seat] = booking
        for area, change in batch.area_sold.items():
            areas[area] += change
            if self.checks_sold and not 0 <= areas[area] <= head.capacities[area]:
                raise Violation("an area is sold out")
        new = {row.booking for row in batch.bookings}
        named = {*batch.cancelled, *(row.booking for row in batch.reduced)}
        if new & set(head.bookings) or not named <= new | set(head.bookings):
            raise Violation("a booking is there already, or is not")
        if any((result.user, result.key) in head.results for result in batch.results):
            raise Violation("a key is there already")
        return sold, areas


class Board:
    """Implements `inventory.ports.Publisher`: what watchers would have seen.

    Raises where publications are not contiguous.
    """

    def __init__(self) -> None:
        self.publications: list[Publication] = []
        self.resets: list[int] = []
        self.version = -1
        self.letters = bytearray()
        self.areas: list[tuple[int, int, int, int]] = []
        self.settings: Settings | None = None

    def publish(self, publication: Publication) -> None:
        assert publication.base == self.version, "a hole between two publications"
        assert publication.to > publication.base
        self.version = publication.to
        for seat, letter in zip(publication.seats, publication.letters, strict=True):
            self.letters[seat] = letter
        for area, counts in publication.areas.items():
            self.areas[area] = counts
        self.settings = publication.settings or self.settings
        self.publications.append(publication)

    def reset(self, state: BoardState) -> None:
        self.resets.append(state.version)
        self.version = state.version
        self.letters, self.areas = bytearray(state.letters), list(state.areas)
        self.settings = state.settings


class Notes:
    """Implements `inventory.ports.Observer`."""

    def __init__(self) -> None:
        self.commits: list[int] = []
        self.refusals: list[str] = []
        self.doubts: list[CommitStatus] = []
        self.failures: list[BaseException] = []

    def committed(self, commands: int, seconds: float) -> None:
        self.commits.append(commands)

    def refused(self, code: str) -> None:
        self.refusals.append(code)

    def doubted(self, status: CommitStatus) -> None:
        self.doubts.append(status)

    def failed(self, event: str, error: BaseException) -> None:
        self.failures.append(error)


async def pass_gate(gate: asyncio.Future[None] | None) -> None:
    """Wait where there is a gate; else only let others have their turn."""
    if gate is None:
        await asyncio.sleep(0)
    else:
        await asyncio.shield(gate)


def new_gate() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()
