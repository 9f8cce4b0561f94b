import asyncio
from uuid import uuid4

import asyncpg
import pytest

from persistence.postgres.migrate import (
    LOCK_KEY,
    Migration,
    MigrationError,
    large_tables,
    migrate,
    pending_migrations,
    read_migrations,
)

FIRST = "CREATE TABLE a (x integer);\nINSERT INTO a VALUES (1);\n"
# Other tests use other databases of the same server.
ADVISORY_LOCKS_HERE = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE locktype = 'advisory' AND datname = current_database()
"""
SECOND = "ALTER TABLE a ADD y integer;\n"

pytestmark = pytest.mark.postgres


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "0001_first.sql").write_text(FIRST)
    (tmp_path / "0002_second.sql").write_text(SECOND)
    return tmp_path


@pytest.fixture
async def connection(empty_database_url):
    made = await asyncpg.connect(empty_database_url)
    yield made
    await made.close()


async def test_each_file_is_applied_once(connection, folder):
    assert await migrate(connection, folder) == ["0001_first", "0002_second"]
    assert await migrate(connection, folder) == []
    (folder / "0003_third.sql").write_text("INSERT INTO a VALUES (2, 3);")
    assert await migrate(connection, folder) == ["0003_third"]
    assert await connection.fetchval("SELECT count(*) FROM a") == 2
    names = await connection.fetch("SELECT name FROM schema_migration ORDER BY number")
    assert [row["name"] for row in names] == ["first", "second", "third"]


async def test_servers_that_start_together_apply_each_file_once(
    empty_database_url, folder
):
    connections = [await asyncpg.connect(empty_database_url) for _ in range(4)]
    applied = await asyncio.gather(*(migrate(c, folder) for c in connections))
    assert sorted(applied) == [[], [], [], ["0001_first", "0002_second"]]
    assert await connections[0].fetchval("SELECT count(*) FROM a") == 1
    for connection in connections:
        await connection.close()


async def test_a_file_that_fails_leaves_nothing_of_it(connection, folder):
    (folder / "0002_second.sql").write_text("CREATE TABLE b (); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError) as caught:
        await migrate(connection, folder)
    assert caught.value.__notes__ == ["in migration 0002_second.sql"]
    assert await connection.fetchval("SELECT to_regclass('b')") is None
    assert await connection.fetchval("SELECT count(*) FROM schema_migration") == 1
    (folder / "0002_second.sql").write_text(SECOND)
    assert await migrate(connection, folder) == ["0002_second"]


async def test_the_lock_is_given_back_after_a_failure(connection, folder):
    (folder / "0002_second.sql").write_text("SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(connection, folder)
    assert await connection.fetchval(ADVISORY_LOCKS_HERE) == 0


async def test_a_changed_file_is_refused(connection, folder):
    await migrate(connection, folder)
    (folder / "0001_first.sql").write_text(FIRST + "-- one more word\n")
    with pytest.raises(MigrationError, match=r"0001_first\.sql was changed"):
        await migrate(connection, folder)


async def test_a_database_of_a_newer_program_is_refused(connection, folder):
    await migrate(connection, folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(MigrationError, match="start a newer Onsale") as caught:
        await migrate(connection, folder)
    # And how to go back, which is what one wants who starts the older one.
    assert "schema 0002" in str(caught.value)
    assert "onsale restore FILE" in str(caught.value)
    with pytest.raises(MigrationError, match="start a newer Onsale"):
        await pending_migrations(connection, folder)


async def test_it_goes_no_further_than_told(connection, folder):
    assert await migrate(connection, folder, upto=1) == ["0001_first"]
    pending = await pending_migrations(connection, folder)
    assert [one.label for one in pending] == ["0002_second"]
    assert await migrate(connection, folder) == ["0002_second"]


async def test_where_nothing_is_missing_no_right_to_change_the_schema_is_needed(
    connection, folder
):
    await migrate(connection, folder)
    role = f"reader_{uuid4().hex}"
    await connection.execute(f"CREATE ROLE {role}")
    try:
        await connection.execute(f"GRANT SELECT ON schema_migration TO {role}")
        await connection.execute(f"SET ROLE {role}")
        assert await migrate(connection, folder) == []
    finally:
        await connection.execute("RESET ROLE")
        await connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_who_waits_for_another_says_so(connection, empty_database_url, folder):
    other = await asyncpg.connect(empty_database_url)
    try:
        await other.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        told: asyncio.Queue[str] = asyncio.Queue()
        waiting = asyncio.create_task(migrate(connection, folder, tell=told.put_nowait))
        async with asyncio.timeout(60):
            assert "Another process is migrating" in await told.get()
        assert not waiting.done()
        await other.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY)
        assert await waiting == ["0001_first", "0002_second"]
    finally:
        await other.close()


async def test_a_table_that_is_in_use_is_not_waited_for_without_end(
    connection, empty_database_url, folder, monkeypatch
):
    await migrate(connection, folder, upto=1)
    monkeypatch.setattr(
        "persistence.postgres.migrate._PATIENCE", "SET LOCAL lock_timeout = 50"
    )
    other = await asyncpg.connect(empty_database_url)
    try:
        async with other.transaction():
            await other.execute("SELECT * FROM a")
            with pytest.raises(MigrationError, match="0002_second did not get its"):
                await migrate(connection, folder)
        assert await migrate(connection, folder) == ["0002_second"]
    finally:
        await other.close()


async def test_an_account_with_little_time_may_migrate(connection, folder):
    (folder / "0002_second.sql").write_text("SELECT pg_sleep(0.2);")
    await connection.execute("SET statement_timeout = 100")
    assert await migrate(connection, folder) == ["0001_first", "0002_second"]
    assert await connection.fetchval("SHOW statement_timeout") == "100ms"


def test_the_tables_that_a_file_changes_are_read_from_it():
    sql = """
    -- UPDATE in_a_comment
    ALTER TABLE a ADD x integer; ALTER TABLE ONLY b DROP x;
    CREATE UNIQUE INDEX i ON c (x); CREATE INDEX CONCURRENTLY IF NOT EXISTS j ON d (x);
    UPDATE e SET x = 1; DELETE FROM f; INSERT INTO new (x) SELECT x FROM g;
    CREATE FUNCTION h() RETURNS void AS $$ BEGIN UPDATE in_a_body SET x = 1; END $$;
    """
    assert Migration(1, "x", sql).changed_tables() == set("abcdefg")


async def test_work_on_a_large_table_is_foretold(connection, folder, monkeypatch):
    await migrate(connection, folder, upto=1)
    pending = await pending_migrations(connection, folder)
    assert await large_tables(connection, pending) == []
    monkeypatch.setattr("persistence.postgres.migrate.LARGE_BYTES", 8192)
    ((label, table, size),) = await large_tables(connection, pending)
    assert (label, table) == ("0002_second", "a")
    assert size >= 8192


@pytest.mark.parametrize(
    ("name", "sql", "problem"),
    [
        ("2_short.sql", "", "is not called"),
        ("0002-dash.sql", "", "is not called"),
        ("0003_hole.sql", "", "where number 0002 is expected"),
        ("0001_twice.sql", "", "where number 0002 is expected"),
        ("0002_commit.sql", "SELECT 1;\ncommit ;", "begins or ends a transaction"),
    ],
)
def test_a_folder_that_is_not_in_order_is_refused(tmp_path, name, sql, problem):
    (tmp_path / "0001_first.sql").write_text(FIRST)
    (tmp_path / name).write_text(sql)
    with pytest.raises(MigrationError, match=problem):
        read_migrations(tmp_path)


def test_a_block_of_a_function_is_no_transaction(tmp_path):
    body = "DO $$\nBEGIN\n  PERFORM 1;\nEND\n$$;\n"
    (tmp_path / "0001_first.sql").write_text(body)
    assert len(read_migrations(tmp_path)) == 1


async def test_our_own_migrations_apply(database_url):
    connection = await asyncpg.connect(database_url)
    try:
        assert await migrate(connection) == []
    finally:
        await connection.close()
