import asyncio

import asyncpg
import pytest

from persistence.errors import Aborted, Ambiguous, Unsent
from persistence.postgres.clock import DatabaseClock
from persistence.postgres.connection import SERVER_SETTINGS, Connection
from tests.database import query

pytestmark = pytest.mark.postgres

CLOCK = "SELECT clock_ms() AS now_ms"


@pytest.fixture
async def connection(database_url):
    opened = Connection(database_url, "test connection", DatabaseClock())
    yield opened
    await opened.close()


async def test_a_line_keeps_its_settings_whatever_is_reset(connection):
    settings = (
        "SELECT current_setting('synchronous_commit') AS durable,"
        " current_setting('lock_timeout') AS patience,"
        " current_setting('application_name') AS name, clock_ms() AS now_ms"
    )
    expected = ("on", "1s", "test connection")
    assert tuple((await connection.call(settings))[0])[:3] == expected
    await connection.call("RESET ALL")
    assert tuple((await connection.call(settings))[0])[:3] == expected


@pytest.mark.parametrize(
    "state", ["22003", "23505", "25P02", "40001", "40P01", "53100", "55P03", "P0001"]
)
async def test_what_the_server_took_back_is_aborted(connection, state):
    await connection.call(CLOCK)
    pid = connection.pid
    with pytest.raises(Aborted):
        await connection.call(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$")
    await connection.call(CLOCK)
    assert connection.pid == pid


@pytest.mark.parametrize(
    "state", ["40003", "08006", "57014", "57P01", "58030", "XX000", "42883", "99999"]
)
async def test_what_leaves_the_outcome_open_is_ambiguous(connection, state):
    await connection.call(CLOCK)
    pid = connection.pid
    with pytest.raises(Ambiguous):
        await connection.call(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$")
    await connection.call(CLOCK)
    assert connection.pid != pid


async def test_a_doubt_about_replication_makes_a_success_ambiguous(connection):
    with pytest.raises(Ambiguous):
        await connection.call("DO $$ BEGIN RAISE WARNING 'not replicated'; END $$")
    # A notice is no doubt.
    await connection.call("DO $$ BEGIN RAISE NOTICE 'by the way'; END $$")


async def test_a_call_beyond_its_deadline_is_ambiguous(database_url):
    connection = Connection(
        database_url, "test connection", DatabaseClock(), deadline_s=0.5
    )
    with pytest.raises(Ambiguous):
        await connection.call("SELECT pg_sleep(60)")
    await connection.call(CLOCK)
    await connection.close()


async def test_a_cancelled_call_sends_no_cancel_request(database_url, monkeypatch):
    # Or the server notices that nobody listens before it has done it.
    monkeypatch.setitem(SERVER_SETTINGS, "client_connection_check_interval", "0")
    connection = Connection(database_url, "test connection", DatabaseClock())
    await connection.call("CREATE TABLE witness (n integer)")
    sql = "WITH slow AS (SELECT pg_sleep(2)) INSERT INTO witness SELECT 1 FROM slow"
    calling = asyncio.create_task(connection.call(sql))
    sleeping = (
        "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        " AND datname = current_database()"
    )
    while not await query(database_url, sleeping):
        pass
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    rows: list[object] = []
    async with asyncio.timeout(60):
        while not rows:
            rows = await connection.call("SELECT n, clock_ms() AS now_ms FROM witness")
    await connection.close()


async def test_a_server_that_went_read_only_is_left(connection):
    await connection.call(CLOCK)
    pid = connection.pid
    with pytest.raises(Aborted):
        await connection.call("DO $$ BEGIN RAISE SQLSTATE '25006'; END $$")
    await connection.call(CLOCK)
    assert connection.pid != pid


async def test_without_a_server_nothing_is_sent():
    connection = Connection(
        "postgresql://nobody@127.0.0.1:1/none", "test connection", DatabaseClock()
    )
    with pytest.raises(Unsent):
        await connection.call(CLOCK)
    assert connection.pid is None
    await connection.close()


async def test_a_killed_connection_is_replaced(connection, database_url):
    await connection.call(CLOCK)
    other = await asyncpg.connect(database_url)
    await other.execute("SELECT pg_terminate_backend($1)", connection.pid)
    await other.close()
    # The server may say so before or after we ask.
    for _ in range(2):
        try:
            await connection.call(CLOCK)
            break
        except Ambiguous:
            continue
    await connection.call(CLOCK)
