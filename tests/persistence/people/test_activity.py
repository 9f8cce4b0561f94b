"""The activity log in a real Postgres: once each, in the right month, newest first."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta, timezone

import pytest

from persistence.errors import BadCursor
from persistence.people.activity import (
    ActivityLog,
    Record,
    Wanted,
    from_ms,
    month_of,
    new_record_id,
    partition_of,
)
from persistence.postgres.pool import Pool

pytestmark = pytest.mark.postgres
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PARTITIONS = """
SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'activity'::regclass ORDER BY 1
"""
PLACES = "SELECT tableoid::regclass::text AS name, at FROM activity ORDER BY at"


@pytest.fixture
async def pool(database_url):
    pool = await Pool.open(database_url)
    yield pool
    await pool.close()


@pytest.fixture
def log(pool):
    return ActivityLog(pool)


def ms(time):
    return round(time.timestamp() * 1_000)


def record(time=NOON, **fields):
    fixed = {
        "id": new_record_id(ms(time)),
        "at_ms": ms(time),
        "method": "POST",
        "route": "/v1/events",
        "status": 201,
        "request_id": "r1",
        "address": "203.0.113.0/24",
        "duration_ms": 1.5,
    }
    return Record(**(fixed | fields))


async def partitions(pool):
    return [row["name"] for row in await pool.fetch(PARTITIONS)]


async def listed(log, limit=50, **wanted):
    rows, _ = await log.list(Wanted(**wanted), limit=limit)
    return [row.request_id for row in rows]


def test_ids_sort_by_time_and_differ():
    ids = [new_record_id(at_ms) for at_ms in (1, 2, 1_763_000_000_000)]
    assert ids == sorted(ids)
    assert [int(each[:12], 16) for each in ids] == [1, 2, 1_763_000_000_000]
    assert all(len(each) == 32 and each[12] == "7" for each in ids)
    assert len({new_record_id(1) for _ in range(5_000)}) == 5_000
    # A wrap of the count is rare enough for one pair of neighbours to be out of order.
    made = [new_record_id(1) for _ in range(1_000)]
    assert sum(a > b for a, b in itertools.pairwise(made)) <= 1


def test_a_month_begins_and_ends_in_utc():
    late = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    abroad = late.astimezone(timezone(timedelta(hours=5)))
    assert month_of(abroad) == (
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert partition_of(late) == "activity_2026_12"
    assert partition_of(late + timedelta(minutes=30)) == "activity_2027_01"


async def test_what_was_stored_is_read_as_it_was(log):
    objects, details = {"event": "evt_1", "venue": "ven_1"}, {"role": ["a", "b"]}
    done = record(
        actor="usr_1",
        role="admin",
        code="forbidden",
        status=403,
        objects=objects,
        details=details,
    )
    assert await log.store([done]) == 1
    ((row,), cursor) = await log.list(Wanted(), limit=5)
    assert cursor is None
    assert row.activity_id.replace("-", "") == done.id
    assert row.at == NOON
    assert (row.actor, row.role, row.status, row.code) == (
        "usr_1",
        "admin",
        403,
        "forbidden",
    )
    assert (row.objects, row.details) == (objects, details)
    assert (row.method, row.route, row.duration_ms) == ("POST", "/v1/events", 1.5)


async def test_what_comes_twice_is_stored_once(log, pool):
    first, second = record(request_id="a"), record(request_id="b")
    assert await log.store([first, second, first]) == 2
    assert await log.store([second, record(request_id="c")]) == 1
    # Another server, which knows nothing of the first one's partitions.
    assert await ActivityLog(pool).store([first, second]) == 0
    assert sorted(await listed(log)) == ["a", "b", "c"]


async def test_a_batch_over_the_end_of_a_month_goes_to_both(log, pool):
    end = datetime(2027, 1, 1, tzinfo=UTC)
    instant = timedelta(milliseconds=1)
    assert await log.store([record(end - instant), record(end)]) == 2
    places = [(row["name"], row["at"]) for row in await pool.fetch(PLACES)]
    assert places == [("activity_2026_12", end - instant), ("activity_2027_01", end)]


async def test_servers_that_make_the_same_month_do_not_fail_each_other(pool):
    logs = [ActivityLog(pool) for _ in range(4)]
    stored = await asyncio.gather(*(log.store([record()]) for log in logs))
    assert stored == [1, 1, 1, 1]
    assert await partitions(pool) == ["activity_2026_11"]


async def test_months_that_are_over_are_dropped_and_no_others(log, pool):
    times = [datetime(2026, month, 15, tzinfo=UTC) for month in (9, 10, 11)]
    await log.store([record(time) for time in times])
    assert await log.drop_before(datetime(2026, 9, 30, 23, 59, tzinfo=UTC)) == []
    dropped = await log.drop_before(datetime(2026, 11, 1, tzinfo=UTC))
    assert dropped == ["activity_2026_09", "activity_2026_10"]
    assert await partitions(pool) == ["activity_2026_11"]
    # And what comes for such a month all the same makes it again.
    assert await log.store([record(times[0])]) == 1


async def test_a_partition_that_another_server_dropped_is_made_again(log, pool):
    await log.store([record()])
    await pool.fetch("DROP TABLE activity_2026_11")
    with pytest.raises(ValueError, match="no partition"):
        await log.store([record()])
    assert await log.store([record()]) == 1


async def test_a_record_that_the_database_will_not_have_leaves_the_others_out(log):
    with pytest.raises(ValueError, match="22P05"):
        await log.store([record(), record(request_id="\0")])
    assert await listed(log) == []


async def test_each_filter_finds_what_it_is_for(log):
    hour = timedelta(hours=1)
    rows = [
        record(NOON, request_id="a", actor="usr_1", method="POST"),
        record(NOON + hour, request_id="b", method="PATCH", route="/v1/events/{event}"),
        record(NOON + 2 * hour, request_id="c", objects={"event": "evt_1"}, status=409),
        record(NOON + 3 * hour, request_id="d", objects={"organisation": "org_1"}),
        record(NOON + 4 * hour, request_id="e", actor="usr_1", status=503),
    ]
    await log.store(rows)
    assert await listed(log) == ["e", "d", "c", "b", "a"]
    assert await listed(log, actor="usr_1") == ["e", "a"]
    assert await listed(log, method="PATCH") == ["b"]
    assert await listed(log, route="/v1/events/{event}") == ["b"]
    assert await listed(log, event="evt_1") == ["c"]
    assert await listed(log, organisation="org_1") == ["d"]
    assert await listed(log, status=4) == ["c"]
    assert await listed(log, status=5, actor="usr_1") == ["e"]
    assert await listed(log, begin=NOON + hour, end=NOON + 3 * hour) == ["c", "b"]
    assert await listed(log, actor="usr_2") == []


async def test_commands_of_buyers_are_left_out_where_only_some_are_wanted(log):
    commands = "/v1/events/{event}/commands"
    records = [
        record(route="/v1/events/{event}/pause", request_id="pause"),
        record(route=commands, request_id="hold", details={"op": "hold"}),
        record(route=commands, request_id="block", details={"op": "block"}),
        record(route="/v1/orders", request_id="order"),
    ]
    await log.store(records)
    routes = ("/v1/events/{event}/pause", commands)
    found = await listed(log, routes=routes, ops=("block", "unblock"))
    assert sorted(found) == ["block", "pause"]
    assert await log.count(Wanted(routes=routes)) == 3


async def test_nobody_that_is_unknown_has_a_name(log):
    assert await log.names_of(["usr_nobody"]) == {}


async def test_pages_follow_each_other_over_months_without_gap_or_repetition(log):
    times = [NOON + timedelta(days=day // 2) for day in range(60)]
    await log.store([record(time, request_id=f"{n}") for n, time in enumerate(times)])
    seen, cursor = [], None
    while True:
        rows, cursor = await log.list(Wanted(), limit=7, cursor=cursor)
        assert len(rows) <= 7
        seen += rows
        if cursor is None:
            break
    assert sorted(int(row.request_id) for row in seen) == list(range(60))
    keys = [(row.at, row.activity_id) for row in seen]
    assert keys == sorted(keys, reverse=True)


@pytest.mark.parametrize("cursor", ["?", "kwABoTE=", "kgGhMQ=="])
async def test_a_cursor_that_is_none_of_ours_is_told(log, cursor):
    with pytest.raises(BadCursor):
        await log.list(Wanted(), limit=5, cursor=cursor)


async def test_a_filtered_page_reads_no_more_than_it_shows(log, pool):
    await log.store([record(actor=f"usr_{n % 40}") for n in range(2_000)])
    await pool.fetch("ANALYZE activity")
    plan = await pool.fetch(
        "EXPLAIN SELECT * FROM activity WHERE actor = $1"
        " ORDER BY at DESC, activity_id DESC LIMIT 11",
        "usr_1",
    )
    text = "\n".join(row["QUERY PLAN"] for row in plan)
    assert "actor" in text
    assert "Sort" not in text
    assert "Seq Scan" not in text


def test_times_are_read_from_milliseconds():
    assert from_ms(ms(NOON)) == NOON
