import asyncio

import asyncpg
import pytest

from persistence.errors import Aborted, Ambiguous, Unsent
from persistence.postgres.clock import DatabaseClock
from persistence.postgres.connection import Line

pytestmark = pytest.mark.postgres

CLOCK = "SELECT clock_ms() AS now_ms"


@pytest.fixture
async def line(database_url):
    opened = Line(database_url, "test line", DatabaseClock())
    yield opened
    await opened.close()


async def test_a_line_keeps_its_settings_whatever_is_reset(line):
    settings = (
        "SELECT current_setting('synchronous_commit') AS durable,"
        " current_setting('lock_timeout') AS patience,"
        " current_setting('application_name') AS name, clock_ms() AS now_ms"
    )
    expected = ("on", "1s", "test line")
    assert tuple((await line.call(settings))[0])[:3] == expected
    await line.call("RESET ALL")
    assert tuple((await line.call(settings))[0])[:3] == expected


@pytest.mark.parametrize(
    "state", ["22003", "23505", "25P02", "40001", "40P01", "53100", "55P03", "P0001"]
)
async def test_what_the_server_took_back_is_aborted(line, state):
    await line.call(CLOCK)
    pid = line.pid
    with pytest.raises(Aborted):
        await line.call(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$")
    await line.call(CLOCK)
    assert line.pid == pid


@pytest.mark.parametrize(
    "state", ["40003", "08006", "57014", "57P01", "58030", "XX000", "42883", "99999"]
)
async def test_what_leaves_the_outcome_open_is_ambiguous(line, state):
    await line.call(CLOCK)
    pid = line.pid
    with pytest.raises(Ambiguous):
        await line.call(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$")
    await line.call(CLOCK)
    assert line.pid != pid


async def test_a_doubt_about_replication_makes_a_success_ambiguous(line):
    with pytest.raises(Ambiguous):
        await line.call("DO $$ BEGIN RAISE WARNING 'not replicated'; END $$")
    # A notice is no doubt.
    await line.call("DO $$ BEGIN RAISE NOTICE 'by the way'; END $$")


async def test_a_call_beyond_its_deadline_is_ambiguous(database_url):
    line = Line(database_url, "test line", DatabaseClock(), deadline_s=0.05)
    with pytest.raises(Ambiguous):
        await line.call("SELECT pg_sleep(5)")
    await line.call(CLOCK)
    await line.close()


async def test_a_cancelled_call_sends_no_cancel_request(database_url):
    line = Line(database_url, "test line", DatabaseClock())
    await line.call("CREATE TABLE witness (n integer)")
    sql = "WITH slow AS (SELECT pg_sleep(0.3)) INSERT INTO witness SELECT 1 FROM slow"
    calling = asyncio.create_task(line.call(sql))
    await asyncio.sleep(0.1)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    rows: list[object] = []
    async with asyncio.timeout(5):
        while not rows:
            rows = await line.call("SELECT n, clock_ms() AS now_ms FROM witness")
    await line.close()


async def test_a_server_that_went_read_only_is_left(line):
    await line.call(CLOCK)
    pid = line.pid
    with pytest.raises(Aborted):
        await line.call("DO $$ BEGIN RAISE SQLSTATE '25006'; END $$")
    await line.call(CLOCK)
    assert line.pid != pid


async def test_without_a_server_nothing_is_sent():
    line = Line("postgresql://nobody@127.0.0.1:1/none", "test line", DatabaseClock())
    with pytest.raises(Unsent):
        await line.call(CLOCK)
    assert line.pid is None
    await line.close()


async def test_a_killed_connection_is_replaced(line, database_url):
    await line.call(CLOCK)
    other = await asyncpg.connect(database_url)
    await other.execute("SELECT pg_terminate_backend($1)", line.pid)
    await other.close()
    # The server may say so before or after we ask.
    for _ in range(2):
        try:
            await line.call(CLOCK)
            break
        except Ambiguous:
            continue
    await line.call(CLOCK)
