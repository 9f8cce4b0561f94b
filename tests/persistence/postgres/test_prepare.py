import pytest

from persistence.errors import Unavailable, UnsafeServer
from persistence.postgres.prepare import prepare_database
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
