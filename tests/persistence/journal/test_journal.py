import asyncio

import msgspec
import pytest

from inventory.ports import CommitStatus, StoredSnapshot
from persistence import limits
from persistence.errors import Unavailable
from persistence.events.rows import EventFilter
from tests.persistence.journals import (
    AREA_CAPACITY,
    NOW_MS,
    SETTINGS,
    make_batch,
    make_booking,
    make_result,
    open_store,
    session,
)
from tests.persistence.proxy import open_proxy

pytestmark = pytest.mark.postgres

COMMITTED = CommitStatus.COMMITTED
FENCED = CommitStatus.FENCED
ABORTED = CommitStatus.ABORTED


async def test_an_event_is_acquired_at_version_0_with_epoch_1(store):
    ownership = await store.own("evt")
    assert (ownership.version, ownership.chain, ownership.epoch) == (0, b"", 1)
    (head,) = await store.journal.heads(["evt"])
    assert (head.address, head.history_id) == ("here", ownership.history_id)


async def test_an_unknown_event_is_a_key_error(store):
    with pytest.raises(KeyError):
        await store.journal.acquire("nothing")


async def test_who_has_a_lease_is_left_alone_until_it_is_over(store):
    first = await store.own("evt")
    async with open_store(store.url, "there") as other:
        assert await other.journal.acquire("evt") is None
        await store.query("UPDATE event_head SET lease_until = clock_timestamp()")
        second = await other.journal.acquire("evt")
        assert second is not None
        assert (second.epoch, second.version) == (first.epoch + 1, 0)
        assert await store.commit(first, make_batch(first)) is FENCED
        assert await other.commit(second, make_batch(second)) is COMMITTED


async def test_a_released_event_is_free_at_once_and_its_owner_shut_out(store):
    first = await store.own("evt")
    await store.journal.release(first, due=False)
    (head,) = await store.journal.heads(["evt"])
    assert (head.address, head.lease_until_ms) == (None, None)
    assert await store.commit(first, make_batch(first)) is FENCED
    async with open_store(store.url, "there") as other:
        assert await other.journal.acquire("evt") is not None


async def test_a_release_of_a_lost_event_does_not_touch_the_new_owner(store):
    first = await store.own("evt")
    await store.journal.release(first, due=False)
    second = await store.journal.acquire("evt")
    assert second is not None
    await store.journal.release(first, due=False)
    assert await store.commit(second, make_batch(second)) is COMMITTED


async def test_a_commit_writes_everything_its_batch_holds(store):
    ownership = await store.own("evt")
    settings = msgspec.structs.replace(
        SETTINGS, name="Other", sale_state="on_sale", starts_at_ms=NOW_MS + 1000
    )
    batch = make_batch(
        ownership,
        versions=3,
        sold=[(0, "b1"), (1, "b1")],
        area_sold={0: 2},
        bookings=[make_booking("b1", 2)],
        results=[make_result("k1", 2), make_result("k2", 3)],
        settings=settings,
    )
    assert await store.commit(ownership, batch) is COMMITTED
    (row,) = await store.journal.load_rows("evt", 0, 10)
    assert (row.base, row.to, row.at_ms) == (0, 3, NOW_MS)
    assert (row.body, row.chain) == (batch.body, batch.chain)
    sold = await store.query("SELECT seat, booking FROM sold ORDER BY seat")
    assert sold == [(0, "b1"), (1, "b1")]
    assert await store.query("SELECT area, sold FROM area_sold") == [(0, 2)]
    booking = await store.bookings.find("b1")
    assert booking is not None
    assert (booking.seats, booking.areas) == (["A-1", "A-2"], {"GA": 1})
    found = await store.journal.find_results("evt", [("buyer", "k2"), ("buyer", "no")])
    assert found == [make_result("k2", 3)]
    event = await store.catalog.find_event("evt")
    assert event is not None
    assert event.settings == settings
    assert event.starts_at.timestamp() * 1000 == NOW_MS + 1000
    again = await store.journal.heads(["evt"])
    assert again[0].version == 3


async def test_what_replay_begins_with_stays_when_the_settings_change(store):
    ownership = await store.own("evt")
    settings = msgspec.structs.replace(SETTINGS, name="Other", deleted=True)
    batch = make_batch(ownership, settings=settings)
    assert await store.commit(ownership, batch) is COMMITTED
    plan = await store.catalog.find_plan("evt")
    assert plan is not None
    assert plan.first_settings == SETTINGS
    rows, _ = await store.catalog.list_events(EventFilter(drafts=True), limit=10)
    assert rows == []


async def test_a_batch_of_another_version_is_fenced(store):
    ownership = await store.own("evt")
    batch = make_batch(ownership)
    assert await store.commit(ownership, batch) is COMMITTED
    assert await store.journal.commit(ownership, batch) is FENCED
    ownership.version = 7
    assert await store.journal.commit(ownership, make_batch(ownership)) is FENCED
    assert len(await store.journal.load_rows("evt", 0, 10)) == 1


@pytest.mark.parametrize(("field", "value"), [("epoch", 2), ("token", "other")])
async def test_a_batch_of_another_owner_is_fenced(store, field, value):
    ownership = await store.own("evt")
    setattr(ownership, field, value)
    assert await store.commit(ownership, make_batch(ownership)) is FENCED
    assert await store.journal.confirm(ownership) is FENCED
    assert await store.journal.load_rows("evt", 0, 10) == []


async def test_a_batch_of_an_event_that_is_not_there_is_fenced(store):
    ownership = await store.own("evt")
    ownership.event = "nothing"
    assert await store.commit(ownership, make_batch(ownership)) is FENCED


async def test_a_renewal_moves_the_lease_and_nothing_else(store):
    ownership = await store.own("evt")
    batch = make_batch(ownership)
    assert await store.commit(ownership, batch) is COMMITTED
    await store.query("UPDATE event_head SET lease_until = clock_timestamp()")
    assert await store.journal.confirm(ownership) is COMMITTED
    head = "SELECT version, chain, batch_id, lease_until > now() FROM event_head"
    assert await store.query(head) == [(1, batch.chain, batch.batch_id, True)]
    assert len(await store.journal.load_rows("evt", 0, 10)) == 1


async def test_a_seat_cannot_be_sold_twice(store):
    ownership = await store.own("evt")
    batch = make_batch(ownership, sold=[(3, "b1")])
    assert await store.commit(ownership, batch) is COMMITTED
    second = make_batch(ownership, sold=[(3, "b2")])
    assert await store.commit(ownership, second) is ABORTED
    assert await store.query("SELECT seat, booking FROM sold") == [(3, "b1")]
    assert len(await store.journal.load_rows("evt", 0, 10)) == 1


async def test_a_seat_goes_from_one_booking_to_the_next_in_one_batch(store):
    ownership = await store.own("evt")
    first = make_batch(ownership, sold=[(3, "b1")], bookings=[make_booking("b1")])
    assert await store.commit(ownership, first) is COMMITTED
    second = make_batch(
        ownership, freed=[(3, "b1")], sold=[(3, "b2")], cancelled=["b1"]
    )
    assert await store.commit(ownership, second) is COMMITTED
    assert await store.query("SELECT seat, booking FROM sold") == [(3, "b2")]
    booking = await store.bookings.find("b1")
    assert booking is not None
    assert booking.cancelled_at is not None


async def test_a_booking_may_be_made_and_cancelled_in_one_batch(store):
    ownership = await store.own("evt")
    batch = make_batch(ownership, bookings=[make_booking("b1")], cancelled=["b1"])
    assert await store.commit(ownership, batch) is COMMITTED


@pytest.mark.parametrize(
    "rows",
    [
        {"freed": [(3, "other")]},
        {"freed": [(4, "b1")]},
        {"cancelled": ["other"]},
        {"area_sold": {0: AREA_CAPACITY + 1}},
        {"area_sold": {0: -1}},
        {"area_sold": {9: 1}},
        {"bookings": [make_booking("b1")]},
        {"results": [make_result("k1")]},
        {"sold": [(1 << 40, "b2")]},
        {"sold": [(5, "nul\0")]},
        {"sold": [(5, "\udc80")]},
    ],
)
async def test_rows_that_contradict_the_tables_take_the_whole_batch_back(store, rows):
    ownership = await store.own("evt")
    first = make_batch(
        ownership,
        sold=[(3, "b1")],
        bookings=[make_booking("b1")],
        results=[make_result("k1")],
    )
    assert await store.commit(ownership, first) is COMMITTED
    assert await store.commit(ownership, make_batch(ownership, **rows)) is ABORTED
    assert await store.query("SELECT version FROM event_head") == [(1,)]
    # The way on is open: nothing of the refused batch is in the way.
    assert await store.commit(ownership, make_batch(ownership)) is COMMITTED


async def test_settings_of_an_event_that_is_not_there_take_the_batch_back(store):
    ownership = await store.own("evt")
    await store.query("DELETE FROM event")
    batch = make_batch(ownership, sold=[(3, "b1")], settings=SETTINGS)
    assert await store.commit(ownership, batch) is ABORTED
    assert await store.query("SELECT version FROM event_head") == [(0,)]
    assert await store.query("SELECT seat FROM sold") == []


async def test_rows_are_loaded_in_pages_and_in_order(store):
    ownership = await store.own("evt")
    for _ in range(5):
        assert await store.commit(ownership, make_batch(ownership, 2)) is COMMITTED
    page = await store.journal.load_rows("evt", 2, 3)
    assert [(row.base, row.to) for row in page] == [(2, 4), (4, 6), (6, 8)]
    assert await store.journal.load_rows("evt", 10, 3) == []


async def test_the_newest_snapshot_of_the_owner_is_kept(store):
    ownership = await store.own("evt")
    assert await store.commit(ownership, make_batch(ownership, 3)) is COMMITTED
    assert await store.journal.load_snapshot("evt") is None
    await store.journal.save_snapshot(ownership, 3, b"three", b"hash")
    await store.journal.save_snapshot(ownership, 2, b"late", b"hash")
    await store.journal.save_snapshot(ownership, 4, b"ahead of the head", b"hash")
    assert await store.journal.load_snapshot("evt") == StoredSnapshot(3, b"three")
    await store.journal.release(ownership, due=False)
    await store.journal.save_snapshot(ownership, 3, b"no owner", b"hash")
    assert await store.journal.load_snapshot("evt") == StoredSnapshot(3, b"three")


async def test_a_history_that_another_server_wrote_gets_a_new_id(store):
    first = await store.own("evt")
    await store.query("UPDATE event_head SET server_line = 'restored'")
    fenced = await store.journal.fence(first, "token-2")
    assert fenced is not None
    assert fenced.ownership.history_id != first.history_id
    await store.journal.release(fenced.ownership, due=False)
    second = await store.journal.acquire("evt")
    assert second is not None
    assert second.history_id == fenced.ownership.history_id
    await store.journal.release(second, due=False)
    await store.query("UPDATE event_head SET server_line = 'restored again'")
    third = await store.journal.acquire("evt")
    assert third is not None
    assert third.history_id != second.history_id


async def test_an_acquire_asked_twice_gives_one_epoch(store):
    await store.make_event("evt")
    ask = "SELECT status, epoch FROM acquire_head('evt', 'same', 'here', 10000)"
    assert await store.query(ask) == [("acquired", 1)]
    assert await store.query(ask) == [("acquired", 1)]


async def test_a_cancelled_acquire_cancels_nothing_in_the_database(store):
    await store.make_event("evt")
    asking = asyncio.create_task(store.journal.acquire("evt"))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    # Closing waits for what is under way.
    await store.journal.close()
    (head,) = await store.journal.heads(["evt"])
    assert head.address == "here"


async def test_a_locked_head_is_taken_by_somebody(store):
    await store.make_event("evt")
    async with session(store.url) as other:
        await other.execute("BEGIN; SELECT FROM event_head FOR UPDATE")
        assert await store.journal.acquire("evt") is None


async def test_a_database_that_is_not_there_is_unavailable(store):
    dead = store.url.replace("/test_", "/gone_")
    with pytest.raises(Unavailable):
        async with open_store(dead):
            pass


async def test_the_clock_is_the_database_s(store):
    clock = store.journal.clock
    (row,) = await store.query("SELECT clock_ms()")
    assert abs(clock.now_ms() - row[0]) < 1000


async def test_looking_keys_up_is_given_up_as_soon_as_a_commit(store, monkeypatch):
    async with open_proxy(store.url) as proxy, open_store(proxy.url) as one:
        assert await one.journal.find_results("evt", [("ann", "key")]) == []
        monkeypatch.setattr(limits, "CALL_DEADLINE_S", 0.1)
        proxy.losing_answers = True
        async with asyncio.timeout(60):
            with pytest.raises(Unavailable):
                await one.journal.find_results("evt", [("ann", "key")])
        proxy.losing_answers = False


def resized(capacity):
    return msgspec.structs.replace(SETTINGS, capacity=capacity)


async def test_places_come_and_go_in_the_commit_that_sells_them_or_takes_them_back(
    store,
):
    ownership = await store.own("evt")

    async def commit(**rows):
        return await store.commit(ownership, make_batch(ownership, **rows))

    async def areas():
        return await store.query("SELECT sold, capacity FROM area_sold")

    for change, capacity in ((9, 9), (-3, 6), (0, 7), (0, 6)):
        status = await commit(area_sold={0: change}, settings=resized(capacity))
        assert status is CommitStatus.COMMITTED
        assert [one[1] for one in await areas()] == [capacity]
    assert await areas() == [(6, 6)]
    # Too few, or too many: the table says no, whatever the actor believes.
    for change, capacity in ((0, 5), (1, 6)):
        status = await commit(area_sold={0: change}, settings=resized(capacity))
        assert status is CommitStatus.ABORTED
    assert await areas() == [(6, 6)]
    assert await commit(settings=SETTINGS) is CommitStatus.COMMITTED
    assert await areas() == [(6, 6)]
