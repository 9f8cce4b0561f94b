import asyncio

import asyncpg
import pytest

from persistence.migrate import MigrationError, migrate, read_migrations

FIRST = "CREATE TABLE a (x integer);\nINSERT INTO a VALUES (1);\n"
SECOND = "ALTER TABLE a ADD y integer;\n"

pytestmark = pytest.mark.postgres


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "0001_first.sql").write_text(FIRST)
    (tmp_path / "0002_second.sql").write_text(SECOND)
    return tmp_path


async def connect(url):
    return await asyncpg.connect(url)


async def test_each_file_is_applied_once(empty_database_url, folder):
    connection = await connect(empty_database_url)
    assert await migrate(connection, folder) == ["0001_first", "0002_second"]
    assert await migrate(connection, folder) == []
    (folder / "0003_third.sql").write_text("INSERT INTO a VALUES (2, 3);")
    assert await migrate(connection, folder) == ["0003_third"]
    assert await connection.fetchval("SELECT count(*) FROM a") == 2
    names = await connection.fetch("SELECT name FROM schema_migration ORDER BY number")
    assert [row["name"] for row in names] == ["first", "second", "third"]
    await connection.close()


async def test_servers_that_start_together_apply_each_file_once(
    empty_database_url, folder
):
    connections = [await connect(empty_database_url) for _ in range(4)]
    applied = await asyncio.gather(*(migrate(c, folder) for c in connections))
    assert sorted(applied) == [[], [], [], ["0001_first", "0002_second"]]
    assert await connections[0].fetchval("SELECT count(*) FROM a") == 1
    for connection in connections:
        await connection.close()


async def test_a_file_that_fails_leaves_nothing_of_it(empty_database_url, folder):
    (folder / "0002_second.sql").write_text("CREATE TABLE b (); SELECT 1 / 0;")
    connection = await connect(empty_database_url)
    with pytest.raises(asyncpg.DivisionByZeroError) as caught:
        await migrate(connection, folder)
    assert caught.value.__notes__ == ["in migration 0002_second.sql"]
    assert await connection.fetchval("SELECT to_regclass('b')") is None
    assert await connection.fetchval("SELECT count(*) FROM schema_migration") == 1
    (folder / "0002_second.sql").write_text(SECOND)
    assert await migrate(connection, folder) == ["0002_second"]
    await connection.close()


async def test_the_lock_is_given_back_after_a_failure(empty_database_url, folder):
    (folder / "0002_second.sql").write_text("SELECT 1 / 0;")
    connection = await connect(empty_database_url)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(connection, folder)
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    assert await connection.fetchval(held) == 0
    await connection.close()


async def test_a_changed_file_is_refused(empty_database_url, folder):
    connection = await connect(empty_database_url)
    await migrate(connection, folder)
    (folder / "0001_first.sql").write_text(FIRST + "-- one more word\n")
    with pytest.raises(MigrationError, match=r"0001_first\.sql was changed"):
        await migrate(connection, folder)
    await connection.close()


async def test_a_database_of_a_newer_program_is_refused(empty_database_url, folder):
    connection = await connect(empty_database_url)
    await migrate(connection, folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(MigrationError, match="start a newer Onsale"):
        await migrate(connection, folder)
    await connection.close()


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
    connection = await connect(database_url)
    assert await migrate(connection) == []
    await connection.close()
