import asyncpg
import pytest

from persistence.errors import Unavailable, UnsafeServer
from persistence.postgres.migrate import migrate
from persistence.postgres.prepare import pending_work, prepare_database
from tests.database import query

pytestmark = pytest.mark.postgres


async def test_an_empty_database_is_migrated_once(empty_database_url):
    durability, applied = await prepare_database(empty_database_url, unsafe=False)
    assert durability.problems == []
    assert applied
    assert await query(empty_database_url, "SELECT 1 FROM event_head") == []
    _, applied = await prepare_database(empty_database_url, unsafe=False)
    assert applied == []


async def test_an_unsafe_database_is_not_touched(empty_database_url):
    (row,) = await query(empty_database_url, "SELECT current_database()")
    off = f'ALTER DATABASE "{row[0]}" SET synchronous_commit = off'
    await query(empty_database_url, off)
    with pytest.raises(UnsafeServer):
        await prepare_database(empty_database_url, unsafe=False)
    tables = "SELECT 1 FROM pg_tables WHERE schemaname = 'public'"
    assert await query(empty_database_url, tables) == []
    durability, applied = await prepare_database(empty_database_url, unsafe=True)
    assert durability.problems
    assert applied


async def test_a_server_that_is_not_there_is_unavailable():
    with pytest.raises(Unavailable):
        await prepare_database("postgresql://nobody@127.0.0.1:1/none", unsafe=False)


async def test_a_start_that_meets_a_longer_migration_says_so(
    empty_database_url, monkeypatch
):
    connection = await asyncpg.connect(empty_database_url)
    await migrate(connection, upto=6)
    await connection.close()
    assert await pending_work(empty_database_url)
    monkeypatch.setattr("persistence.postgres.migrate.LARGE_BYTES", 1)
    told: list[str] = []
    work = dict(await pending_work(empty_database_url))
    assert work["0007_events"][0].startswith("event: ")
    await prepare_database(empty_database_url, unsafe=False, tell=told.append)
    assert any("0007_events works on the table event," in line for line in told)
    assert all("`onsale migrate`" in line for line in told)
    told.clear()
    await prepare_database(empty_database_url, unsafe=False, tell=told.append)
    assert told == []
    assert await pending_work(empty_database_url) == []
