import asyncio

import pytest

from inventory.ports import CommitStatus
from persistence import limits
from persistence.journal.lanes import Lane
from persistence.postgres.connection import SERVER_SETTINGS
from tests.persistence.journals import (
    Store,
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
AMBIGUOUS = CommitStatus.AMBIGUOUS

BLOCKING_SALE = "BEGIN; INSERT INTO sold VALUES ('evt', 5, 'somebody')"


async def lane_pid(store: Store) -> int:
    """The backend of the first lane, once it is there."""
    sql = "SELECT pid FROM pg_stat_activity WHERE application_name = 'onsale lane 0'"
    rows: list[tuple[int, ...]] = []
    while not rows:
        rows = await store.query(f"{sql} AND datname = current_database()")
    return rows[0][0]


async def until_blocked(store: Store) -> None:
    """Wait until a lane waits for somebody's lock."""
    sql = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND application_name LIKE 'onsale lane %' AND datname = current_database()"
    )
    while await store.query(sql) == [(0,)]:
        pass


async def test_batches_that_are_ready_together_go_in_one_transaction(store):
    async with open_store(store.url, lanes=1) as one:
        owned = [await one.own(f"evt{n}") for n in range(20)]
        statuses = await asyncio.gather(
            *(one.commit(o, make_batch(o, results=[make_result("k")])) for o in owned)
        )
        assert set(statuses) == {COMMITTED}
        assert len(await one.query("SELECT DISTINCT xmin::text FROM journal")) == 1


async def test_a_fenced_event_neither_fails_nor_delays_the_others_of_its_call(store):
    async with open_store(store.url, lanes=1) as one:
        owned = [await one.own(f"evt{n}") for n in range(3)]
        owned[1].token = "another"
        statuses = await asyncio.gather(
            *(
                one.commit(
                    o,
                    make_batch(
                        o,
                        sold=[(1, f"b{n}")],
                        area_sold={0: 1},
                        bookings=[make_booking(f"b{n}")],
                        results=[make_result("k")],
                    ),
                )
                for n, o in enumerate(owned)
            )
        )
        assert statuses == [COMMITTED, FENCED, COMMITTED]
        for table in ("journal", "sold", "booking", "command_result"):
            rows = await one.query(f"SELECT event_id FROM {table} ORDER BY event_id")
            assert rows == [("evt0",), ("evt2",)], table
        areas = await one.query("SELECT sold FROM area_sold ORDER BY event_id")
        assert areas == [(1,), (0,), (1,)]


async def test_a_locked_head_is_asked_again_and_delays_nobody(store):
    async with open_store(store.url, lanes=1) as one, session(store.url) as other:
        locked, free = await one.own("locked"), await one.own("free")
        await other.execute(
            "BEGIN; SELECT FROM event_head WHERE event_id = 'locked' FOR UPDATE"
        )
        waiting = asyncio.create_task(one.commit(locked, make_batch(locked)))
        for _ in range(3):
            assert await one.commit(free, make_batch(free)) is COMMITTED
        assert not waiting.done()
        await other.execute("ROLLBACK")
        assert await waiting is COMMITTED


async def test_a_head_that_stays_locked_is_given_up_with_nothing_written(
    store, monkeypatch
):
    monkeypatch.setattr(limits, "UNSENT_PATIENCE_S", 0.1)
    ownership = await store.own("evt")
    async with session(store.url) as other:
        await other.execute("BEGIN; SELECT FROM event_head FOR UPDATE")
        assert await store.commit(ownership, make_batch(ownership)) is ABORTED
    assert await store.journal.load_rows("evt", 0, 10) == []


async def test_a_seat_sold_twice_stops_only_the_culprit_of_a_merged_call(store):
    async with open_store(store.url, lanes=1) as one:
        owned = [await one.own(f"evt{n}") for n in range(7)]
        await one.query("INSERT INTO sold VALUES ('evt4', 5, 'somebody')")
        statuses = await asyncio.gather(
            *(one.commit(o, make_batch(o, sold=[(5, "mine")])) for o in owned)
        )
        assert [n for n, s in enumerate(statuses) if s is ABORTED] == [4]
        assert statuses.count(COMMITTED) == 6


async def test_a_batch_that_cannot_be_encoded_stops_only_itself(store):
    async with open_store(store.url, lanes=1) as one:
        good, bad = await one.own("good"), await one.own("bad")
        broken = make_batch(bad, sold=[(5,)])
        statuses = await asyncio.gather(
            one.commit(good, make_batch(good)), one.commit(bad, broken)
        )
        assert list(statuses) == [COMMITTED, ABORTED]


async def test_a_caller_that_vanishes_does_not_cancel_its_commit(store):
    ownership = await store.own("evt")
    committing = asyncio.create_task(store.commit(ownership, make_batch(ownership)))
    await asyncio.sleep(0)
    committing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await committing
    ownership.version = 1
    assert await store.commit(ownership, make_batch(ownership)) is COMMITTED


async def test_two_batches_of_one_event_never_share_a_call(store):
    ownership = await store.own("evt")
    first = make_batch(ownership)
    vanished = asyncio.create_task(store.journal.commit(ownership, first))
    await asyncio.sleep(0)
    ownership.version, ownership.chain = 1, first.chain
    assert await store.commit(ownership, make_batch(ownership)) is COMMITTED
    assert await vanished is COMMITTED


async def test_a_connection_killed_in_a_call_is_ambiguous_and_nothing_was_written(
    store,
):
    ownership = await store.own("evt")
    async with open_store(store.url, "here", lanes=1) as one, session(store.url) as s:
        await s.execute(BLOCKING_SALE)
        batch = make_batch(ownership, sold=[(5, "mine")])
        committing = asyncio.create_task(one.commit(ownership, batch))
        await until_blocked(one)
        await one.query("SELECT pg_terminate_backend($1)", await lane_pid(one))
        assert await committing is AMBIGUOUS
        fenced = await one.journal.fence(ownership, "token-2")
        assert fenced is not None
        assert (fenced.ownership.version, fenced.batch_id) == (0, None)
        await s.execute("ROLLBACK")
        # A late copy of the batch is refused, and the sale goes on.
        assert await one.journal.commit(ownership, batch) is FENCED
        assert await one.commit(fenced.ownership, batch) is COMMITTED


async def test_a_lost_answer_is_ambiguous_and_the_fence_finds_the_commit(store):
    ownership = await store.own("evt")
    async with (
        open_proxy(store.url) as proxy,
        open_store(proxy.url, lanes=1, call_deadline_s=1.0) as one,
    ):
        assert await one.commit(ownership, make_batch(ownership)) is COMMITTED
        proxy.losing_answers = True
        batch = make_batch(ownership)
        assert await one.commit(ownership, batch) is AMBIGUOUS
        proxy.losing_answers = False
        fenced = await one.journal.fence(ownership, "token-2")
        assert fenced is not None
        assert (fenced.ownership.version, fenced.batch_id) == (2, batch.batch_id)
        assert fenced.ownership.chain == batch.chain
        renewed = fenced.ownership
        assert await one.commit(renewed, make_batch(renewed)) is COMMITTED


async def test_a_commit_that_goes_on_after_its_deadline_is_found_by_the_fence(
    store, monkeypatch
):
    # So long as the other session needs, on a machine with much to do.
    monkeypatch.setitem(SERVER_SETTINGS, "lock_timeout", "60000")
    monkeypatch.setitem(SERVER_SETTINGS, "client_connection_check_interval", "0")
    ownership = await store.own("evt")
    async with (
        open_store(store.url, lanes=1, call_deadline_s=0.2) as one,
        session(store.url) as other,
    ):
        await other.execute(BLOCKING_SALE)
        batch = make_batch(ownership, sold=[(5, "mine")])
        # Given up here; its backend still waits for the other session.
        assert await one.commit(ownership, batch) is AMBIGUOUS
        fencing = asyncio.create_task(one.journal.fence(ownership, "token-2"))
        await asyncio.sleep(0.1)
        assert not fencing.done()
        assert await store.query("SELECT version FROM event_head") == [(0,)]
        await other.execute("ROLLBACK")
        fenced = await fencing
        assert fenced is not None
        assert (fenced.ownership.version, fenced.batch_id) == (1, batch.batch_id)


async def test_a_cut_call_is_ambiguous_for_all_its_events_and_the_lane_goes_on(store):
    async with (
        open_proxy(store.url) as proxy,
        open_store(proxy.url, lanes=1) as one,
    ):
        owned = [await one.own(f"evt{n}") for n in range(5)]
        assert await one.journal.confirm(owned[0]) is COMMITTED
        proxy.losing_answers = True
        committing = asyncio.gather(*(one.commit(o, make_batch(o)) for o in owned))
        await proxy.answer_lost.wait()
        proxy.losing_answers = False
        proxy.cut()
        assert set(await committing) == {AMBIGUOUS}
        fenced = await asyncio.gather(
            *(one.journal.fence(o, f"token-{n}") for n, o in enumerate(owned))
        )
        for found in fenced:
            assert found is not None
            renewed = found.ownership
            assert renewed.version == 1
            assert await one.commit(renewed, make_batch(renewed)) is COMMITTED


async def test_without_a_database_nothing_is_sent_and_the_batch_is_aborted(
    store, monkeypatch
):
    monkeypatch.setattr(limits, "UNSENT_PATIENCE_S", 0.1)
    ownership = await store.own("evt")
    async with open_proxy(store.url) as proxy, open_store(proxy.url, lanes=1) as one:
        proxy.refusing = True
        proxy.cut()
        assert await one.commit(ownership, make_batch(ownership)) is ABORTED
        proxy.refusing = False
        assert await one.commit(ownership, make_batch(ownership)) is COMMITTED


async def test_a_closed_lane_takes_nothing(store):
    ownership = await store.own("evt")
    await store.journal.close()
    assert await store.journal.commit(ownership, make_batch(ownership)) is ABORTED


async def test_closing_gives_up_a_database_that_does_not_answer(store, monkeypatch):
    monkeypatch.setattr(limits, "CLOSE_S_MAX", 0.2)
    async with open_proxy(store.url) as proxy, open_store(proxy.url, lanes=1) as one:
        sent, unsent = await one.own("sent"), await one.own("unsent")
        assert await one.journal.confirm(sent) is COMMITTED
        proxy.losing_answers = True
        sending = asyncio.create_task(one.commit(sent, make_batch(sent)))
        await proxy.answer_lost.wait()
        waiting = asyncio.create_task(one.commit(unsent, make_batch(unsent)))
        releasing = asyncio.create_task(one.journal.release(sent, due=False))
        await asyncio.sleep(0)
        async with asyncio.timeout(60):
            await one.journal.close()
        assert await sending is AMBIGUOUS
        assert await waiting is ABORTED
        with pytest.raises(asyncio.CancelledError):
            await releasing


@pytest.mark.parametrize(
    "answer", ["g.event, 'written'", "'another', 'committed'"], ids=["status", "event"]
)
async def test_an_answer_that_is_none_of_ours_is_ambiguous(store, answer):
    ownership = await store.own("evt")
    # As a function of another version might answer, which did write the batch.
    ((definition,),) = await store.query(
        "SELECT pg_get_functiondef('commit_batches'::regproc)"
    )
    other = definition.replace("g.event, 'committed'", answer)
    assert other != definition
    await store.query(other)
    batch = make_batch(ownership)
    assert await store.commit(ownership, batch) is AMBIGUOUS
    fenced = await store.journal.fence(ownership, "token-2")
    assert fenced is not None
    assert (fenced.ownership.version, fenced.batch_id) == (1, batch.batch_id)


async def test_a_lane_that_fails_itself_leaves_nobody_waiting(store, monkeypatch):
    ownership = await store.own("evt")
    assert await store.journal.confirm(ownership) is COMMITTED

    def fail(self, taken, statuses):
        raise ZeroDivisionError

    monkeypatch.setattr(Lane, "_answer", fail)
    assert await store.commit(ownership, make_batch(ownership)) is AMBIGUOUS
    assert await store.commit(ownership, make_batch(ownership)) is ABORTED


async def test_a_full_lane_refuses_at_once(store, monkeypatch):
    ownership = await store.own("evt")
    monkeypatch.setattr(limits, "WAITING_PER_LANE_MAX", 0)
    assert await store.commit(ownership, make_batch(ownership)) is ABORTED


async def test_a_call_takes_no_more_than_its_bounds(store, monkeypatch):
    monkeypatch.setattr(limits, "EVENTS_PER_CALL_MAX", 4)
    async with open_store(store.url, lanes=1) as one:
        owned = [await one.own(f"evt{n}") for n in range(10)]
        statuses = await asyncio.gather(*(one.commit(o, make_batch(o)) for o in owned))
        assert set(statuses) == {COMMITTED}
        assert len(await one.query("SELECT DISTINCT xmin::text FROM journal")) == 3


async def test_many_events_on_two_lanes_write_journals_without_holes(store):
    owned = [await store.own(f"evt{n}") for n in range(40)]

    async def sell(ownership, batches):
        for n in range(batches):
            batch = make_batch(ownership, 1 + n % 3, sold=[(n, f"b{n}")])
            assert await store.commit(ownership, batch) is COMMITTED

    await asyncio.gather(*(sell(ownership, 10) for ownership in owned))
    for ownership in owned:
        rows = await store.journal.load_rows(ownership.event, 0, 100)
        assert [row.base for row in rows] == [0, *(row.to for row in rows[:-1])]
        assert (rows[-1].to, rows[-1].chain) == (ownership.version, ownership.chain)
    assert await store.query("SELECT count(*) FROM sold") == [(400,)]
