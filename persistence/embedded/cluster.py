"""Start and stop the Postgres of a data directory."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import asyncpg

from persistence.data_directory import DataDirectory, sync_directory
from persistence.embedded.account import (
    Account,
    EmbeddedPostgresError,
    choose_account,
)
from persistence.embedded.binaries import find_binaries, runnable_binaries
from persistence.embedded.child import (
    Child,
    in_main_thread,
    last_words,
    poll,
    poll_in_loop,
    rotate,
    tie_to_parent,
)
from persistence.embedded.moves import move_home
from persistence.embedded.places import (
    CLUSTER,
    SOCKET_NAME,
    existing_home,
    make_home,
    make_socket_directory,
    may_be_cleaned,
)
from persistence.embedded.postmaster import (
    FAST_SHUTDOWN,
    IMMEDIATE_SHUTDOWN,
    PidFile,
    process_exists,
    socket_url,
)
from persistence.embedded.recovery import forget_restore, note_restore
from persistence.postgres.history import begin_new_history

DATABASE = "onsale"
T = TypeVar("T")
# Long, because after a crash Postgres first replays what it had not yet written.
START_TIMEOUT_S = 120
# A restore reads as much of the archive as there is since the backup.
RESTORE_TIMEOUT_S = 86_400
FORMER_TIMEOUT_S = 60
INITDB_TIMEOUT_S = 120

# Durability stays as strong as it is by default; it is written down so that nobody's
# postgresql.conf can weaken it. The rest suits one server process on the same machine.
SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": "5432",
    # 64 processes at most, each with about a dozen; the places alone cost little.
    "max_connections": "1000",
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
    # In a restore Postgres is ready when the restore has ended and can be written to.
    "hot_standby": "off",
    "recovery_target_action": "promote",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
    # Rows have addresses and names of people in them: what an error quotes of them (the
    # key that is there already, the row that breaks a rule, the statement with its
    # parameters) goes to who asked, and stays out of the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}

# Said to clients that come too early; of why Postgres ended it tells nothing.
TOO_EARLY = "the database system is "


class EmbeddedPostgres:
    """The Postgres of one data directory, whose lock the caller holds.

    `start` from the main thread before the event loop; `stop` when the loop is done.
    In between, `restart` it in the loop where it ended; it is at the same address then.
    """

    def __init__(self, data: DataDirectory) -> None:
        self._data = data
        self._child: Child | None = None
        self._url: str | None = None
        self._launched: _Launched | None = None
        self.notices: list[str] = []
        """What the operator should know of the last start, in sentences."""

    @property
    def url(self) -> str:
        """The address of our database, known once `start` returned."""
        if self._url is None:
            raise EmbeddedPostgresError("The embedded Postgres has not been started.")
        return self._url

    @property
    def pid(self) -> int | None:
        """The process of the postmaster, while it runs."""
        return None if self._child is None else self._child.pid

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
        self._check_caller()
        with self._stopped_on_failure():
            self._launched = self._launch()

    def _check_caller(self) -> None:
        if not in_main_thread():
            raise EmbeddedPostgresError(
                "The embedded Postgres ends with the thread that started it:"
                " start it from the main thread."
            )
        if not self._data.locked:
            raise EmbeddedPostgresError("Lock the data directory first.")

    def wait(self) -> str:
        """Wait until the launched Postgres answers; return its address for asyncpg."""
        launched, self._launched = self._launched, None
        if launched is not None:
            with self._stopped_on_failure():
                self._wait_until_ready(launched)
                self._url = socket_url(str(launched.sockets), DATABASE)
                _run(_make_database(str(launched.sockets)))
                if launched.restored:
                    events = _run(_renew_history(self._url))
                    forget_restore(self._data)
                    self.notices.append(
                        f"The database was restored: {events:,} events have a new"
                        " history."
                    )
        return self.url

    async def restart(self) -> None:
        """Start Postgres again that ended, and wait until it answers.

        Call it from a loop of the main thread, which goes on meanwhile. Raises
        `EmbeddedPostgresError`; it may then be called again.
        """
        self._check_caller()
        with self._stopped_on_failure():
            # What the system holds of the dead child goes here.
            self.stop()
            home = existing_home(self._data)
            if home is None:
                raise EmbeddedPostgresError(
                    f"The database of {self._data.path} is gone."
                )
            cluster = home / CLUSTER
            account = choose_account(_owner(cluster))
            binaries, major = runnable_binaries(find_binaries(), account, home)
            _check_version(cluster, major)
            if not await poll_in_loop(lambda: _is_over(cluster), FORMER_TIMEOUT_S):
                raise _former_lives(cluster)
            _clear_away(cluster)
            launched = self._begin(home, account, binaries)
            is_ready = self._readiness(launched)
            timeout_s = _patience_s(launched)
            if not await poll_in_loop(is_ready, timeout_s):
                raise _not_ready(launched, timeout_s)
            self._url = socket_url(str(launched.sockets), DATABASE)

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
        self.notices = []
        home = existing_home(self._data)
        account = choose_account(None if home is None else _owner(home / CLUSTER))
        if home is None:
            home = make_home(self._data, account)
        elif may_be_cleaned(self._data, home):
            home = self._move(home, account)
        if home != self._data.path:
            self.notices.append(
                f"The database is in {home}, because the account {account.name}, under"
                f" which it runs, cannot reach {self._data.path}."
            )
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
        return self._begin(home, account, binaries)

    def _begin(self, home: Path, account: Account, binaries: Path) -> "_Launched":
        """Start Postgres over a cluster whose former one is gone."""
        cluster = home / CLUSTER
        sockets = make_socket_directory(self._data, account, home)
        restored = note_restore(self._data, cluster)
        log = home / "postgres.log"
        log_start = rotate(log)
        self._spawn(
            [str(binaries / "postgres"), "-D", str(cluster)], sockets, log, account
        )
        return _Launched(cluster, sockets, log, log_start, restored)

    def _move(self, home: Path, account: Account) -> Path:
        """Bring the cluster out of a directory that the system empties."""
        _wait_for_former(home / CLUSTER)
        try:
            moved = move_home(self._data, home, account)
        except EmbeddedPostgresError as error:
            # It can be lost there, but not selling at all is no remedy.
            self.notices.append(str(error))
            return home
        self.notices.append(
            f"The database was moved from {home}, where the system may remove it."
        )
        return moved

    def _spawn(
        self, command: list[str], sockets: Path, log: Path, account: Account
    ) -> None:
        settings = {**SETTINGS, "unix_socket_directories": str(sockets)}
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self._child = Child(command, log, account, FAST_SHUTDOWN)

    def _wait_until_ready(self, launched: "_Launched") -> None:
        timeout_s = _patience_s(launched)
        if not poll(self._readiness(launched), timeout_s):
            raise _not_ready(launched, timeout_s)

    def _readiness(self, launched: "_Launched") -> Callable[[], bool]:
        """Return what tells whether it answers, and raises where it ended."""
        cluster, log, log_start = launched.cluster, launched.log, launched.log_start

        def is_ready() -> bool:
            pid = self.pid
            if pid is None:
                marks = ("PANIC:", "FATAL:", "ERROR:")
                words = last_words(log, log_start, marks, besides=TOO_EARLY)
                raise EmbeddedPostgresError(
                    f"Postgres ended while it started: {words} (its log is {log})."
                )
            said = PidFile.read(cluster)
            return said is not None and said.pid == pid and said.is_ready

        return is_ready

    def stop(self, timeout_s: float = 10) -> None:
        """Stop Postgres: in order, and if that takes too long, at once.

        Either way nothing committed is lost; after the latter the next start recovers.
        """
        child, self._child = self._child, None
        if child is not None:
            child.stop(((FAST_SHUTDOWN, timeout_s), (IMMEDIATE_SHUTDOWN, 5.0)))


class _Launched(NamedTuple):
    """Where a Postgres that is starting can be found."""

    cluster: Path
    sockets: Path
    log: Path
    log_start: int
    restored: bool


def _patience_s(launched: _Launched) -> float:
    return RESTORE_TIMEOUT_S if launched.restored else START_TIMEOUT_S


def _not_ready(launched: _Launched, timeout_s: float) -> EmbeddedPostgresError:
    return EmbeddedPostgresError(
        f"Postgres was not ready within {timeout_s:g} s; its log is {launched.log}."
    )


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
    if not poll(lambda: _is_over(cluster), FORMER_TIMEOUT_S):
        raise _former_lives(cluster)
    _clear_away(cluster)


def _is_over(cluster: Path) -> bool:
    """Return whether nothing is left of the Postgres that ran over a cluster."""
    said = PidFile.read(cluster)
    return said is None or not said.is_alive()


def _former_lives(cluster: Path) -> EmbeddedPostgresError:
    said = PidFile.read(cluster)
    return EmbeddedPostgresError(
        f"The former Postgres over {cluster} (process"
        f" {'unknown' if said is None else said.pid}) has not ended within"
        f" {FORMER_TIMEOUT_S} s; stop it first."
    )


def _clear_away(cluster: Path) -> None:
    """Remove what a Postgres that is gone left, where it would mislead the next."""
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
        preexec_fn=tie_to_parent(FAST_SHUTDOWN),
        **account.process_options(),
    )
    if done.returncode != 0:
        said = " ".join(done.stdout.split()[-60:])
        raise EmbeddedPostgresError(f"initdb could not make {cluster}: {said}")
    unfinished.rename(cluster)
    sync_directory(cluster.parent)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run asyncio code to its end without touching the thread's own loop settings."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
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


async def _renew_history(url: str) -> int:
    connection = await asyncpg.connect(url, timeout=30)
    try:
        return await begin_new_history(connection)
    finally:
        await connection.close()
