"""The demo's child processes: started, watched, ended, none left behind."""

import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from persistence.data_directory import DIRECTORY_MODE, DataDirectory
from persistence.environment import python_environment
from server.base.paths import import_path

TEMPORARY_PARENT = Path("/var/tmp")
TEMPORARY_PREFIX = "onsale-demo-"
YOUNG_S = 60.0
PATIENCE_S = 20.0
PR_SET_PDEATHSIG = 1
# Which program, not which data.
WELCOME = ("ONSALE_POSTGRES_BIN",)
# Where the database of a data directory went that its account could not reach.
ELSEWHERE = ("postgres-home", "postgres-socket")


def child_environment(**extra: str) -> dict[str, str]:
    """Return what a child needs, and nothing that configures some other server.

    No secret, no address of somebody's real database, and nobody's terms.
    """
    kept = python_environment(connects=False)
    kept |= {name: os.environ[name] for name in WELCOME if name in os.environ}
    return {**kept, "PYTHONPATH": import_path(), **extra}


def start(
    arguments: list[str],
    environment: dict[str, str],
    *,
    stdout: int | IO[bytes],
    stderr: int | IO[bytes],
) -> "subprocess.Popen[bytes]":
    """Start `python -m …` as a child that gets SIGTERM should we vanish.

    Only from the main thread: the kernel sends the signal when the thread ends.
    """
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        # A session of its own: Ctrl-C reaches us alone, and we end things in order.
        start_new_session=True,
        preexec_fn=_tie_to_parent(),
    )


def stop(process: "subprocess.Popen[bytes]", patience_s: float = PATIENCE_S) -> None:
    """End a child: in order, and if that takes too long, at once."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def stopping_on_sigterm() -> Iterator[None]:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that children are ended."""

    def unwind(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, unwind)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """Give a data directory that is removed afterwards, with all that grew from it."""
    _sweep()
    # Not below the user's own temporary directory, which may be closed to the account
    # that Postgres runs under.
    path = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=TEMPORARY_PARENT))
    path.chmod(DIRECTORY_MODE)
    try:
        yield path
    finally:
        _remove(path)


def _sweep() -> None:
    """Remove what demos left that were killed before they could."""
    for path in TEMPORARY_PARENT.glob(TEMPORARY_PREFIX + "*"):
        status = path.lstat()
        if status.st_uid != os.geteuid() or time.time() - status.st_mtime < YOUNG_S:
            continue
        try:
            with (path / "lock").open("rb") as lock:
                # Held: its server still runs, or is still stopping.
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(path)
        except FileNotFoundError:
            _remove(path)
        except OSError:
            continue


def _remove(path: Path) -> None:
    data = DataDirectory(path)
    for record in ELSEWHERE:
        elsewhere = data.read_record(record)
        if elsewhere is not None:
            shutil.rmtree(elsewhere, ignore_errors=True)
    shutil.rmtree(path, ignore_errors=True)


def _tie_to_parent() -> Callable[[], None] | None:
    """Return what the child does first, so that the kernel tells it of our end."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        # We may have died before the line above; then nobody would send the signal.
        if os.getppid() != parent:
            os._exit(1)

    return tie
