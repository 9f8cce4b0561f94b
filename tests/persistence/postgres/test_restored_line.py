"""A database that was restored by means of the operator's own is known as restored."""

import asyncio
from urllib.parse import urlsplit

import asyncpg
import pytest

from persistence.embedded.binaries import find_binaries
from persistence.postgres.migrate import migrate
from tests.database import query
from tests.persistence.journals import open_store
from tests.persistence.sales import sell_some, selling

pytestmark = pytest.mark.postgres

HISTORY = "SELECT history_id FROM event_head WHERE event_id = 'evt'"


async def sell_on(url):
    """Let a server own the event again; return the history that it sells in."""
    async with (
        open_store(url) as store,
        selling(store, "evt", new=False) as sale,
    ):
        await sale.book("new", await sale.hold("new", "A-9"))
    ((history,),) = await query(url, HISTORY)
    return history


async def test_what_pg_restore_made_beside_the_original_has_a_new_history(
    database_url, empty_database_url, tmp_path
):
    async with open_store(database_url) as store:
        await sell_some(store, "evt")
    ((before,),) = await query(database_url, HISTORY)
    binaries, file = find_binaries(), str(tmp_path / "dump")
    for program, *arguments in (
        ("pg_dump", "--format=custom", f"--file={file}", f"--dbname={database_url}"),
        ("pg_restore", f"--dbname={empty_database_url}", file),
    ):
        process = await asyncio.create_subprocess_exec(binaries / program, *arguments)
        assert await process.wait() == 0
    assert await sell_on(empty_database_url) != before
    # And the original goes on as before.
    assert await sell_on(database_url) == before


async def test_a_copy_within_the_server_has_a_new_history(database_url, server_url):
    async with open_store(database_url) as store:
        await sell_some(store, "evt")
    ((before,),) = await query(database_url, HISTORY)
    original = urlsplit(database_url).path.removeprefix("/")
    copy = f"{original}_copy"
    postgres = urlsplit(server_url)._replace(path="/postgres").geturl()
    await query(postgres, f'CREATE DATABASE "{copy}" TEMPLATE "{original}"')
    try:
        url = urlsplit(database_url)._replace(path=f"/{copy}").geturl()
        assert await sell_on(url) != before
    finally:
        await query(postgres, f'DROP DATABASE "{copy}" WITH (FORCE)')


async def test_the_migration_to_it_keeps_histories(empty_database_url):
    connection = await asyncpg.connect(empty_database_url)
    try:
        await migrate(connection, upto=12)
        await connection.execute(
            "INSERT INTO event_head (event_id, server_line) VALUES"
            " ('here', server_line()), ('elsewhere', 'another:00000001')"
        )
        await migrate(connection, upto=13)
        lines = dict(
            await connection.fetch("SELECT event_id, server_line FROM event_head")
        )
        assert lines["here"] == await connection.fetchval("SELECT server_line()")
        assert lines["elsewhere"] == "another:00000001"
    finally:
        await connection.close()
