"""A database that does to commits what was seen of real ones.

A statement holds its head's row lock until it ends; the next one on that head waits. A
commit may be answered, lose its answer, fail cleanly, vanish, go on and be written when
its client has long heard of a disconnect, arrive behind a fence, take long, or come
with the warning that it was not replicated. The server may crash (each statement in
flight is then written or not), freeze, or have no room on its disk.
"""

from collections import Counter, deque
from collections.abc import Callable
from random import Random
from typing import Any

from inventory.ports import Batch, CommitStatus, Fenced, Ownership
from inventory.venue.map import Venue
from tests import fakes
from tests.fakes import Head, MemoryJournal
from tests.scenario import NOW_MS
from tests.simulation.loop import Scheduler

COMMIT_FAULTS = (
    "slow",
    "answer lost",
    "refused",
    "vanished",
    "late",
    "too late",
    "warning",
    "rival",
    "raises",
    "raises written",
)


class Statement:
    """Something to be done under the lock of one head."""

    __slots__ = ("answer", "event", "hold_s", "lost", "work")

    def __init__(
        self,
        event: str,
        work: Callable[[], Any],
        hold_s: float,
        answer: Callable[[Any], None],
        lost: Callable[[], None],
    ) -> None:
        self.event = event
        self.work = work
        self.hold_s = hold_s
        self.answer = answer
        self.lost = lost


class ServerClock:
    """The database's own clock; leases are measured with it."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def monotonic(self) -> float:
        return self._scheduler.now

    def now_ms(self) -> int:
        return NOW_MS + int(self._scheduler.now * 1_000)


class Database:
    """The server: heads, their locks, and what goes wrong."""

    def __init__(self, scheduler: Scheduler, random: Random, commit_s: float) -> None:
        self.scheduler = scheduler
        self.random = random
        self.commit_s = commit_s
        self.clock = ServerClock(scheduler)
        self.tables = MemoryJournal(self.clock)  # type: ignore[arg-type]
        self.down = self.frozen = self.full = False
        self.armed: deque[tuple[str, float]] = deque()
        self.armed_fences = 0
        self.rob: Callable[[Ownership, float], object] = lambda asked, seconds: None
        self.ranks: Callable[[str, Batch], bool] = lambda event, batch: True
        """Ranks what a batch feeds to a line; False where it cannot be fed."""
        self.faults: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.versions: tuple[int, ...] = ()
        self.committed_at: dict[str, list[float]] = {}
        self._lines: dict[str, deque[Statement]] = {}
        self._numbers: dict[str, int] = {}
        self._tokens = 0
        self.begun: dict[tuple[str, int], float] = {}
        """When each epoch of an event began."""
        self.heard: set[str] = set()
        """Tokens of owners who know that they are."""
        self.addresses: dict[str, str | None] = {}
        """The process that has or last had each event."""

    def add_event(self, event: str, venue: Venue) -> Head:
        self._numbers[event] = len(self._numbers)
        self.versions = (*self.versions, 0)
        self.committed_at[event] = []
        self._lines[event] = deque()
        self.addresses[event] = None
        return self.tables.add_event(event, venue)

    def head(self, event: str) -> Head:
        return self.tables.heads[event]

    # Statements and their locks.

    def busy(self, event: str) -> bool:
        """Return whether something is being done to an event's head."""
        return bool(self._lines[event])

    def arrive(self, statement: Statement) -> None:
        """Take a statement in; it waits for those before it on the same head."""
        if self.down:
            statement.lost()
            return
        line = self._lines[statement.event]
        line.append(statement)
        if len(line) == 1 and not self.frozen:
            self.scheduler.call_later(statement.hold_s, self._finish, statement)

    def _finish(self, statement: Statement) -> None:
        line = self._lines[statement.event]
        if self.frozen or not line or line[0] is not statement:
            return  # Frozen before it ended, or gone in a crash.
        line.popleft()
        result = statement.work()
        statement.answer(result)
        if line:
            self.scheduler.call_later(line[0].hold_s, self._finish, line[0])

    def crash(self, seconds: float) -> None:
        """Fall over; what was in flight is written or not, nobody is told."""
        self.down = True
        for line in self._lines.values():
            statements = list(line)
            line.clear()
            for statement in statements:
                if self.random.random() < 0.5:
                    statement.work()
                statement.lost()
        self.scheduler.call_later(seconds, self._set, "down")

    def freeze(self, seconds: float) -> None:
        """Stand still; nobody is told anything until then."""
        self.frozen = True
        self.scheduler.call_later(seconds, self._set, "frozen")

    def fill_disk(self, seconds: float) -> None:
        """Have no room for anything that writes."""
        self.full = True
        self.scheduler.call_later(seconds, self._set, "full")

    def heal(self) -> None:
        self.armed.clear()
        self.armed_fences = 0
        for trouble in ("down", "frozen", "full"):
            self._set(trouble)

    def _set(self, trouble: str) -> None:
        was, self.__dict__[trouble] = getattr(self, trouble), False
        if trouble == "frozen" and was:
            for line in self._lines.values():
                if line:
                    self.scheduler.call_later(line[0].hold_s, self._finish, line[0])

    # What statements do.

    def write(self, ownership: Ownership, batch: Batch | None) -> CommitStatus:
        """Do a commit, or a renewal where there is no batch."""
        if self.full:
            return CommitStatus.ABORTED
        if batch is None:
            return self._renew(ownership)
        if batch.ranked and self._would(ownership, batch):
            fits = self.ranks(ownership.event, batch)
            if not fits:
                return CommitStatus.ABORTED
        status = self.tables._write(ownership, batch)
        if status is CommitStatus.COMMITTED:
            event = ownership.event
            number = self._numbers[event]
            versions = self.versions
            self.versions = (*versions[:number], batch.to, *versions[number + 1 :])
            self.committed_at[event].append(self.scheduler.now)
        return status

    def _would(self, ownership: Ownership, batch: Batch) -> bool:
        """Return whether the head grants a batch: then it is written, or nothing is."""
        head = self.head(ownership.event)
        return self.tables._owns(head, ownership) and head.version == batch.base

    def _renew(self, ownership: Ownership) -> CommitStatus:
        head = self.head(ownership.event)
        if not self.tables._owns(head, ownership):
            return CommitStatus.FENCED
        head.lease_until = self.scheduler.now + fakes.LEASE_S
        return CommitStatus.COMMITTED

    def fence(self, asked: Ownership, token: str) -> Fenced | str | None:
        if self.full:
            return "no room"
        head = self.head(asked.event)
        again = head.epoch == asked.epoch + 1 and head.token == token
        if not again and (head.epoch, head.token) != (asked.epoch, asked.token):
            return None
        head.epoch, head.token = asked.epoch + 1, token
        return Fenced(self.own(asked.event), head.batch_id)

    def acquire(self, event: str, token: str, address: str) -> Ownership | str | None:
        if self.full:
            return "no room"
        head = self.head(event)
        if head.token != token:
            if head.token is not None and head.lease_until > self.scheduler.now:
                return None
            head.epoch += 1
            head.token = token
        self.addresses[event] = address
        return self.own(event)

    def own(self, event: str) -> Ownership:
        """Begin the head's epoch, unless its owner asks once more, and lease it."""
        head = self.head(event)
        self.begun.setdefault((event, head.epoch), self.scheduler.now)
        return self.tables._owned(event, head)

    def new_token(self) -> str:
        self._tokens += 1
        return f"owner {self._tokens}"

    def release(self, asked: Ownership, *, due: bool) -> None:
        head = self.head(asked.event)
        if (head.epoch, head.token) == (asked.epoch, asked.token):
            head.token = None
            if not due:
                self.addresses[asked.event] = None

    def void(self, dead: Callable[[str], bool]) -> list[str]:
        """End the leases of dead processes; return what they owned."""
        owned = []
        for event, head in self.tables.heads.items():
            address = self.addresses[event]
            if head.token is not None and address is not None and dead(address):
                head.token = None
                owned.append(event)
        return owned

    def orphans(self) -> list[tuple[str, str]]:
        """Return events that nobody owns, and who had them."""
        now = self.scheduler.now
        return [
            (event, address)
            for event, head in self.tables.heads.items()
            if (address := self.addresses[event]) is not None
            and (head.token is None or head.lease_until <= now)
        ]

    def owner(self, event: str) -> str | None:
        """Return the process whose lease is good."""
        head = self.head(event)
        if head.token is None or head.lease_until <= self.scheduler.now:
            return None
        return self.addresses[event]
