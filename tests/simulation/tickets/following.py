"""Followers of one process: what ships, over the simulated journal and tables.

A pass waits where it asks the database, and whoever dies there has done nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Self

import persistence.followers.passes as passes
from inventory.changes import HoldBooked
from inventory.loading import decode_changes
from persistence.errors import Unavailable
from persistence.followers.follower import Followed, Follower
from persistence.followers.passes import Overtaken, Passes
from persistence.journal.stretches import JournalRow, Stretch, marks_of
from server.events.line.follower import KINDS as LINE_KINDS
from server.events.line.follower import LineFollower
from server.shop.tickets.follower import KINDS, TicketFollower
from tests.simulation.orders.tables import Transaction
from tests.simulation.outboxes.parts import followers
from tests.simulation.tickets.tables import SimKeyring, SimPlaces

if TYPE_CHECKING:
    from tests.simulation.orders.tables import Tables
    from tests.simulation.process import Process

FOLLOW_S: Final = 0.5
ROWS_MAX: Final = 6


class Pass(Transaction):
    """A transaction of a pass, with its advisory lock."""

    def __init__(self, tables: "Tables", process: "Process") -> None:
        super().__init__(tables)
        self.process = process
        self.lock: tuple[str, str] | None = None

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            await super().__aexit__(kind, *rest)
        finally:
            if self.lock is not None and self.tickets.locks.get(self.lock) is self:
                del self.tickets.locks[self.lock]

    async def fetchval(self, sql: str, *values: Any) -> Any:
        if sql is passes._TRY_LOCK:
            name, event = values[:2]
            holder = self.tickets.locks.get((name, event))
            if holder is not None and holder.process.loop.alive:
                return False
            self.lock = name, event
            self.tickets.locks[name, event] = self
            return True
        if sql is not passes._MOVE:
            return await super().fetchval(sql, *values)
        name, event, base, to = values
        if self.tickets.cursors.get((name, event), base) != base:
            return None
        self.changed.cursors[name, event] = to
        return to

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        if sql is not passes._STATE:
            return await super().fetchrow(sql, *values)
        name, event, after = values
        cursors, head = self.tickets.cursors, self.tables.world.database.head(event)
        upto = head.version if after is None else cursors.get((after, event), 0)
        version = cursors.get((name, event), 0)
        return {"head": head.version, "version": version, "upto": upto}


class PassPool:
    """Stands for the pool of one process."""

    def __init__(self, process: "Process") -> None:
        self._process = process

    def transaction(self) -> Pass:
        return Pass(self._process.world.tables, self._process)


async def read_stretch(
    connection: Pass, event: str, base: int, timer: object, marks: int, upto: int
) -> Stretch:
    """Read some of a journal, and take a while for it."""
    random = connection.tickets.random
    await asyncio.sleep(0.2 * random.random())
    head = connection.tables.world.database.head(event)
    passed = [row for row in head.rows if base < row.to <= upto]
    passed = passed[: 1 + int(ROWS_MAX * random.random())]
    sought = [
        row for row in passed if not marks or _may_have(head.marks[row.to], marks)
    ]
    return Stretch(
        passed[-1].to if passed else base,
        [JournalRow(x.base, x.to, x.at_ms, decode_changes(x.body)) for x in sought],
    )


def _may_have(told: int | None, marks: int) -> bool:
    return told is None or bool(told & marks)


class Letters:
    """Has one effect for each change, and needs what tickets did."""

    name: Final = "letters"

    async def follow(
        self, connection: Pass, event_id: str, changes: Sequence[Followed]
    ) -> None:
        connection.changed.letters += [(event_id, one.version) for one in changes]
        tables, world = connection.tickets, connection.tables.world
        issued = {one.booking for one in tables.tickets.values()}
        # Where nothing was left of a booking there was nothing to make.
        issued |= world.database.head(event_id).cancelled
        orders = connection.orders()
        kept = [x for x in orders if any(one.kept for one in x.lines)]
        issued |= {one.booking or "" for one in kept}
        for one in changes:
            if isinstance(one.change, HoldBooked) and one.change.booking not in issued:
                world.violate(f"A letter of {one.change} names no tickets")


class Numbers:
    """Stands for `RandomIds`."""

    def __init__(self, process: "Process") -> None:
        self._world = process.world

    def reference(self) -> str:
        return f"T{self._world.tickets.number():06}"


class Following:
    """Brings the followers on, as each process does."""

    def __init__(self, process: "Process") -> None:
        self.world = process.world
        pool: Any = PassPool(process)
        self._passes = Passes(pool)
        keyring: Any = SimKeyring()
        tickets = TicketFollower(keyring)
        places: Any = SimPlaces()
        ids: Any = Numbers(process)
        tickets._places, tickets._ids = places, ids
        self._followers: list[tuple[Follower, str | None, int]] = [
            (tickets, None, marks_of(KINDS)),
            (Letters(), tickets.name, 0),
        ]
        if self.world.plan.outboxes:
            after = [(one, tickets.name, marks) for one, marks in followers()]
            self._followers += after
        if self.world.crowd.events:
            self._followers.append((LineFollower(), None, marks_of(LINE_KINDS)))

    async def run(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_S)
            for follower, after, marks in self._followers:
                for event in self.world.events:
                    await self._bring(follower, event, after, marks)

    async def _bring(
        self, follower: Follower, event: str, after: str | None, marks: int
    ) -> None:
        more = True
        while more:
            try:
                passed = await self._passes.step(follower, event, after, marks)
            except (Unavailable, Overtaken):
                return
            more = passed.more and passed.versions > 0


class NoTimer:
    """Stands for `Timer`: nobody keeps the loop here."""

    async def pause(self) -> None:
        """Go on at once."""


PATCHES: Final[tuple[tuple[Any, str, Any], ...]] = (
    (passes, "read_stretch", read_stretch),
    (passes, "Timer", NoTimer),
)
