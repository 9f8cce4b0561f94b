"""Start and stop the Postgres of a data directory."""

import asyncio
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from persistence.data_directory import DataDirectory, sync_directory
from persistence.embedded.account import (
    Account,
    EmbeddedPostgresError,
    choose_account,
)
from persistence.embedded.binaries import find_binaries, runnable_binaries
from persistence.embedded.places import (
    CLUSTER,
    SOCKET_NAME,
    existing_home,
    make_home,
    make_socket_directory,
)
from persistence.embedded.postmaster import (
    FAST_SHUTDOWN,
    IMMEDIATE_SHUTDOWN,
    PidFile,
    process_exists,
    socket_url,
    start_watchdog,
    tie_to_parent,
)

DATABASE = "onsale"
# Long, because after a crash Postgres first replays what it had not yet written.
START_TIMEOUT_S = 120
FORMER_TIMEOUT_S = 60
INITDB_TIMEOUT_S = 120
POLL_S = 0.01
LOG_MAX_BYTES = 16 * 1024 * 1024

# Durability stays as strong as it is by default; it is written down so that nobody's
# postgresql.conf can weaken it. The rest suits one server process on the same machine.
SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": "5432",
    "max_connections": "100",
    "shared_buffers": "128MB",
    # A commit waits for its own log record only: segments are there before they are
    # needed, and checkpoints are spread out.
    "wal_buffers": "16MB",
    "min_wal_size": "256MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "5min",
    "checkpoint_completion_target": "0.9",
    # Short statements gain nothing from it and pay for the compiler's first call.
    "jit": "off",
    # A client that is gone must not keep a row locked.
    "client_connection_check_interval": "1s",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
}


class EmbeddedPostgres:
    """The Postgres of one data directory, whose lock the caller holds.

    `start` from the main thread before the event loop; `stop` when the loop is done.
    """

    def __init__(self, data: DataDirectory) -> None:
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._url: str | None = None
        self._launched: _Launched | None = None

    @property
    def url(self) -> str:
        """The address of our database, known once `start` returned."""
        if self._url is None:
            raise EmbeddedPostgresError("The embedded Postgres has not been started.")
        return self._url

    @property
    def pid(self) -> int | None:
        """The process of the postmaster, while it runs."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    def start(self) -> str:
        """Start Postgres, wait until it answers, and return its address for asyncpg.

        The first start makes the cluster. Raises `EmbeddedPostgresError`.
        """
        self.launch()
        return self.wait()

    def launch(self) -> None:
        """Begin to start; whoever has something else to do may do it before `wait`."""
        if self.pid is not None:
            return
        if threading.current_thread() is not threading.main_thread():
            raise EmbeddedPostgresError(
                "The embedded Postgres ends with the thread that started it:"
                " start it from the main thread."
            )
        if not self._data.locked:
            raise EmbeddedPostgresError("Lock the data directory first.")
        with self._stopped_on_failure():
            self._launched = self._launch()

    def wait(self) -> str:
        """Wait until the launched Postgres answers; return its address for asyncpg."""
        launched, self._launched = self._launched, None
        if launched is not None:
            with self._stopped_on_failure():
                self._wait_until_ready(launched)
                self._url = socket_url(str(launched.sockets), DATABASE)
                _run(_make_database(str(launched.sockets)))
        return self.url

    @contextmanager
    def _stopped_on_failure(self) -> Iterator[None]:
        try:
            yield
        except (OSError, subprocess.SubprocessError) as error:
            self.stop()
            raise EmbeddedPostgresError(
                f"The embedded Postgres could not be started: {error}."
            ) from error
        except BaseException:
            self.stop()
            raise

    def _launch(self) -> "_Launched":
        home = existing_home(self._data)
        account = choose_account(None if home is None else _owner(home / CLUSTER))
        if home is None:
            home = make_home(self._data, account)
        cluster = home / CLUSTER
        binaries, major = runnable_binaries(find_binaries(), account, home)
        if cluster.exists():
            _check_version(cluster, major)
            _wait_for_former(cluster)
        else:
            _make_cluster(cluster, binaries, account)
        if not account.can_enter(cluster):
            raise EmbeddedPostgresError(
                f"The account {account.name} cannot reach its database in {cluster}:"
                " a directory above it has been closed."
            )
        sockets = make_socket_directory(self._data, account, home)
        log = home / "postgres.log"
        log_start = _rotate(log)
        self._spawn(
            [str(binaries / "postgres"), "-D", str(cluster)], sockets, log, account
        )
        return _Launched(cluster, sockets, log, log_start)

    def _spawn(
        self, command: list[str], sockets: Path, log: Path, account: Account
    ) -> None:
        settings = {**SETTINGS, "unix_socket_directories": str(sockets)}
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # A session of its own: Ctrl-C in the terminal must reach us and not
            # Postgres, which we still need to stop in order.
            self._process = subprocess.Popen(
                command,
                stdout=fd,
                stderr=fd,
                start_new_session=True,
                preexec_fn=tie_to_parent(),
                **account.process_options(),
            )
        finally:
            os.close(fd)
        self._watchdog = start_watchdog(self._process.pid)

    def _wait_until_ready(self, launched: "_Launched") -> None:
        cluster, log, log_start = launched.cluster, launched.log, launched.log_start
        process = self._process
        assert process is not None

        def is_ready() -> bool:
            if process.poll() is not None:
                raise EmbeddedPostgresError(
                    f"Postgres ended while it started: {_last_words(log, log_start)}"
                    f" (its log is {log})."
                )
            said = PidFile.read(cluster)
            return said is not None and said.pid == process.pid and said.is_ready

        if not _poll(is_ready, START_TIMEOUT_S):
            raise EmbeddedPostgresError(
                f"Postgres was not ready within {START_TIMEOUT_S} s; its log is {log}."
            )

    def stop(self, timeout_s: float = 10) -> None:
        """Stop Postgres: in order, and if that takes too long, at once.

        Either way nothing committed is lost; after the latter the next start recovers.
        """
        process, self._process = self._process, None
        watchdog, self._watchdog = self._watchdog, None
        if watchdog is not None:
            watchdog.kill()
            watchdog.wait()
        if process is None:
            return
        for number, patience_s in (
            (FAST_SHUTDOWN, timeout_s),
            (IMMEDIATE_SHUTDOWN, 5.0),
        ):
            process.send_signal(number)
            try:
                process.wait(patience_s)
            except subprocess.TimeoutExpired:
                continue
            return
        process.kill()
        process.wait()


class _Launched(NamedTuple):
    """Where a Postgres that is starting can be found."""

    cluster: Path
    sockets: Path
    log: Path
    log_start: int


def running_url(data: DataDirectory) -> str | None:
    """Return the address of the Postgres that runs for a data directory, or None.

    For tools beside a running server; whoever uses it neither owns nor stops Postgres.
    """
    try:
        home = existing_home(data)
        said = None if home is None else PidFile.read(home / CLUSTER)
    except PermissionError:
        raise EmbeddedPostgresError(
            f"The database of {data.path} belongs to somebody else:"
            " use the account that the server runs under."
        ) from None
    if said is None or not said.is_ready or not said.is_alive():
        return None
    return socket_url(said.socket_directory, DATABASE)


def _owner(cluster: Path) -> int:
    return cluster.lstat().st_uid


def _check_version(cluster: Path, major: int) -> None:
    made_by = (cluster / "PG_VERSION").read_text().strip()
    if made_by != str(major):
        raise EmbeddedPostgresError(
            f"The database in {cluster} was made by Postgres {made_by} and this is"
            f" Postgres {major}: start the old one once more and dump it."
        )


def _wait_for_former(cluster: Path) -> None:
    """Wait until the Postgres that our former self started has ended.

    After `kill -9` of the server it is still writing its last checkpoint.
    """

    def is_gone() -> bool:
        said = PidFile.read(cluster)
        return said is None or not said.is_alive()

    if not _poll(is_gone, FORMER_TIMEOUT_S):
        said = PidFile.read(cluster)
        raise EmbeddedPostgresError(
            f"The former Postgres over {cluster} (process"
            f" {'unknown' if said is None else said.pid}) has not ended within"
            f" {FORMER_TIMEOUT_S} s; stop it first."
        )
    said = PidFile.read(cluster)
    if said is not None and process_exists(said.pid):
        # Its number went to another program, which Postgres would take for itself.
        # Nothing of it is left: no such command, nobody attached to its memory.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        socket_lock = Path(said.socket_directory) / (SOCKET_NAME + ".lock")
        socket_lock.unlink(missing_ok=True)


def _make_cluster(cluster: Path, binaries: Path, account: Account) -> None:
    """Make an empty cluster, which appears under its name when it is complete."""
    unfinished = cluster.with_name(cluster.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    account.give(unfinished)
    command = [
        str(binaries / "initdb"),
        f"--pgdata={unfinished}",
        "--username=postgres",
        "--encoding=UTF8",
        # Sorts by code point, the same on every machine. macOS has no C.UTF-8.
        "--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C",
        "--data-checksums",
        # Who can enter the socket's directory is trusted; nobody else can connect.
        "--auth-local=trust",
        "--auth-host=reject",
        "--no-instructions",
    ]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INITDB_TIMEOUT_S,
        preexec_fn=tie_to_parent(),
        **account.process_options(),
    )
    if done.returncode != 0:
        said = " ".join(done.stdout.split()[-60:])
        raise EmbeddedPostgresError(f"initdb could not make {cluster}: {said}")
    unfinished.rename(cluster)
    sync_directory(cluster.parent)


def _rotate(log: Path) -> int:
    """Keep the log from growing for ever; return where this run's part begins."""
    try:
        size = log.stat().st_size
    except FileNotFoundError:
        return 0
    if size <= LOG_MAX_BYTES:
        return size
    log.replace(log.with_name(log.name + ".1"))
    return 0


def _last_words(log: Path, start: int) -> str:
    """Return the line of the log that says why Postgres ended."""
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read(1024 * 1024).decode("utf-8", "replace").splitlines()
    for word in ("FATAL:", "PANIC:", "ERROR:"):
        for line in reversed(lines):
            if word in line:
                return line.partition(word)[2].strip()
    return lines[-1] if lines else "it said nothing"


def _poll(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Wait until the condition holds; False where it did not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run asyncio code to its end without touching the thread's own loop settings."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()


async def _make_database(sockets: str) -> None:
    """Connect, and make our database where it is missing."""
    try:
        connection = await asyncpg.connect(socket_url(sockets, DATABASE), timeout=30)
    except asyncpg.InvalidCatalogNameError:
        connection = await asyncpg.connect(socket_url(sockets, "postgres"), timeout=30)
        try:
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            await connection.close()
    else:
        await connection.close()
