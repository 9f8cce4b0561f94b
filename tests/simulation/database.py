"""A database that does to commits what was seen of real ones.

A statement holds its head's row lock until it ends; the next one on that head waits. A
commit may be answered, lose its answer, fail cleanly, vanish, go on and be written when
its client has long heard of a disconnect, arrive behind a fence, take long, or come
with the warning that it was not replicated. The server may crash (each statement in
flight is then written or not), freeze, or have no room on its disk.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable
from copy import copy
from random import Random
from typing import Any

from inventory.ports import (
    Batch,
    CommitStatus,
    Fenced,
    JournalRow,
    KeyedResult,
    Ownership,
    StoredSnapshot,
)
from inventory.venue.map import Venue
from persistence import limits
from persistence.clock import DatabaseClock
from persistence.errors import Unavailable
from tests import fakes
from tests.fakes import Broken, Head, MemoryJournal
from tests.scenario import NOW_MS
from tests.simulation.loop import ProcessLoop, Scheduler

DEADLINE_S = limits.CALL_DEADLINE_S

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
        self.rob: Callable[[str, float], object] = lambda event, seconds: None
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

    def add_event(self, event: str, venue: Venue) -> Head:
        self._numbers[event] = len(self._numbers)
        self.versions = (*self.versions, 0)
        self.committed_at[event] = []
        self._lines[event] = deque()
        return self.tables.add_event(event, venue)

    def head(self, event: str) -> Head:
        return self.tables.heads[event]

    # Statements and their locks.

    def busy(self, event: str) -> bool:
        """Tell whether something is being done to an event's head."""
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
        status = self.tables._write(ownership, batch)
        if status is CommitStatus.COMMITTED:
            event = ownership.event
            number = self._numbers[event]
            versions = self.versions
            self.versions = (*versions[:number], batch.to, *versions[number + 1 :])
            self.committed_at[event].append(self.scheduler.now)
        return status

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

    def acquire(self, event: str, token: str) -> Ownership | str | None:
        if self.full:
            return "no room"
        head = self.head(event)
        if head.token != token:
            if head.token is not None and head.lease_until > self.scheduler.now:
                return None
            head.epoch += 1
            head.token = token
        return self.own(event)

    def own(self, event: str) -> Ownership:
        """Begin the head's epoch, unless its owner asks once more, and lease it."""
        head = self.head(event)
        self.begun.setdefault((event, head.epoch), self.scheduler.now)
        return self.tables._owned(event, head)

    def new_token(self) -> str:
        self._tokens += 1
        return f"owner {self._tokens}"

    def void_leases(self) -> None:
        for head in self.tables.heads.values():
            head.token = None


class SimClock(DatabaseClock):
    """The shipped clock, which knows nothing of ours before the first answer."""

    def __init__(self, loop: ProcessLoop) -> None:
        super().__init__(loop.time)
        self._offset_ms = float(NOW_MS)


class SimJournal:
    """Implements `inventory.ports.Journal` for one process over the database."""

    def __init__(
        self, database: Database, loop: ProcessLoop, clock: DatabaseClock
    ) -> None:
        self.database = database
        self.loop = loop
        self.clock = clock

    async def commit(self, ownership: Ownership, batch: Batch) -> CommitStatus:
        return await self._submit(ownership, batch)

    async def confirm(self, ownership: Ownership) -> CommitStatus:
        return await self._submit(ownership, None)

    async def _submit(self, ownership: Ownership, batch: Batch | None) -> CommitStatus:
        database, random = self.database, self.database.random
        scheduler = database.scheduler
        asked = copy(ownership)
        answer: asyncio.Future[Any] = self.loop.create_future()
        sent = self.loop.time()
        hold_s = database.commit_s * (0.5 + random.random())
        fault, seconds = database.armed.popleft() if database.armed else ("", 0.0)

        def heard(status: object) -> None:
            self._hear(answer, status, sent)

        def doubt() -> None:
            self._hear(answer, CommitStatus.AMBIGUOUS, None)

        def ignore(_: object) -> None:
            """Nobody listens any more."""

        def work() -> CommitStatus:
            return database.write(asked, batch)

        if fault:
            database.faults[fault] += 1
        said: Callable[[Any], None] = heard
        delay_s = 0.0
        match fault:
            case "slow":
                hold_s += seconds
            case "answer lost" | "warning":
                said = lambda _: doubt()  # noqa: E731
            case "refused":
                work = lambda: CommitStatus.ABORTED  # noqa: E731
            case "vanished":
                scheduler.call_later(hold_s, doubt)
                return await self._status(answer)
            case "late":
                scheduler.call_later(hold_s, doubt)
                hold_s, said = hold_s + seconds, ignore
            case "too late":
                scheduler.call_later(hold_s, doubt)
                delay_s, said = hold_s + seconds, ignore
            case "rival":
                database.rob(asked.event, seconds)
            case "raises":
                scheduler.call_later(
                    hold_s, self._hear, answer, Broken("the commit is lost"), None
                )
                return await self._status(answer)
            case "raises written":

                def said(_: object) -> None:
                    self._hear(answer, Broken("no answer"), None)

            case _:
                pass
        statement = Statement(asked.event, work, hold_s, said, doubt)
        if delay_s:
            scheduler.call_later(delay_s, database.arrive, statement)
        else:
            database.arrive(statement)
        scheduler.call_later(DEADLINE_S, doubt)
        return await self._status(answer)

    async def _status(self, answer: asyncio.Future[Any]) -> CommitStatus:
        status: CommitStatus = await answer
        self.database.statuses[status.value] += 1
        return status

    def _hear(
        self, answer: asyncio.Future[Any], result: object, sent: float | None
    ) -> None:
        """Let the process hear an answer, with the server's time, when it runs."""
        if not answer.done():
            now_ms = self.database.clock.now_ms()
            self.loop.call_soon(self._heard, answer, result, sent, now_ms)

    def _heard(
        self,
        answer: asyncio.Future[Any],
        result: object,
        sent: float | None,
        now_ms: int,
    ) -> None:
        if answer.done():
            return
        if isinstance(result, Exception):
            answer.set_exception(result)
            return
        if sent is not None:
            self.clock.observe(now_ms, sent, self.loop.time())
        answer.set_result(result)

    async def _call(
        self, event: str, work: Callable[[], Any], *, lock: bool = True
    ) -> Any:
        """Run another statement; `Unavailable` where there is no answer."""
        database = self.database
        answer: asyncio.Future[Any] = self.loop.create_future()
        sent = self.loop.time()
        gone = Unavailable("the database does not answer")
        hold_s = database.commit_s * database.random.random()

        def heard(result: object) -> None:
            self._hear(answer, result, sent)

        def lost() -> None:
            self._hear(answer, gone, None)

        if lock:
            database.arrive(Statement(event, work, hold_s, heard, lost))
        elif database.down:
            lost()
        elif not database.frozen:
            database.scheduler.call_later(hold_s, lambda: heard(work()))
        database.scheduler.call_later(DEADLINE_S, lost)
        result = await answer
        if result == "no room":
            raise Unavailable("the disk is full")
        return result

    async def start(self) -> None:
        """Set the clock, before anybody looks at it, and void our former leases."""
        while True:
            try:
                await self._call("", self.database.void_leases, lock=False)
            except Unavailable:
                await asyncio.sleep(0.3)
            else:
                return

    async def acquire(self, event: str) -> Ownership | None:
        """Ask a few times for the same, as the shipped control line does."""
        database = self.database
        token = database.new_token()
        for _ in range(limits.CONTROL_ATTEMPTS_MAX - 1):
            try:
                return await self._acquire(event, token)
            except Unavailable:
                await asyncio.sleep(0.05 + 0.1 * database.random.random())
        return await self._acquire(event, token)

    async def _acquire(self, event: str, token: str) -> Ownership | None:
        found: Ownership | None = await self._call(
            event, lambda: self.database.acquire(event, token)
        )
        self.database.heard.add(token)
        return found

    async def fence(self, ownership: Ownership, token: str) -> Fenced | None:
        """Ask until there is an answer, each time the same."""
        asked, database = copy(ownership), self.database
        while True:
            try:
                found: Fenced | None = await self._call(
                    asked.event, lambda: database.fence(asked, token)
                )
            except Unavailable:
                pass  # Asked again below, as the shipped fencer does.
            else:
                if not database.armed_fences:
                    database.heard.add(token)
                    return found
                database.armed_fences -= 1
                database.faults["fence's answer lost"] += 1
            await asyncio.sleep(0.05 + 0.1 * database.random.random())

    async def load_snapshot(self, event: str) -> StoredSnapshot | None:
        found: StoredSnapshot | None = await self._call(
            event, lambda: self.database.head(event).snapshot, lock=False
        )
        return found

    async def load_rows(self, event: str, after: int, limit: int) -> list[JournalRow]:
        def read() -> list[JournalRow]:
            rows = self.database.head(event).rows
            return [row for row in rows if row.to > after][:limit]

        found: list[JournalRow] = await self._call(event, read, lock=False)
        return found

    async def find_results(
        self, event: str, keys: Iterable[tuple[str, str]]
    ) -> list[KeyedResult]:
        asked = sorted(keys)
        stored = self.database.head(event).results

        def read() -> list[KeyedResult]:
            return [stored[key] for key in asked if key in stored]

        found: list[KeyedResult] = await self._call(event, read, lock=False)
        return found

    async def save_snapshot(
        self, ownership: Ownership, version: int, body: bytes
    ) -> None:
        asked, head = copy(ownership), self.database.head(ownership.event)

        def save() -> None:
            if (head.epoch, head.token) == (asked.epoch, asked.token) and (
                head.snapshot is None
                or head.snapshot.version <= version <= head.version
            ):
                head.snapshot = StoredSnapshot(version, body)

        await self._call(asked.event, save, lock=False)

    async def release(self, ownership: Ownership) -> None:
        asked, head = copy(ownership), self.database.head(ownership.event)

        def release() -> None:
            if (head.epoch, head.token) == (asked.epoch, asked.token):
                head.token = None

        await self._call(asked.event, release)
