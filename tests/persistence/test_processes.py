import asyncio
import time

import pytest
from msgspec.structs import replace

from inventory.ports import CommitStatus
from persistence import limits
from persistence.errors import Unavailable
from persistence.processes import (
    _ORPHANS,
    ClusterMismatch,
    OwnedEvent,
    Process,
    Processes,
    Terms,
)
from tests.persistence.journals import NOW_MS, make_batch, open_store, session

pytestmark = pytest.mark.postgres

TERMS = Terms(protocol=1, bus=True, secret="c0ffee", lease_ms=10_000)
# With what LIKE would take for a wildcard.
NODE = "node_one"


def make_process(process=f"{NODE}.0.aaaa", leaving=False):
    node, _, _ = process.split(".")
    return Process(
        process=process,
        node=node,
        pid=7,
        address=None if node == NODE else f"http://{node}:8080",
        version="1.2.3",
        started_at_ms=NOW_MS,
        leaving=leaving,
    )


async def make_old(store, process, age_s):
    """Let a process have been silent for so long."""
    await store.query(
        "UPDATE process SET seen_at = clock_timestamp() - make_interval(secs => $2)"
        " WHERE process = $1",
        process,
        age_s,
    )


async def names(processes, process):
    """Who lives, in the eyes of one process that does."""
    return [each.process for each in await processes.beat(process, leaving=False)]


@pytest.fixture
async def processes(store):
    return Processes(store.pool)


async def test_processes_that_start_together_agree_on_one_cluster(store, processes):
    found = await asyncio.gather(*(processes.cluster() for _ in range(4)))
    ((cluster, secret),) = set(found)
    assert (len(cluster), len(secret)) == (16, 32)
    assert await store.query("SELECT cluster_id FROM cluster") == [(cluster,)]


async def test_who_joined_is_seen_as_it_said_it_is(processes):
    mine, other = make_process(), make_process("there.1.bbbb")
    await processes.join(mine, TERMS)
    await processes.join(other, TERMS)
    assert await processes.beat(mine.process, leaving=False) == [mine, other]
    await processes.leave(other.process)
    assert await processes.beat(mine.process, leaving=False) == [mine]


async def test_who_is_about_to_leave_says_so_with_its_beat(processes):
    await processes.join(make_process(), TERMS)
    await processes.join(make_process("there.1.bbbb"), TERMS)
    (mine, _) = await processes.beat(f"{NODE}.0.aaaa", leaving=True)
    assert mine.leaving
    (seen, other) = await processes.beat("there.1.bbbb", leaving=False)
    assert (seen.leaving, other.leaving) == (True, False)


async def test_who_is_silent_is_not_seen_until_its_next_beat(store, processes):
    await processes.join(make_process(), TERMS)
    await processes.join(make_process("there.1.bbbb"), TERMS)
    await make_old(store, "there.1.bbbb", limits.SEEN_S_MAX)
    assert await names(processes, f"{NODE}.0.aaaa") == [f"{NODE}.0.aaaa"]
    assert len(await names(processes, "there.1.bbbb")) == 2
    assert len(await names(processes, f"{NODE}.0.aaaa")) == 2


async def test_who_was_removed_learns_it_and_may_join_again(processes):
    mine, other = make_process(), make_process("there.1.bbbb")
    for process in (mine, other):
        await processes.join(process, TERMS)
    await processes.void([mine.process])
    assert await names(processes, mine.process) == [other.process]
    await processes.join(mine, TERMS)
    # As after an answer that was lost.
    await processes.join(mine, TERMS)
    assert await names(processes, mine.process) == [mine.process, other.process]


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"protocol": 2}, "speaks version 1 of the protocol"),
        ({"bus": False}, "runs with a Redis address, this one without"),
        ({"secret": ""}, "signs tokens with another secret key"),
        ({"lease_ms": 500}, "leases events for 10000 ms, this one for 500"),
        ({"bus": False, "secret": ""}, "address.* and signs"),
    ],
)
async def test_who_lives_on_other_terms_keeps_a_process_out(processes, terms, reason):
    await processes.join(make_process("there.1.bbbb"), TERMS)
    with pytest.raises(ClusterMismatch, match=reason) as caught:
        await processes.join(make_process(), replace(TERMS, **terms))
    assert "there.1.bbbb at http://there:8080" in str(caught.value)
    assert TERMS.secret not in str(caught.value)
    assert await names(processes, "there.1.bbbb") == ["there.1.bbbb"]


async def test_the_dead_and_former_selves_keep_nobody_out(store, processes):
    await processes.join(make_process("there.1.bbbb"), TERMS)
    await make_old(store, "there.1.bbbb", limits.SEEN_S_MAX)
    changed = Terms(protocol=2, bus=False, secret="", lease_ms=1)
    await processes.join(make_process(), TERMS)
    await processes.join(make_process(f"{NODE}.0.cccc"), changed)


async def test_of_two_that_disagree_and_start_together_one_is_kept_out(processes):
    changed = Terms(protocol=2, bus=True, secret="c0ffee", lease_ms=10_000)
    for n in range(8):
        done = await asyncio.gather(
            processes.join(make_process(f"here{n}.0.aaaa"), TERMS),
            processes.join(make_process(f"there{n}.0.aaaa"), changed),
            return_exceptions=True,
        )
        assert [type(each) for each in done if each] == [ClusterMismatch]
        await processes.void([f"here{n}.0.aaaa", f"there{n}.0.aaaa"])


async def test_rows_that_nobody_misses_are_removed(store, processes):
    await processes.join(make_process("gone.0.aaaa"), TERMS)
    await processes.join(make_process("there.0.aaaa"), TERMS)
    await make_old(store, "gone.0.aaaa", limits.FORGOTTEN_S)
    await make_old(store, "there.0.aaaa", limits.FORGOTTEN_S / 2)
    await processes.join(make_process(), TERMS)
    rows = await store.query("SELECT process FROM process ORDER BY process")
    assert rows == [(f"{NODE}.0.aaaa",), ("there.0.aaaa",)]


async def test_events_of_a_dead_process_can_be_taken_at_once(database_url):
    async with (
        open_store(database_url, f"{NODE}.0.aaaa") as dead,
        open_store(database_url, f"{NODE}.1.bbbb") as living,
    ):
        processes = Processes(living.pool)
        await processes.join(make_process(), TERMS)
        lost = [await dead.own(event) for event in ("b", "a")]
        kept = await living.own("c")
        assert await processes.void([f"{NODE}.0.aaaa", "nobody"]) == ["a", "b"]
        assert await processes.void([f"{NODE}.0.aaaa"]) == []
        assert await dead.query("SELECT FROM process") == []
        for ownership in lost:
            status = await dead.commit(ownership, make_batch(ownership))
            assert status is CommitStatus.FENCED
            assert await living.journal.acquire(ownership.event) is not None
        assert await living.commit(kept, make_batch(kept)) is CommitStatus.COMMITTED


async def test_a_node_that_starts_ends_all_its_former_leases_and_no_others(
    store, processes
):
    mine = [NODE, f"{NODE}.0.aaaa", f"{NODE}.11.b_b-"]
    others = ["nodeXone.0.aaaa", f"{NODE}2.0.aaaa", f"a{NODE}.0.aaaa", "node", "nodeXo"]
    for n, address in enumerate(mine + others):
        await store.own(f"evt{n}")
        await store.query(
            "UPDATE event_head SET owner_address = $2 WHERE event_id = $1",
            f"evt{n}",
            address,
        )
    for process in (mine[1], others[0]):
        await processes.join(make_process(process), TERMS)
    assert await processes.void_node(NODE) == ["evt0", "evt1", "evt2"]
    owned = await processes.owned()
    assert [each.process for each in owned] == sorted(others)
    assert await names(processes, others[0]) == [others[0]]


async def test_a_head_that_is_being_committed_to_is_not_voided_halfway(
    store, processes
):
    for event in ("a", "b"):
        await store.own(event)
    await processes.join(make_process("here.0.aaaa"), TERMS)
    async with session(store.url) as committing:
        await committing.execute(
            "BEGIN; UPDATE event_head SET version = version WHERE event_id = 'b'"
        )
        with pytest.raises(Unavailable):
            await processes.void_node("here")
        assert len(await processes.owned()) == 2
    # The connection of the dead is closed, and with it its transaction is.
    deadline = time.monotonic() + 60
    voided = None
    while voided is None:
        assert time.monotonic() < deadline
        try:
            voided = await processes.void_node("here")
        except Unavailable:
            continue
    assert voided == ["a", "b"]


async def test_orphans_are_events_that_had_an_owner_and_have_none(store, processes):
    for event in ("kept", "late", "later", "released", "handed over", "voided"):
        ownership = await store.own(event)
        if event in ("released", "handed over"):
            await store.journal.release(ownership, due=event == "handed over")
    await store.query(
        "UPDATE event_head SET owner_address = 'dead' WHERE event_id = 'voided'"
    )
    assert await processes.void(["dead"]) == ["voided"]
    await store.query(
        "UPDATE event_head SET lease_until = clock_timestamp()"
        " - length(event_id) * interval '1 s' WHERE event_id LIKE 'late%'"
    )
    # Whoever was told to take these two may never have heard it.
    free = [("handed over", "here"), ("voided", "dead")]
    assert await processes.orphans(10) == [*free, ("later", "here"), ("late", "here")]
    assert await processes.orphans(1) == free[:1]
    assert await processes.void(["dead", "here"]) == ["kept", "late", "later"]
    for event in ("later", "voided"):
        assert await store.journal.acquire(event) is not None
    assert {event for event, _ in await processes.orphans(10)} == {
        "handed over",
        "kept",
        "late",
    }


async def test_who_was_seen_in_the_future_lived_before_the_clock_was_set_back(
    store, processes
):
    lives, dead = make_process(), make_process("other.0.bbbb")
    for process in (lives, dead):
        await processes.join(process, TERMS)
    await make_old(store, dead.process, -3_600)
    assert await names(processes, lives.process) == [lives.process]
    # What it owned is nobody's, though the lease lasts another hour; what one owns that
    # lives, and will renew it at once, stays.
    for event, owner in (("theirs", dead.process), ("ours", lives.process)):
        await store.own(event)
        await store.query(
            "UPDATE event_head SET owner_address = $2,"
            " lease_until = clock_timestamp() + interval '1 hour' WHERE event_id = $1",
            event,
            owner,
        )
    assert await processes.orphans(10) == [("theirs", dead.process)]
    assert await store.journal.acquire("ours") is None
    taken = await store.journal.acquire("theirs")
    assert taken is not None
    assert taken.epoch == 2


async def test_owned_events_are_told_with_their_owner(store, processes, monkeypatch):
    first, _, gone = [await store.own(event) for event in ("a", "b", "c")]
    await store.journal.release(gone, due=False)
    assert await store.commit(first, make_batch(first, 3)) is CommitStatus.COMMITTED
    (a, b) = await processes.owned()
    assert a == OwnedEvent("a", "here", 1, 3, a.lease_until_ms)
    assert (b.event, b.version) == ("b", 0)
    (now_ms,) = (await store.query("SELECT clock_ms()"))[0]
    assert 0 < a.lease_until_ms - now_ms <= limits.LEASE_TTL_S * 1000
    monkeypatch.setattr(limits, "OWNED_MAX", 1)
    assert await processes.owned() == [a]


async def test_the_events_that_nobody_owns_are_not_read_for_the_orphans(store):
    await store.query(
        "INSERT INTO event_head (event_id, server_line)"
        " SELECT 'evt' || n, 'line' FROM generate_series(1, 5000) n"
    )
    await store.query("ANALYZE event_head")
    sql = _ORPHANS.replace("$1", "10").replace("$2", "60").replace("$3", "5")
    plan = await store.query("EXPLAIN " + sql)
    assert any("event_head_owner" in line for (line,) in plan), plan


async def test_commits_and_fences_stay_out_of_every_index(database_url):
    """An update that is not HOT writes to all indexes of the table."""

    async def updates(store):
        return (
            await store.query(
                "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables"
                " WHERE relname = 'event_head'"
            )
        )[0]

    async with open_store(database_url) as store:
        ownership = await store.own("evt")
    async with open_store(database_url) as other:
        # A backend reports its figures when it ends, which takes a moment.
        await soon(updates, other, lambda figures: figures[0] == 1)
        async with open_store(database_url) as store:
            for _ in range(50):
                status = await store.commit(ownership, make_batch(ownership))
                assert status is CommitStatus.COMMITTED
            fenced = await store.journal.fence(ownership, "new token")
            assert fenced is not None
        figures = await soon(updates, other, lambda figures: figures[0] == 52)
        # Only the first one, which took the event, changes what is indexed. But while a
        # transaction is open in any database of the server, nothing dead is pruned: the
        # row moves each time that its page is full, which takes 35 updates or more.
        assert figures[1] >= 45


async def soon(ask, store, condition, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not condition(found := await ask(store)):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)
    return found
