from typing import Any

import pytest
from msgspec import msgpack

from inventory.batch import chained
from inventory.changes import HoldExpired, SeatsHeld
from inventory.commands import Book, CancelPart, Hold, Pledge
from inventory.limits import SNAPSHOT_EVERY_VERSIONS
from inventory.loading import Loaded, SnapshotWriter
from inventory.ports import Ownership
from inventory.replies import BookOk, GivenBackOk, HoldOk
from inventory.settings import Money, Sum
from inventory.snapshot import encode_snapshot
from inventory.state import Stock
from inventory.venue.map import Venue
from persistence.events.bookings import Bookings
from persistence.journal.audit import Counts, NotAuditable, Receipt, audit_event
from tests.persistence.journals import SETTINGS, VENUE, Store, make_batch, session
from tests.persistence.ordering import Place, put_order
from tests.persistence.sales import Sale, Silence, sell_some, selling

pytestmark = pytest.mark.postgres

EVENT = "evt"


async def audited(store: Store) -> Receipt:
    return await audit_event(store.url, EVENT)


async def test_a_real_sale_passes_and_is_counted(store):
    await sell_some(store, EVENT)
    receipt = await audited(store)
    assert receipt.differences == []
    assert receipt.ok
    assert receipt.seats == Counts(free=4, held=2, booked=3, blocked=1)
    assert receipt.places == Counts(free=3, held=0, booked=2, blocked=0)
    assert receipt.counts == Counts(free=7, held=2, booked=5, blocked=1)
    assert (receipt.bookings, receipt.holds, receipt.seats_booked) == (3, 2, 3)
    assert receipt.revenue == [Sum(5 * 4_500, "EUR")]
    ((version, chain, batches),) = await store.query(
        "SELECT version, chain, (SELECT count(*) FROM journal) FROM event_head"
    )
    assert (receipt.version, receipt.replayed_to) == (version, version)
    assert receipt.digest.chain == chain.hex()
    assert receipt.batches == batches


async def test_an_event_that_nothing_happened_to_passes(store):
    await store.make_event(EVENT)
    receipt = await audited(store)
    assert receipt.ok
    assert (receipt.version, receipt.batches, receipt.seats.free) == (0, 0, 10)


async def test_an_audit_passes_while_the_sale_goes_on(store):
    async with selling(store, EVENT) as sale:
        for n in range(1, 9):
            await sale.book("ann", await sale.hold("ann", f"A-{n}"))
            receipt = await audited(store)
            assert receipt.ok, receipt.differences
            assert receipt.seats_booked == n


async def test_history_goes_on_over_several_owners(store):
    await sell_some(store, EVENT)
    async with selling(store, EVENT, new=False) as sale:
        await sale.hold("gus", "A-8")
    receipt = await audited(store)
    assert receipt.ok, receipt.differences
    assert receipt.epoch == 2


async def sell_to_an_order(sale: Sale) -> str:
    """An order has A-1, A-2 and two places, and gives back A-1 and a place."""
    hold = Hold(id=1, event=EVENT, seats=["A-1", "A-2"], areas={"GA": 2})
    held = await sale.ask(hold, "ann")
    assert isinstance(held, HoldOk)
    of: Any = {"id": 1, "event": EVENT}
    pledge = Pledge(**of, hold=held.hold, order="ord_1", until_s=900)
    await sale.ask(pledge, "ann", "o:ord_1:pledge", system=True)
    book = Book(**of, hold=held.hold, order="ord_1")
    booked = await sale.ask(book, "ann", "o:ord_1:book", system=True)
    assert isinstance(booked, BookOk)
    part = CancelPart(**of, booking=booked.booking, seats=["A-1"], areas={"GA": 1})
    assert isinstance(await sale.ask(part, "ann", system=True), GivenBackOk)
    return booked.booking


async def test_a_part_that_is_given_back_is_free_and_the_tables_say_what_is_left(store):
    async with selling(store, EVENT) as sale:
        booking = await sell_to_an_order(sale)
        left = Place("A-1", "gone"), Place("A-2"), Place("GA"), Place("GA", "gone")
        await put_order(store, booking, *left)
        receipt = await audited(store)
        assert receipt.ok, receipt.differences
        assert receipt.counts == Counts(free=13, held=0, booked=2, blocked=0)
        assert receipt.revenue == [Sum(2 * 4_500, "EUR")]
        found = await Bookings(store.pool).find(booking)
        assert found is not None
        assert (found.seats, found.areas) == (["A-2"], {"GA": 1})
        assert [(line.label, line.quantity) for line in found.lines] == [
            ("A-2", 1),
            ("GA", 1),
        ]
        assert found.total == Money(2 * 4_500, "EUR")
        await sale.book("bob", await sale.hold("bob", "A-1"))
        part = CancelPart(id=1, event=EVENT, booking=booking)
        assert isinstance(await sale.ask(part, "ann", system=True), GivenBackOk)
    await store.query("UPDATE order_line SET state = 'leaving' WHERE state = 'live'")
    receipt = await audited(store)
    assert receipt.ok, receipt.differences
    assert (receipt.bookings, receipt.counts.booked) == (1, 1)


@pytest.mark.parametrize(
    "tampering",
    [
        'UPDATE booking SET seats = \'["A-1", "A-2"]\'',
        'UPDATE booking SET seats = \'["A-1", "A-2"]\', areas = \'{"GA": 2}\','
        " lines = replace(replace(replace(lines, '[\"1\"]', '[\"1\",\"1\"]'), '[4500]',"
        " '[4500,4500]'), ',1,4500]', ',2,4500]')",
    ],
)
async def test_a_row_that_tells_of_more_than_is_left_is_found(store, tampering):
    async with selling(store, EVENT) as sale:
        booking = await sell_to_an_order(sale)
    left = Place("A-1", "gone"), Place("A-2"), Place("GA"), Place("GA", "gone")
    await put_order(store, booking, *left)
    await store.query(tampering)
    receipt = await audited(store)
    assert len(receipt.differences) == 1, receipt.differences
    assert "gave back a part" in receipt.differences[0] or (
        "is not in the table what it is" in receipt.differences[0]
    )


BODY = "UPDATE journal SET body = set_byte(body, length(body) - 1, 7)"
TAMPERINGS = {
    "a sold row is lost": (
        "DELETE FROM sold WHERE seat = 0",
        "Seat A-1 is booked by",
    ),
    "a sold row is added": (
        "INSERT INTO sold VALUES ('evt', 8, 'ghost')",
        "Seat A-9 is sold to ghost in the table and not booked",
    ),
    "a sold row of no seat is added": (
        "INSERT INTO sold VALUES ('evt', 800, 'ghost')",
        "Seat number 800 is sold to ghost",
    ),
    "a sold row names another booking": (
        "UPDATE sold SET booking = 'ghost' WHERE seat = 0",
        "Seat A-1 is sold to ghost in the table and booked by",
    ),
    "a body is changed": (
        f"{BODY} WHERE to_version = 3",
        "batch to version 3 breaks the hash chain",
    ),
    "a body is garbage": (
        "UPDATE journal SET body = 'garbage' WHERE to_version = 3",
        "batch to version 3 cannot be applied",
    ),
    "two rows swap their chains": (
        "UPDATE journal a SET chain = b.chain FROM journal b"
        " WHERE (a.to_version, b.to_version) IN ((2, 3), (3, 2))",
        "batch to version 2 breaks the hash chain",
    ),
    "a row is dropped": (
        "DELETE FROM journal WHERE to_version = 3",
        "batch to version 4 follows 3, and the batch before ends at 2",
    ),
    "the first row is dropped": (
        "DELETE FROM journal WHERE to_version = 1",
        "batch to version 2 follows 1, and the batch before ends at 0",
    ),
    "the last row is dropped": (
        "DELETE FROM journal WHERE to_version = (SELECT max(to_version) FROM journal)",
        "The head stands at version",
    ),
    "versions overlap": (
        "UPDATE journal SET from_version = 1 WHERE to_version = 3",
        "batch to version 3 follows 1",
    ),
    "a row is stretched": (
        "UPDATE journal SET to_version = 100 WHERE to_version ="
        " (SELECT max(to_version) FROM journal)",
        "batch to version 100 ends at version",
    ),
    "an epoch goes back": (
        "UPDATE journal SET epoch = 0 WHERE to_version = 3",
        "batch to version 3 is of epoch 0, after one of epoch 1",
    ),
    "time goes back": (
        "UPDATE journal SET at = at - interval '1 day' WHERE to_version = 3",
        "batch to version 3 is older than the batch before it",
    ),
    "a batch is said to be of another moment": (
        "UPDATE journal SET at = at + interval '1 ms' WHERE to_version = 3",
        "batch to version 3 breaks the hash chain",
    ),
    "the head's version is wrong": (
        "UPDATE event_head SET version = version + 1",
        "The head stands at version",
    ),
    "the head's chain is wrong": (
        "UPDATE event_head SET chain = 'x'",
        "another hash chain",
    ),
    "the head's batch is wrong": (
        "UPDATE event_head SET batch_id = 'x'",
        "names another batch",
    ),
    "the head's epoch is below the journal's": (
        "UPDATE event_head SET epoch = 0",
        "The head is of epoch 0",
    ),
    "an area's count is off": (
        "UPDATE area_sold SET sold = sold + 1",
        "Area GA has 3 places sold in the table and 2 booked",
    ),
    "an area's capacity is off": (
        "UPDATE area_sold SET capacity = 50",
        "Area GA has 50 places in the table and 5 in the journal",
    ),
    "an area is lost": (
        "DELETE FROM area_sold",
        "Area GA is missing",
    ),
    "an area is added": (
        "INSERT INTO area_sold VALUES ('evt', 7, 0, 1)",
        "area number 7",
    ),
    "a booking has other seats": (
        "UPDATE booking SET seats = '[\"A-9\"]' WHERE user_id = 'ann'",
        "is not in the table what it is in the journal",
    ),
    "a booking has another buyer": (
        "UPDATE booking SET user_id = 'mal' WHERE user_id = 'ann'",
        "is not in the table what it is in the journal",
    ),
    "a booking is lost": (
        "DELETE FROM booking WHERE user_id = 'ann'",
        "is in the journal and not in the table",
    ),
    "a booking is added": (
        "INSERT INTO booking SELECT 'ghost', event_id, 'ref', user_id, NULL, 1, seats,"
        " areas FROM booking WHERE user_id = 'ann'",
        "Booking ghost of version 1 is in the table and not in the journal",
    ),
    "a booking is added at the end": (
        "INSERT INTO booking SELECT 'ghost', event_id, 'ref', user_id, NULL, 99, seats,"
        " areas FROM booking WHERE user_id = 'ann'",
        "Booking ghost of version 99 is in the table and not in the journal",
    ),
    "a live booking looks cancelled": (
        "UPDATE booking SET cancelled_at = now() WHERE user_id = 'ann'",
        "is cancelled in the table alone",
    ),
    "a cancelled booking looks live": (
        "UPDATE booking SET cancelled_at = NULL WHERE user_id = 'eve'",
        "is live in the table alone",
    ),
    "an outcome has a version that is not there": (
        "UPDATE command_result SET version = 99 WHERE key = 'k1'",
        "The stored outcome of version 99, of user ann, belongs to no version",
    ),
    "two outcomes have one version": (
        "INSERT INTO command_result SELECT event_id, user_id, 'k3', request_hash,"
        " version, outcome FROM command_result WHERE key = 'k1'",
        "is the second one of that version",
    ),
    "an outcome tells of another version": (
        "UPDATE command_result SET version = version + 1 WHERE key = 'k2'",
        "tells of version",
    ),
    "an outcome is garbage": (
        "UPDATE command_result SET outcome = 'garbage' WHERE key = 'k1'",
        "cannot be read",
    ),
    "settings are changed past the journal": (
        "UPDATE event SET settings = jsonb_set(settings, '{max_per_user}', '11')",
        "settings are others",
    ),
    "first settings are changed": (
        "UPDATE event SET initial_settings ="
        " jsonb_set(initial_settings, '{max_per_user}', '1')",
        "user ann has 2 seats and places, and the limit is 1",
    ),
    "the status is changed past the journal": (
        "UPDATE event SET status = 'closed'",
        "name, status or beginning",
    ),
    "the event is deleted past the journal": (
        "UPDATE event SET deleted_at = now()",
        "is deleted in one of table and journal",
    ),
}


TABLES = (
    "event",
    "event_head",
    "journal",
    "snapshot",
    "sold",
    "area_sold",
    "booking",
    "command_result",
)
# Generated columns could not be put back.
GENERATED = """
SELECT attrelid::regclass::text AS table, attname AS column FROM pg_attribute
WHERE attgenerated <> '' AND attrelid = ANY($1::text[]::regclass[])
"""
KEEP = "".join(f"CREATE TABLE kept_{t} AS TABLE {t};" for t in TABLES)
RESTORE = "".join(
    f"DELETE FROM {t}; INSERT INTO {t} SELECT * FROM kept_{t};" for t in TABLES
)


async def test_whatever_was_tampered_with_is_named(store):
    await sell_some(store, EVENT)
    unnoticed = {}
    async with session(store.url) as vandal:
        for table, column in await vandal.fetch(GENERATED, TABLES):
            await vandal.execute(f"ALTER TABLE {table} ALTER {column} DROP EXPRESSION")
        await vandal.execute(KEEP)
        for name, (sql, sentence) in TAMPERINGS.items():
            await vandal.execute(sql)
            receipt = await audited(store)
            if receipt.ok or not any(sentence in d for d in receipt.differences):
                unnoticed[name] = receipt.differences
            await vandal.execute(RESTORE)
            assert (await audited(store)).ok, name
    assert unnoticed == {}


async def test_hold_tokens_stay_secret_in_differences(store):
    await sell_some(store, EVENT)
    tokens = await held_tokens(store)
    await store.query("DELETE FROM journal WHERE to_version = 1")
    await store.query("UPDATE journal SET from_version = 0 WHERE to_version = 2")
    text = " ".join((await audited(store)).differences)
    assert "cannot be applied" in text
    assert tokens
    assert [token for token in tokens if token in text] == []


async def held_tokens(store: Store) -> list[str]:
    rows = await store.query("SELECT body FROM journal")
    changes = [change for (body,) in rows for change in msgpack.decode(body)]
    return [change[1] for change in changes if change[0] == "held"]


async def commit(store: Store, ownership: Ownership, at_ms: int, *changes: object):
    body = msgpack.encode(changes)
    batch = make_batch(ownership, versions=len(changes))
    batch.at_ms, batch.body = at_ms, body
    batch.chain = chained(
        ownership.chain, ownership.event, batch.base, batch.to, at_ms, body
    )
    await store.commit(ownership, batch)


def held(user: str, *seats: int, deadline_ms: int = 0) -> SeatsHeld:
    return SeatsHeld(f"hold of {user} {seats}", user, seats, {}, deadline_ms)


async def test_a_journal_that_exceeds_a_users_limit_is_named(store):
    ownership = await store.own(EVENT)
    await commit(store, ownership, 1, held("ann", *range(9)), held("bob", 9))
    assert (await audited(store)).ok
    await store.query(
        "UPDATE event SET initial_settings ="
        " jsonb_set(initial_settings, '{max_per_user}', '8')"
    )
    receipt = await audited(store)
    assert any(
        "At version 1 user ann has 9 seats and places, and the limit is 8" in found
        for found in receipt.differences
    ), receipt.differences


async def test_a_hold_that_ended_too_early_is_named(store):
    ownership = await store.own(EVENT)
    promised = held("ann", 0, deadline_ms=2_000)
    await commit(store, ownership, 1_000, promised)
    await commit(store, ownership, 1_999, HoldExpired(promised.hold))
    receipt = await audited(store)
    assert receipt.differences == [
        "Version 2 ends a hold of user ann 1 ms before its time."
    ]


async def test_a_snapshot_is_held_to_the_replay(store):
    ownership = await store.own(EVENT)
    stock = Stock(Venue(VENUE), SETTINGS)
    stock.apply(held("ann", 0), 1)
    await commit(store, ownership, 1, held("ann", 0))
    loaded = Loaded(ownership, stock)
    loaded.snapshot_version -= SNAPSHOT_EVERY_VERSIONS
    writer = SnapshotWriter(store.journal, Silence())
    writer.store_when_due(loaded)
    await writer.finish()
    assert await store.query("SELECT version FROM snapshot") == [(1,)]
    await commit(store, ownership, 1, held("bob", 1), held("cat", 2))
    assert (await audited(store)).ok

    stock.apply(held("mal", 1), 1)
    stock.version = 1
    await store.query("UPDATE snapshot SET body = $1", encode_snapshot(stock))
    (found,) = (await audited(store)).differences
    assert "restores another state" in found

    await store.query("UPDATE snapshot SET body = 'garbage'")
    (found,) = (await audited(store)).differences
    assert "cannot be restored" in found

    await store.query("UPDATE snapshot SET version = 2")
    (found,) = (await audited(store)).differences
    assert "No batch of the journal ends at version 2" in found


async def test_a_history_forged_without_a_flaw_is_another_one_by_its_receipt(store):
    ownership = await store.own(EVENT)
    await commit(store, ownership, 1, held("ann", 0))
    kept = (await audited(store)).digest
    assert await store.query("SELECT encode(chain, 'hex') FROM journal") == [
        (kept.chain,)
    ]
    body = msgpack.encode([held("bob", 0)])
    chain = chained(b"", EVENT, 0, 1, 1, body)
    await store.query("UPDATE journal SET body = $1, chain = $2", body, chain)
    await store.query("UPDATE event_head SET chain = $1", chain)
    receipt = await audited(store)
    assert receipt.ok, receipt.differences
    assert receipt.digest.chain != kept.chain
    assert receipt.digest.origin == kept.origin


@pytest.mark.parametrize(
    "forged",
    [
        """UPDATE event SET initial_settings = initial_settings || '{"name": "X"}'""",
        "UPDATE venue SET map = convert_to(replace("
        "convert_from(map, 'utf8'), 'A-1', 'B-1'), 'utf8')",
    ],
)
async def test_another_origin_is_another_history(store, forged):
    await store.make_event(EVENT)
    kept = (await audited(store)).digest
    await store.query(forged)
    digest = (await audited(store)).digest
    assert digest.origin != kept.origin
    assert digest.chain == kept.chain


async def test_only_the_first_differences_are_told_and_all_counted(store):
    await store.make_event(EVENT)
    await store.query(
        "INSERT INTO sold SELECT 'evt', n, 'ghost' FROM generate_series(1, 150) n"
    )
    found = (await audited(store)).differences
    assert len(found) == 101
    assert found[-1] == "And 50 more differences."


async def test_an_audit_neither_waits_for_writers_nor_holds_them_up(store):
    ownership = await store.own(EVENT)
    await commit(store, ownership, 1, held("ann", 0))
    async with store.pool.transaction() as writer:
        await writer.execute("SELECT FROM event_head FOR UPDATE")
        await writer.execute("DELETE FROM journal")
        assert (await audited(store)).ok


async def test_what_cannot_be_audited_is_one_sentence(store, empty_database_url):
    with pytest.raises(NotAuditable, match="There is no event 'nope'"):
        await audit_event(store.url, "nope")
    with pytest.raises(NotAuditable, match="has not the tables"):
        await audit_event(empty_database_url, EVENT)
    with pytest.raises(NotAuditable, match="cannot be reached"):
        await audit_event("postgresql://127.0.0.1:1/none", EVENT)
    await store.make_event(EVENT)
    await store.query("DELETE FROM event_head")
    with pytest.raises(NotAuditable, match="lost its head"):
        await audited(store)
