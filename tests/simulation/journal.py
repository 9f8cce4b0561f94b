"""What one process has of the database: the journal port, with all that goes wrong.

The faults of a commit are those that `database` is armed with.
"""

import asyncio
from collections.abc import Callable, Iterable
from copy import copy
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
from persistence import limits
from persistence.errors import Unavailable
from persistence.journal.journal import Head as JournalHead
from persistence.postgres.clock import DatabaseClock
from tests.fakes import Broken
from tests.scenario import NOW_MS
from tests.simulation.database import Database, Statement
from tests.simulation.loop import ProcessLoop

DEADLINE_S = limits.CALL_DEADLINE_S


class SimClock(DatabaseClock):
    """The shipped clock, which knows nothing of ours before the first answer."""

    def __init__(self, loop: ProcessLoop) -> None:
        super().__init__(loop.time)
        self._offset_ms = float(NOW_MS)


class SimJournal:
    """Implements `inventory.ports.Journal` for one process over the database."""

    def __init__(
        self, database: Database, loop: ProcessLoop, clock: DatabaseClock, address: str
    ) -> None:
        self.database = database
        self.address = address
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
                database.rob(asked, seconds)
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

    async def call(
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

    async def start(self, former: Callable[[str], bool]) -> None:
        """Set the clock, before anybody looks at it, and void our former leases."""
        while True:
            try:
                await self.call("", lambda: self.database.void(former), lock=False)
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
        found: Ownership | None = await self.call(
            event, lambda: self.database.acquire(event, token, self.address)
        )
        self.database.heard.add(token)
        return found

    async def fence(self, ownership: Ownership, token: str) -> Fenced | None:
        """Ask until there is an answer, each time the same."""
        asked, database = copy(ownership), self.database
        while True:
            try:
                found: Fenced | None = await self.call(
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
        found: StoredSnapshot | None = await self.call(
            event, lambda: self.database.head(event).snapshot, lock=False
        )
        return found

    async def load_rows(self, event: str, after: int, limit: int) -> list[JournalRow]:
        def read() -> list[JournalRow]:
            rows = self.database.head(event).rows
            return [row for row in rows if row.to > after][:limit]

        found: list[JournalRow] = await self.call(event, read, lock=False)
        return found

    async def find_results(
        self, event: str, keys: Iterable[tuple[str, str]]
    ) -> list[KeyedResult]:
        asked = sorted(keys)
        stored = self.database.head(event).results

        def read() -> list[KeyedResult]:
            return [stored[key] for key in asked if key in stored]

        found: list[KeyedResult] = await self.call(event, read, lock=False)
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

        await self.call(asked.event, save, lock=False)

    async def release(self, ownership: Ownership, *, due: bool) -> None:
        asked = copy(ownership)

        def release() -> None:
            self.database.release(asked, due=due)

        await self.call(asked.event, release)

    async def heads(self, events: list[str]) -> list[JournalHead]:
        """Tell where events stand and who owns them."""
        found: list[JournalHead] = await self.call(
            "", lambda: [self._head(event) for event in events], lock=False
        )
        return found

    def _head(self, event: str) -> JournalHead:
        head = self.database.head(event)
        return JournalHead(
            event=event,
            history_id="history",
            epoch=head.epoch,
            version=head.version,
            address=self.database.owner(event),
            lease_until_ms=None,
        )
