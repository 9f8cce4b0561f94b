import asyncio

import pytest

from persistence.errors import Unavailable
from persistence.postgres.pool import Pool, UniqueViolation
from tests.persistence.proxy import open_proxy

pytestmark = pytest.mark.postgres


@pytest.fixture
async def pool(database_url):
    opened = await Pool.open(database_url, size=2)
    yield opened
    await opened.close()


async def test_a_pool_reads_durable_settings_after_many_uses(pool):
    sql = "SELECT current_setting('synchronous_commit') AS level"
    for _ in range(5):
        row = await pool.fetch_one(sql)
        assert row is not None
        assert row["level"] == "on"
    assert await pool.fetch_one("SELECT 1 WHERE false") is None


async def test_a_server_that_is_not_there_is_unavailable():
    with pytest.raises(Unavailable):
        await Pool.open("postgresql://nobody@127.0.0.1:1/none")


async def test_a_killed_connection_is_unavailable_once_and_then_replaced(pool):
    with pytest.raises(Unavailable):
        await pool.fetch("SELECT pg_terminate_backend(pg_backend_pid())")
    assert await pool.fetch_one("SELECT 1") is not None


async def test_what_the_statement_itself_did_wrong_stays_as_it_is(pool):
    await pool.fetch("CREATE TABLE one (n integer PRIMARY KEY)")
    await pool.fetch("INSERT INTO one VALUES (1)")
    with pytest.raises(UniqueViolation):
        await pool.fetch("INSERT INTO one VALUES (1)")


async def test_a_transaction_is_kept_whole_or_not_at_all(pool):
    await pool.fetch("CREATE TABLE one (n integer)")

    async def fail():
        async with pool.transaction() as connection:
            await connection.execute("INSERT INTO one VALUES (1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with pool.transaction() as connection:
        await connection.execute("INSERT INTO one VALUES (2)")
    assert [row["n"] for row in await pool.fetch("SELECT n FROM one")] == [2]


async def test_a_read_only_server_is_unavailable(pool):
    with pytest.raises(Unavailable):
        async with pool.transaction(readonly=True) as connection:
            await connection.execute("CREATE TABLE two (n integer)")
    await pool.fetch("CREATE TABLE two (n integer)")


async def test_a_cancelled_reader_leaves_the_pool_usable(pool):
    for _ in range(4):
        reading = asyncio.create_task(pool.fetch("SELECT pg_sleep(5)"))
        await asyncio.sleep(0.02)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    assert await pool.fetch_one("SELECT 1") is not None


@pytest.mark.parametrize("within", ["a statement", "a transaction"])
async def test_who_is_cancelled_does_not_wait_for_a_database_that_is_silent(
    database_url, within
):
    async with open_proxy(database_url) as proxy:
        pool = await Pool.open(proxy.url)

        async def ask() -> None:
            if within == "a statement":
                await pool.fetch("SELECT 1")
            else:
                async with pool.transaction() as connection:
                    proxy.losing_answers = True
                    await connection.fetch("SELECT 1")

        proxy.losing_answers = within == "a statement"
        asking = asyncio.create_task(ask())
        await proxy.answer_lost.wait()
        asking.cancel()
        async with asyncio.timeout(60):
            await asyncio.wait([asking])
        assert asking.cancelled()
        proxy.losing_answers = False
        assert await pool.fetch("SELECT 1")
        await pool.close()


async def test_statements_are_planned_anew_where_that_is_wanted(database_url, pool):
    sql = "SELECT current_setting('plan_cache_mode') AS mode"
    planning = await Pool.open(database_url, replan=True)
    for where, mode in ((pool, "auto"), (planning, "force_custom_plan")):
        row = await where.fetch_one(sql)
        assert row is not None
        assert row["mode"] == mode
    await planning.close()


async def test_whoever_comes_next_has_the_connection_that_was_left(pool):
    sql = "SELECT pg_backend_pid() AS pid"
    pids = {(await pool.fetch(sql))[0]["pid"] for _ in range(5)}
    async with pool.transaction() as connection:
        pids.add(await connection.fetchval(sql))
    assert len(pids) == 1


async def test_who_waits_is_served_before_a_connection_rests(pool):
    """Of two connections and twenty who want one, nobody is left."""
    sql = "SELECT pg_backend_pid() AS pid, pg_sleep(0.001)"
    asked = [pool.fetch(sql) for _ in range(20)]
    async with asyncio.timeout(30):
        rows = await asyncio.gather(*asked)
    assert len({row[0]["pid"] for row in rows}) <= 2


async def test_one_that_was_killed_while_it_rested_is_given_to_nobody(
    database_url, pool
):
    sql = "SELECT pg_backend_pid() AS pid"
    (mine,) = await pool.fetch(sql)
    other = await Pool.open(database_url)
    await other.fetch("SELECT pg_terminate_backend($1)", mine["pid"])
    try:
        (now,) = await pool.fetch(sql)
    except Unavailable:
        # Its end was not heard of yet; the next one finds another.
        (now,) = await pool.fetch(sql)
    assert now["pid"] != mine["pid"]
    await other.close()


async def test_what_rests_is_closed_with_the_pool(database_url, pool):
    other = await Pool.open(database_url, name="rests")
    await other.fetch("SELECT 1")
    await other.close()
    sql = "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'rests'"
    async with asyncio.timeout(30):
        while (await pool.fetch(sql))[0]["n"]:  # noqa: ASYNC110 - it ends by itself
            await asyncio.sleep(0.01)
