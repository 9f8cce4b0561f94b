"""The journal in memory and the one over Postgres give the same answers.

What the tests of the actor learn from the first one would be worth little otherwise.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from msgspec import to_builtins

from inventory.ports import Batch, CommitStatus, Journal, KeyedResult, Ownership
from persistence.journal.journal import PostgresJournal
from tests.fakes import ManualClock, MemoryJournal
from tests.persistence.journals import make_batch, make_booking, make_result, open_store
from tests.scenario import EVENT, ORGANIZER, hall, settings_of
from tests.stage import Stage, soon

pytestmark = [pytest.mark.race, pytest.mark.postgres]

VENUE = hall("A 1111111111", areas={"GA": (5, "1")})
SETTINGS = settings_of()

Script = Callable[["Side"], Awaitable[list[object]]]


class Side:
    """One of the two journals, and how to look behind it."""

    def __init__(self, journal: Journal, lapse: Callable[[], Awaitable[None]]) -> None:
        self.journal = journal
        self.lapse = lapse
        """End the lease of whoever has the event."""

    async def own(self) -> Ownership:
        ownership = await self.journal.acquire(EVENT)
        assert ownership is not None
        return ownership

    async def commit(self, ownership: Ownership, batch: Batch) -> str:
        status = await self.journal.commit(ownership, batch)
        if status is CommitStatus.COMMITTED:
            ownership.version, ownership.chain = batch.to, batch.chain
        return status.value


@pytest.fixture
async def sides(database_url: str) -> AsyncIterator[tuple[Side, Side]]:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(database_url))
        await store.catalog.create_venue(
            "ven", "Hall", VENUE.map, created_by="usr", request_hash=b""
        )
        await store.catalog.create_event(
            EVENT, SETTINGS, venue="ven", created_by="usr", request_hash=b""
        )
        clock = ManualClock()
        memory = MemoryJournal(clock)
        memory.add_event(EVENT, VENUE)

        async def lapse_memory() -> None:
            memory.heads[EVENT].lease_until = 0.0

        async def lapse_postgres() -> None:
            await store.query("UPDATE event_head SET lease_until = clock_timestamp()")

        yield Side(memory, lapse_memory), Side(store.journal, lapse_postgres)


def seen(ownership: Ownership | None) -> object:
    """What may be compared: tokens and histories are each journal's own."""
    if ownership is None:
        return None
    return ownership.epoch, ownership.version, ownership.chain


def batch_of(ownership: Ownership, body: bytes = b"body", **rows: Any) -> Batch:
    """A batch that is the same for both journals."""
    batch = make_batch(ownership, **rows)
    batch.batch_id, batch.body = f"batch {ownership.version}", body
    batch.chain = ownership.chain + body
    return batch


async def ownership(side: Side) -> list[object]:
    journal = side.journal
    first = await side.own()
    told: list[object] = [seen(first), seen(await journal.acquire(EVENT))]
    await side.lapse()
    second = await side.own()
    told += [seen(second), await side.commit(first, batch_of(first))]
    told += [
        (await journal.confirm(first)).value,
        (await journal.confirm(second)).value,
    ]
    told += [await side.commit(second, batch_of(second)), seen(second)]
    # Another's release does nothing, one's own ends the lease.
    await journal.release(first, due=False)
    told.append(seen(await journal.acquire(EVENT)))
    await journal.release(second, due=False)
    told += [await side.commit(second, batch_of(second)), seen(await side.own())]
    return told


async def fences(side: Side) -> list[object]:
    journal = side.journal
    first = await side.own()
    await side.commit(first, batch_of(first))
    told: list[object] = []
    for token in ("new", "new", "other"):
        fenced = await journal.fence(first, token)
        told.append(
            None if fenced is None else (seen(fenced.ownership), fenced.batch_id)
        )
    fenced = await journal.fence(first, "new")
    assert fenced is not None
    told += [fenced.ownership.token, await side.commit(first, batch_of(first))]
    told += [await side.commit(fenced.ownership, batch_of(fenced.ownership))]
    told += [seen(fenced.ownership)]
    return told


async def rows(side: Side) -> list[object]:
    owned = await side.own()
    told: list[object] = []
    stale = Ownership(EVENT, "", owned.epoch, owned.token, 0, b"")
    for number in range(4):
        told += [await side.commit(owned, batch_of(owned, versions=number + 1))]
    told += [await side.commit(stale, batch_of(stale))]
    for after, limit in ((0, 10), (1, 2), (2, 10), (9, 10), (10, 10)):
        found = await side.journal.load_rows(EVENT, after, limit)
        told += [to_builtins(found)]
    return told


async def second_lock(side: Side) -> list[object]:
    """What the tables refuse changes nothing."""
    owned = await side.own()
    told: list[object] = []
    attempts: list[dict[str, Any]] = [
        {"sold": [(0, "b1"), (1, "b1")], "area_sold": {0: 3}},
        {"sold": [(2, "b2"), (1, "b2")]},
        {"area_sold": {0: 3}},
        {"freed": [(0, "b2")]},
        {"freed": [(5, "b1")]},
        {"freed": [(0, "b1")], "sold": [(0, "b3")], "area_sold": {0: -1}},
        {"area_sold": {0: -3}},
        {"area_sold": {0: 3}},
        {"bookings": [make_booking("b4")]},
        {"bookings": [make_booking("b4")]},
        {"cancelled": ["b4"]},
        {"cancelled": ["b9"]},
        {"bookings": [make_booking("b5")], "cancelled": ["b5"]},
        {"results": [make_result("k1")]},
        {"results": [make_result("k1")]},
        {"settings": settings_of(sale_state="paused")},
    ]
    for attempt in attempts:
        told += [await side.commit(owned, batch_of(owned, **attempt)), seen(owned)]
    return told


async def results(side: Side) -> list[object]:
    owned = await side.own()
    kept = [
        KeyedResult("ann", "k1", b"hash", 1, b"one"),
        KeyedResult("bob", "k1", b"hash", 1, b"two"),
    ]
    await side.commit(owned, batch_of(owned, results=kept))
    told: list[object] = []
    for keys in ([("ann", "k1")], [("ann", "k2")], [], [("bob", "k1"), ("ann", "k1")]):
        found = await side.journal.find_results(EVENT, keys)
        told.append(sorted((one.user, one.outcome, one.version) for one in found))
    return told


async def snapshots(side: Side) -> list[object]:
    journal = side.journal
    owned = await side.own()
    told: list[object] = [await journal.load_snapshot(EVENT)]
    await side.commit(owned, batch_of(owned, versions=3))
    for version, body in ((2, b"two"), (1, b"late"), (9, b"ahead"), (3, b"three")):
        await journal.save_snapshot(owned, version, body)
        told.append(to_builtins(await journal.load_snapshot(EVENT)))
    await side.lapse()
    await side.own()
    await journal.save_snapshot(owned, 3, b"no owner")
    told.append(to_builtins(await journal.load_snapshot(EVENT)))
    return told


@pytest.mark.parametrize(
    "script", [ownership, fences, rows, second_lock, results, snapshots]
)
async def test_both_journals_answer_the_same_calls_alike(sides, script: Script):
    memory, postgres = sides
    told = await script(memory)
    assert await script(postgres) == told
    assert len({repr(one) for one in told}) > 1, "a script that sees no difference"


SELLING = """
ann | hold A-1 A-2 GA*3     | k1
bob | hold A-2              |
bob | hold A-3 GA*1         |
ann | hold A-1 A-2 GA*3     | k1
ann | hold A-4              | k1
bob | best 2                | k2
ann | book t1               | k3
ann | book t1               | k3
ann | book t1               |
ann | release nothing       |
org | block A-9 A-10        | k4
org | sale pause            | k5
bob | hold A-8              |
org | sale resume           |
zoe | holding               |
ann | holding               |
"""


async def ask(stage: Stage, user: str, command: str, key: str | None = None) -> Any:
    """Ask and wait as long as a database takes."""
    envelope = stage.send(user, command, key)
    await soon(lambda: envelope in stage.caller.answers)
    return to_builtins(stage.caller.answers[envelope])


async def sell(journal: Journal, clock: ManualClock) -> list[object]:
    """Two days at the box office, with a restart between them."""
    told: list[object] = []
    stage = Stage(VENUE, SETTINGS, journal)
    stage.clock = clock
    for _ in range(2):
        actor = stage.open()
        await actor.ready
        for row in SELLING.strip().splitlines():
            user, command, key = (part.strip() for part in row.split("|"))
            told.append(await ask(stage, user, command, key or None))
        for booking in (await ask(stage, "ann", "holding"))["bookings"]:
            told += [await ask(stage, "ann", f"cancel {booking['booking']}")]
        clock.advance(8)
        await actor.stop(2.0)
        told.append((bytes(stage.board.letters), stage.board.areas))
    told += [to_builtins(await journal.load_rows(EVENT, 0, 1_000))]
    return told


async def test_both_journals_sell_alike(sides):
    memory, postgres = sides
    assert isinstance(memory.journal, MemoryJournal)
    assert isinstance(postgres.journal, PostgresJournal)
    told = await sell(memory.journal, memory.journal.clock)
    assert await sell(postgres.journal, ManualClock()) == told
    assert ORGANIZER in SELLING
