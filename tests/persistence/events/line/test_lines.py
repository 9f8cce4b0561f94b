"""The row of a line: written once, moved on once, and closed for good."""

import asyncio

import asyncpg
import pytest

from persistence.events.line.joining import JoinLane, NotOpen
from persistence.events.line.lines import Lines
from persistence.postgres.pool import Pool
from tests.persistence.events.line.places import new_entry, new_line, opened

pytestmark = pytest.mark.postgres

CLOSINGS = 1_000
JOINS = 3
"""On each of two processes, for each closing."""

WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.fixture
async def pools(database_url):
    """Two processes that joins come to, and the one that closes the list."""
    pools = [await Pool.open(database_url, size=2) for _ in range(3)]
    yield pools
    for pool in pools:
        await pool.close()


async def test_an_opening_is_written_once_and_read_back(pools):
    lines = Lines(pools[0])
    assert await lines.find("evt") is None
    first = await lines.begin(new_line())
    assert (first.phase, first.seed) == ("opening", b"seed")
    again = await Lines(pools[1]).begin(new_line(mode="fifo"))
    assert again == first
    assert "seed'" not in repr(first)


async def test_nobody_joins_before_it_is_open_or_once_it_is_over(pools):
    lines, lane = Lines(pools[0]), JoinLane(pools[1])
    with pytest.raises(NotOpen):
        await lane.join(new_entry("ann"))
    row = await lines.begin(new_line())
    with pytest.raises(NotOpen):
        await lane.join(new_entry("ann"))
    row = await lines.move(row, "late")
    assert (await lane.join(new_entry("ann"))).late
    over = await lines.move(row, "over")
    assert over.closed_at is not None
    with pytest.raises(NotOpen):
        await lane.join(new_entry("bert"))
    # Who is a step behind hears how it is, and changes nothing.
    assert (await lines.move(row, "late")).phase == "over"


async def test_a_thousand_closings_raced_by_joins(pools):
    """Whoever is told that they are an entrant is in the list, and nobody else."""
    lines = Lines(pools[2])
    lanes = [JoinLane(pool) for pool in pools[:2]]
    both = 0
    for number in range(CLOSINGS):
        event = f"evt-{number}"
        row = await opened(lines, event, "gathering")
        joins = [
            asyncio.ensure_future(lane.join(new_entry(f"u{at}-{n}", event)))
            for at, lane in enumerate(lanes)
            for n in range(JOINS)
        ]
        # Some statements are written by then, some are on their way, some come later.
        await asyncio.wait(joins[: number % len(joins)] or joins[:1])
        closed = await lines.move(row, "late")
        found = await pools[2].fetch(
            "SELECT user_id FROM line_entry WHERE event_id = $1 AND NOT late", event
        )
        assert closed.phase == "late"
        told = await asyncio.gather(*joins)
        told_in = {
            f"u{at}-{n}"
            for (at, n), one in zip(
                ((at, n) for at in range(2) for n in range(JOINS)), told, strict=True
            )
            if not one.late
        }
        assert told_in == {one["user_id"] for one in found}
        both += 0 < len(told_in) < len(joins)
    # Else nothing was raced here.
    assert both > 0


async def test_closing_waits_for_a_join_that_is_under_way(database_url, pools):
    lines, lane = Lines(pools[0]), JoinLane(pools[1])
    row = await opened(lines, phase="gathering")
    slow = await asyncpg.connect(database_url)
    watch = await asyncpg.connect(database_url)
    try:
        transaction = slow.transaction()
        await transaction.start()
        await slow.fetch("SELECT FROM line WHERE event_id = 'evt' FOR SHARE")
        closing = asyncio.ensure_future(lines.move(row, "late"))
        while not await watch.fetchval(WAITS):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert not closing.done()
        await transaction.commit()
        assert (await closing).phase == "late"
    finally:
        slow.terminate()
        watch.terminate()
    assert (await lane.join(new_entry("ann"))).late


async def test_closing_gets_through_a_storm_of_joins(database_url, pools):
    """Joins share their lock, and let whoever closes have it all the same."""
    lines = Lines(pools[2])
    row = await opened(lines, phase="gathering")
    pools = [await Pool.open(database_url, size=1) for _ in range(4)]
    lanes = [JoinLane(pool) for pool in pools]
    closed = False
    after = 0

    async def storm(at, lane):
        nonlocal after
        n = 0
        while after < 200:
            await asyncio.gather(
                *(lane.join(new_entry(f"{at}-{n}-{k}")) for k in range(20))
            )
            n += 1
            if closed:
                after += 20
            assert n < 5_000, "the list was not closed"

    storms = [asyncio.ensure_future(storm(n, lane)) for n, lane in enumerate(lanes)]
    await lanes[0].join(new_entry("first"))
    await lines.move(row, "late")
    closed = True
    await asyncio.gather(*storms)
    for pool in pools:
        await pool.close()
    counts = await lines.counts(row)
    assert counts.live == counts.joined > 200
