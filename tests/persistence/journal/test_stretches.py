"""Commits are read in order, and those that are marked as without are passed over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec import DecodeError, msgpack, structs

from inventory.changes import (
    BOOKED,
    CONFIGURED,
    AnyChange,
    HoldBooked,
    HoldExpired,
    SaleChanged,
)
from inventory.ports import CommitStatus, Ownership
from persistence.journal import stretches
from persistence.journal.batch_rows import COMMIT, encode_call
from persistence.journal.lanes import Pending
from persistence.journal.stretches import Hole, Stretch, Timer, marks_of, read_stretch
from tests.persistence.journals import Store, make_batch

GONE, OPENED = HoldExpired("h"), SaleChanged("on_sale")
SOLD = HoldBooked("h", "b", "R", None)
HEAD = "SELECT version, marked FROM event_head"
UNREADABLE = "UPDATE journal SET body = 'not read' WHERE marks = 0"

pytestmark = pytest.mark.usefixtures("small_stretches")


@pytest.fixture
def small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "ROWS_MAX", 3)
    monkeypatch.setattr(stretches, "PASSED_MAX", 20)


async def commit(
    store: Store, ownership: Ownership, marks: int | None, *changes: AnyChange
) -> None:
    batch = make_batch(ownership, len(changes), marks=marks)
    batch.body = msgpack.encode(changes)
    assert await store.commit(ownership, batch) is CommitStatus.COMMITTED


async def read(
    store: Store, base: int, marks: int = 0, upto: int = stretches.VERSIONS_MAX
) -> tuple[int, list[int]]:
    """How far a stretch goes, and the last versions of the commits in it."""
    async with transaction(store) as connection:
        found: Stretch = await read_stretch(
            connection, "evt", base, Timer(), marks, upto
        )
    return found.to, [row.to for row in found.rows]


@asynccontextmanager
async def transaction(store: Store) -> AsyncIterator[object]:
    async with store.pool.transaction() as connection:
        yield connection


async def test_a_commit_without_what_is_sought_is_passed_over_unread(store):
    ownership = await store.own("evt")
    await commit(store, ownership, CONFIGURED, OPENED)
    await commit(store, ownership, 0, GONE, GONE)
    await commit(store, ownership, BOOKED, GONE, SOLD)
    await commit(store, ownership, 0, GONE)
    await store.query(UNREADABLE)
    assert await read(store, 0, BOOKED) == (6, [5])
    assert await read(store, 0, CONFIGURED) == (6, [1])
    assert await read(store, 0, BOOKED | CONFIGURED) == (6, [1, 5])
    assert await read(store, 5, BOOKED) == (6, [])
    assert await read(store, 6, BOOKED) == (6, [])
    # Who seeks all meets what cannot be read.
    with pytest.raises(DecodeError):
        await read(store, 0)


async def test_a_stretch_ends_where_it_is_told_to(store):
    ownership = await store.own("evt")
    for marks, change in ((BOOKED, SOLD), (0, GONE), (BOOKED, SOLD), (0, GONE)):
        await commit(store, ownership, marks, change)
    assert await read(store, 0, BOOKED, upto=2) == (2, [1])
    assert await read(store, 0, upto=2) == (2, [1, 2])
    assert await read(store, 2, BOOKED, upto=3) == (3, [3])


async def test_what_is_sought_comes_so_much_at_a_time(store, monkeypatch):
    """What is passed over behind the last of it belongs to the stretch."""
    ownership = await store.own("evt")
    for _ in range(4):
        await commit(store, ownership, BOOKED, SOLD)
        await commit(store, ownership, 0, GONE)
    assert await read(store, 0, BOOKED) == (6, [1, 3, 5])
    assert await read(store, 6, BOOKED) == (8, [7])
    assert await read(store, 0) == (3, [1, 2, 3])
    # The first comes whatever its size; the second is beyond the bytes.
    monkeypatch.setattr(stretches, "BYTES_MAX", 1)
    assert (await read(store, 0, BOOKED))[1] == [1]
    assert (await read(store, 2, BOOKED))[1] == [3]


async def test_so_many_are_passed_over_at_a_time(store):
    ownership = await store.own("evt")
    for _ in range(25):
        await commit(store, ownership, 0, GONE)
    await commit(store, ownership, BOOKED, SOLD)
    assert await read(store, 0, BOOKED) == (20, [])
    assert await read(store, 20, BOOKED) == (26, [26])


async def test_a_commit_that_nobody_marked_is_read(store):
    """As of former versions, and of processes that are not upgraded yet."""
    ownership = await store.own("evt")
    await commit(store, ownership, None, SOLD)
    await commit(store, ownership, None, GONE)
    await commit(store, ownership, 0, GONE)
    assert await read(store, 0, BOOKED) == (3, [1, 2])


@pytest.mark.parametrize("lost", [1, 2, 4])
@pytest.mark.parametrize("marks", [0, BOOKED])
async def test_a_commit_that_is_lost_is_noticed(store, marks, lost):
    ownership = await store.own("evt")
    for told, change in ((0, GONE), (BOOKED, SOLD), (0, GONE), (0, GONE), (0, GONE)):
        await commit(store, ownership, told, change)
    await store.query("DELETE FROM journal WHERE to_version = $1", lost)
    with pytest.raises(Hole):
        # Of those that seek all a stretch may end before the hole.
        await read(store, (await read(store, 0, marks))[0], marks)


async def test_a_commit_with_more_or_fewer_changes_than_versions_is_a_hole(store):
    ownership = await store.own("evt")
    await commit(store, ownership, BOOKED, SOLD, GONE)
    body = msgpack.encode([SOLD])
    await store.query("UPDATE journal SET body = $1", body)
    with pytest.raises(Hole, match="do not lead to 2"):
        await read(store, 0, BOOKED)


async def test_the_head_tells_after_which_version_nothing_has_a_mark(store):
    ownership = await store.own("evt")
    assert await store.query(HEAD) == [(0, None)]
    seen = []
    for marks in (0, BOOKED, 0, 0, CONFIGURED, None, 0):
        await commit(store, ownership, marks, GONE)
        await store.journal.confirm(ownership)
        seen += await store.query(HEAD)
    # Of what nobody marked it is not said that it has none.
    assert seen == [(1, 0), (2, 2), (3, 2), (4, 2), (5, 5), (6, 6), (7, 6)]


async def test_of_an_event_of_a_former_version_the_head_knows_nothing(store):
    ownership = await store.own("evt")
    await commit(store, ownership, None, SOLD)
    await store.query("UPDATE event_head SET marked = NULL")
    assert await store.journal.confirm(ownership) is CommitStatus.COMMITTED
    assert await store.query(HEAD) == [(1, None)]
    await commit(store, ownership, 0, GONE)
    assert await store.query(HEAD) == [(2, 1)]


async def test_a_process_of_the_version_before_commits_as_it_did(store):
    """Its call has a parameter less; what it commits is taken for marked."""
    ownership = await store.own("evt")
    batch = make_batch(ownership)
    arguments = encode_call([Pending(ownership, batch, 0.0)], 10_000)[:-1]
    former = COMMIT.replace(f", ${len(arguments) + 1})", ")")
    assert former != COMMIT
    rows = await store.pool.fetch(former, *arguments)
    assert [row["status"] for row in rows] == ["committed"]
    assert await store.query(HEAD) == [(1, 1)]
    assert await store.query("SELECT marks FROM journal") == [(None,)]


async def test_events_of_one_call_have_each_their_own_marks(store):
    owned = [await store.own(f"evt {n}") for n in range(3)]
    told = (0, None, BOOKED)
    taken = [
        Pending(one, structs.replace(make_batch(one), marks=marks), 0.0)
        for one, marks in zip(owned, told, strict=True)
    ]
    taken.append(Pending(await store.own("renewed"), None, 0.0))
    await store.pool.fetch(COMMIT, *encode_call(taken, 10_000))
    marked = await store.query("SELECT marked FROM event_head ORDER BY event_id")
    assert marked == [(0,), (1,), (1,), (None,)]
    marks = await store.query("SELECT marks FROM journal ORDER BY event_id")
    assert marks == [(0,), (None,), (BOOKED,)]


def test_only_what_commits_tell_can_be_looked_for():
    assert marks_of([HoldBooked, SaleChanged]) == BOOKED | CONFIGURED
    with pytest.raises(KeyError):
        marks_of([HoldExpired])
