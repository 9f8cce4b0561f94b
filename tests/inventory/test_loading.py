"""Reading a state back, and what a damaged journal is told apart by."""

import asyncio
from copy import copy

import pytest
from msgspec import msgpack

from inventory import limits
from inventory.batch import BatchBuilder, chained
from inventory.changes import SeatsHeld
from inventory.loading import Deposed, Loaded, load, replay_row
from inventory.ports import JournalRow, Ownership
from inventory.records import Corrupt
from inventory.snapshot import encode_snapshot
from inventory.state import Stock
from tests.fakes import ManualClock, MemoryJournal
from tests.scenario import EVENT, NOW_MS, SMALL, settings_of

SETTINGS = settings_of()
END_MS = NOW_MS + 600_000


def held(hold: str, *seats: int) -> SeatsHeld:
    return SeatsHeld(hold, "ann", seats, {}, END_MS)


async def written(*batches: list[SeatsHeld]) -> tuple[MemoryJournal, Ownership, Stock]:
    """A journal with these batches, its ownership, and the state that wrote it."""
    journal = MemoryJournal(ManualClock())
    journal.add_event(EVENT, SMALL)
    ownership = await journal.acquire(EVENT)
    assert ownership is not None
    stock = Stock(SMALL, SETTINGS)
    for number, changes in enumerate(batches):
        builder = BatchBuilder(stock)
        for change in changes:
            builder.add(change, NOW_MS + number)
        batch = builder.batch(ownership, f"batch {number}", NOW_MS + number)
        await journal.commit(ownership, batch)
        ownership.version, ownership.chain = batch.to, batch.chain
    return journal, ownership, stock


async def read(journal: MemoryJournal, ownership: Ownership) -> Loaded:
    return await load(journal, ownership, SMALL, SETTINGS)


THREE = ([held("h1", 0)], [held("h1", 1), held("h2", 4)], [held("h3", 8)])


async def test_an_event_without_a_past_is_as_it_was_made():
    journal, ownership, stock = await written()
    loaded = await read(journal, ownership)
    assert loaded.stock.hash() == stock.hash()
    assert loaded.snapshot_version == 0
    assert loaded.ownership is ownership


async def test_the_journal_gives_the_state_that_wrote_it(monkeypatch):
    monkeypatch.setattr(limits, "REPLAY_ROWS", 2)
    journal, ownership, stock = await written(*THREE)
    loaded = await read(journal, ownership)
    assert loaded.stock.hash() == stock.hash()
    assert loaded.stock.at_ms == NOW_MS + 2
    assert journal.calls.count("load_rows") == 2
    assert loaded.stock.touched_seats == []
    loaded.stock.check()


async def test_a_snapshot_saves_what_is_before_it():
    journal, ownership, stock = await written(*THREE[:2])
    await journal.save_snapshot(ownership, stock.version, encode_snapshot(stock))
    rows = journal.heads[EVENT].rows
    rows.clear()
    loaded = await read(journal, ownership)
    assert loaded.stock.hash() == stock.hash()
    assert loaded.snapshot_version == 3


async def test_reading_lets_the_loop_turn(monkeypatch):
    monkeypatch.setattr(limits, "REPLAY_SLICE_S", -1.0)
    journal, ownership, _ = await written(*THREE)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(count())
    await read(journal, ownership)
    task.cancel()
    assert turns >= 3


def damage(row: JournalRow, **fields: object) -> JournalRow:
    kept = {name: getattr(row, name) for name in JournalRow.__struct_fields__}
    return JournalRow(**(kept | fields))


async def test_a_missing_end_is_noticed():
    journal, ownership, _ = await written(*THREE)
    journal.heads[EVENT].rows.pop()
    with pytest.raises(Corrupt, match="before its head"):
        await read(journal, ownership)


async def test_a_missing_batch_is_noticed():
    journal, ownership, _ = await written(*THREE)
    del journal.heads[EVENT].rows[1]
    with pytest.raises(Corrupt):
        await read(journal, ownership)


async def test_a_changed_body_breaks_the_chain():
    journal, ownership, _ = await written(*THREE)
    rows = journal.heads[EVENT].rows
    rows[1] = damage(rows[1], body=msgpack.encode([held("h9", 1), held("h2", 4)]))
    with pytest.raises(Corrupt, match="chain"):
        await read(journal, ownership)


async def test_another_journal_of_the_same_length_is_noticed():
    journal, ownership, _ = await written(*THREE)
    ownership.chain = b"another"
    with pytest.raises(Corrupt, match="end at its head"):
        await read(journal, ownership)


async def test_a_journal_that_goes_beyond_its_head_is_noticed():
    journal, ownership, _ = await written(*THREE)
    journal.heads[EVENT].version = ownership.version = 2
    with pytest.raises(Corrupt, match="end at its head"):
        await read(journal, ownership)


async def test_a_snapshot_ahead_of_the_head_is_noticed():
    journal, ownership, stock = await written(*THREE)
    await journal.save_snapshot(ownership, stock.version, encode_snapshot(stock))
    journal.heads[EVENT].version = ownership.version = 3
    with pytest.raises(Corrupt, match="end at its head"):
        await read(journal, ownership)


async def test_what_a_new_owner_wrote_while_we_read_is_no_damage():
    journal, ownership, _ = await written(*THREE)
    former = copy(ownership)
    former.version = 2
    journal.heads[EVENT].epoch += 1
    with pytest.raises(Deposed):
        await read(journal, former)


def row_of(changes: object, base: int = 0, to: int = 1) -> JournalRow:
    body = changes if isinstance(changes, bytes) else msgpack.encode(changes)
    return JournalRow(
        base, to, NOW_MS, body, chained(b"", EVENT, base, to, NOW_MS, body)
    )


DAMAGED = {
    "a batch that does not follow": row_of([held("h1", 0)], base=3, to=4),
    "a batch that begins later and has that many more": row_of(
        [held("h1", 0), held("h2", 1)], base=1, to=2
    ),
    "fewer changes than versions": row_of([held("h1", 0)], to=2),
    "more changes than versions": row_of([held("h1", 0), held("h2", 1)]),
    "a seat that is not there": row_of([held("h1", 999)]),
    "an area that is not there": row_of([SeatsHeld("h", "u", (), {7: 1}, END_MS)]),
    "a seat taken twice": row_of([held("h1", 0), held("h2", 0)], to=2),
    "an unknown change": row_of([["exploded", "h1"]]),
    "a field of another type": row_of([["held", "h1", "ann", "A-1", {}, END_MS]]),
    "no MessagePack": row_of(b"\xc1"),
    "half a batch": row_of(msgpack.encode([held("h1", 0)])[:-3]),
}


@pytest.mark.parametrize("row", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_batch_stops_the_event(row):
    with pytest.raises(Corrupt):
        replay_row(Stock(SMALL, SETTINGS), row)
