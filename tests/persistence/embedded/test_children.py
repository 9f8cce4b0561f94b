"""What our own Postgres and Valkey know of us, and what they write down."""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from persistence.data_directory import DataDirectory
from persistence.embedded import (
    EmbeddedPostgres,
    EmbeddedPostgresError,
    EmbeddedValkey,
)
from persistence.embedded.account import own_account
from persistence.embedded.child import last_words, poll_in_loop
from persistence.embedded.cluster import SETTINGS, TOO_EARLY
from persistence.embedded.postmaster import PidFile
from tests.database import complete, query
from tests.scratch import make_folder

SECRETS = ("ONSALE_SECRET_KEY", "ONSALE_ADMIN_PASSWORD", "AWS_SECRET_ACCESS_KEY")
VALUE = "nobody else's business 4711"
ADDRESS = "olga@example.org"


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Iterator[DataDirectory]:
    for name in SECRETS:
        monkeypatch.setenv(name, VALUE)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:{VALUE}@h/d")
    folder = make_folder("children")
    with DataDirectory(folder / "data") as data:
        yield data
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(data: DataDirectory) -> Iterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(data)
    try:
        postgres.start()
        yield postgres
    finally:
        postgres.stop()


def log_of(data: DataDirectory) -> Path:
    home = data.read_record("postgres-home")
    return (data.path if home is None else Path(home)) / "postgres.log"


def family(pid: int) -> set[int]:
    """Every process below this one, and this one."""
    found = {pid}
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found |= family(int(child))
    return found


async def until(condition: Callable[[], object]) -> None:
    assert await poll_in_loop(lambda: bool(condition()), 60)


@pytest.mark.attack
async def test_no_secret_is_in_the_environment_of_what_we_started(data, postgres):
    """Postgres and Valkey that we start know no secret of ours."""
    connection = await asyncpg.connect(postgres.url)
    try:
        # What it hands on to its own children, as it does to an archive_command.
        await connection.execute("CREATE TABLE known (line text)")
        await connection.execute("COPY known FROM PROGRAM 'env'")
        rows = await connection.fetch("SELECT line FROM known")
    finally:
        await connection.close()
    of_postgres = "\n".join(row["line"] for row in rows)
    of_valkey = own_account().run(["env"]).stdout
    for known in (of_postgres, of_valkey):
        assert "PATH=" in known
        for word in (*SECRETS, "DATABASE_URL", VALUE):
            assert word not in known


@pytest.mark.attack
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_no_secret_is_in_a_list_of_processes(data, postgres):
    """What a list of processes shows of our Postgres and Valkey is no secret."""
    valkey = EmbeddedValkey(data)
    try:
        valkey.start()
        assert postgres.pid is not None
        assert valkey.pid is not None
        processes = family(postgres.pid) | {valkey.pid}
        assert len(processes) > 4
        for pid in processes:
            for told in ("cmdline", "environ"):
                known = Path(f"/proc/{pid}/{told}").read_bytes()
                for word in (*SECRETS, "DATABASE_URL", VALUE):
                    assert word.encode() not in known, (pid, word)
    finally:
        valkey.stop()


@pytest.mark.attack
async def test_no_address_of_a_person_is_in_the_log_of_our_database(data, postgres):
    """Addresses stay out of the log of our Postgres, whatever a statement breaks."""
    connection = await asyncpg.connect(postgres.url)
    try:
        await connection.execute(
            "CREATE TABLE person (email text PRIMARY KEY CHECK (email <> ''), n int)"
        )
        insert = "INSERT INTO person VALUES ($1, $2)"
        await connection.execute(insert, ADDRESS, 1)
        with pytest.raises(asyncpg.UniqueViolationError) as caught:
            await connection.execute(insert, ADDRESS, 2)
        # Who asked is told.
        assert ADDRESS in caught.value.detail
        with pytest.raises(asyncpg.NotNullViolationError):
            await connection.execute(
                "INSERT INTO person SELECT NULL, length($1) FROM person", ADDRESS
            )
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(f"SELECT '{ADDRESS}' FROM nothing_of_that_name")
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(
                f"DO $$ BEGIN RAISE division_by_zero USING DETAIL = '{ADDRESS}'; END $$"
            )
        await connection.execute("SET log_statement_stats = off")
    finally:
        await connection.close()
    told = log_of(data).read_text()
    assert "duplicate key value violates" in told
    assert ADDRESS not in told


def test_a_file_of_the_cluster_cannot_bring_them_back(data, postgres):
    conf = Path(
        str(complete(query(postgres.url, "SHOW config_file"))[0]["config_file"])
    )
    with conf.open("a") as file:
        file.write("log_error_verbosity = verbose\nlog_min_error_statement = debug1\n")
    postgres.stop()
    postgres.start()
    for name in ("log_error_verbosity", "log_min_error_statement"):
        (row,) = complete(query(postgres.url, f"SHOW {name}"))
        assert row[name] == SETTINGS[name]


async def test_a_killed_postgres_is_started_again_in_the_loop_at_its_address(
    data, postgres
):
    url = postgres.url
    await query(url, "CREATE TABLE t AS SELECT generate_series(1, 1000) AS x")
    for _ in range(2):
        killed = postgres.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        await until(lambda: postgres.pid is None)
        # Taken off the list of the system: no zombie.
        assert not Path(f"/proc/{killed}").exists()
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.005)

        turning = asyncio.create_task(turn())
        try:
            await postgres.restart()
        finally:
            turning.cancel()
        assert turns > 3
        assert postgres.url == url
        assert postgres.pid not in {None, killed}
        assert len(await query(url, "SELECT x FROM t")) == 1000


async def test_a_postgres_that_cannot_be_started_again_says_why(data, postgres):
    said = await query(postgres.url, "SHOW config_file")
    conf = Path(str(said[0]["config_file"]))
    former = conf.read_text()
    conf.write_text("no_such_setting = 1\n")
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGKILL)
    await until(lambda: postgres.pid is None)
    for _ in range(2):
        with pytest.raises(EmbeddedPostgresError, match="configuration file"):
            await postgres.restart()
        assert postgres.pid is None
    conf.write_text(former)
    await postgres.restart()
    assert await query(postgres.url, "SELECT 1 AS one")
    assert PidFile.read(conf.parent) is not None


async def test_a_restart_that_is_given_up_leaves_nothing_running(data, postgres):
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGKILL)
    await until(lambda: postgres.pid is None)
    restarting = asyncio.create_task(postgres.restart())
    await until(lambda: postgres.pid is not None or restarting.done())
    began = time.monotonic()
    restarting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await restarting
    assert postgres.pid is None
    assert time.monotonic() - began < 60


def test_who_came_too_early_is_not_why_it_ended(tmp_path):
    log = tmp_path / "log"
    log.write_text(
        "LOG:  starting\nPANIC:  could not write to file: No space left on device\n"
        "FATAL:  the database system is in recovery mode\n"
    )
    marks = ("PANIC:", "FATAL:")
    assert last_words(log, 0, marks, besides=TOO_EARLY).startswith("could not write")
    only = ("FATAL:",)
    assert last_words(log, 0, only) == "the database system is in recovery mode"
