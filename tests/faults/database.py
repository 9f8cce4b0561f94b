"""A Postgres of our own that is stopped, crashed, frozen and filled up."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from persistence.data_directory import DataDirectory
from persistence.embedded import EmbeddedPostgres

CRASH_S = 60.0
FILL_STEP_BYTES = 65_536


class Database:
    """One cluster on the disk; start and stop it from the main thread."""

    def __init__(self, disk_bytes: int | None = None) -> None:
        # Below /var/tmp, where Postgres may enter as an unprivileged user too.
        self.folder = Path(tempfile.mkdtemp(prefix="onsale-faults-db-", dir="/var/tmp"))
        self.folder.chmod(0o711)
        self.disk: Path | None = None
        if disk_bytes is not None:
            self.disk = self.folder / "disk"
            self.disk.mkdir()
            mount(self.disk, disk_bytes)
            self.disk.chmod(0o711)
        self._data = DataDirectory((self.disk or self.folder) / "data")
        self._data.lock()
        self._postgres = EmbeddedPostgres(self._data)
        self.url = ""

    def start(self) -> str:
        self.url = self._postgres.start()
        return self.url

    def remove(self) -> None:
        """End it for good and leave nothing on the disk."""
        self.thaw()
        self._postgres.stop()
        self._data.unlock()
        if self.disk is not None:
            subprocess.run(["umount", str(self.disk)], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        found = sorted(self.folder.rglob("postgres.log"))
        return "".join(path.read_text(errors="replace") for path in found)

    # -- Faults

    def stop(self) -> None:
        """Stop it in order, as `pg_ctl stop -m fast` does."""
        self._postgres.stop(30)

    def crash(self) -> None:
        """Stop it at once and without a checkpoint, as `-m immediate` does."""
        pid = self.postmaster
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + CRASH_S
        while self._postgres.pid is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        self._postgres.stop()

    @property
    def runs(self) -> bool:
        return self._postgres.pid is not None

    @property
    def postmaster(self) -> int:
        pid = self._postgres.pid
        if pid is None:
            raise RuntimeError("this Postgres does not run")
        return pid

    def backends(self) -> list[int]:
        """List the processes of the server but for the first of them."""
        pid = self.postmaster
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in listed]

    def kill_backend(self) -> None:
        """End a client's process the hard way: the whole server starts anew."""
        for child in self.backends():
            title = Path(f"/proc/{child}/cmdline").read_bytes()
            if b" idle" in title or b"127.0.0.1" in title or b"[local]" in title:
                os.kill(child, signal.SIGKILL)
                return
        raise RuntimeError("no client is connected")

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all of its processes where they are, for the length of the block."""
        pids = [self.postmaster, *self.backends()]
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            self.thaw()

    def thaw(self) -> None:
        if self.runs:
            for pid in [*self.backends(), self.postmaster]:
                _signal(pid, signal.SIGCONT)

    def fill_disk(self, leave_bytes: int) -> Path:
        """Leave only so much room on our small disk; return what takes the rest."""
        if self.disk is None:
            raise RuntimeError("this database has no disk of its own")
        ballast = self.disk / "ballast"
        free = shutil.disk_usage(self.disk).free - leave_bytes
        with ballast.open("wb") as file:
            # Others write at the same time: what there is may be less by now.
            while free > 0:
                try:
                    os.posix_fallocate(file.fileno(), 0, free)
                except OSError:
                    free -= FILL_STEP_BYTES
                else:
                    break
        return ballast


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def mount(place: Path, size: int) -> None:
    """Put a small disk in memory there. Raises `PermissionError`."""
    options = f"size={size}"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise PermissionError(done.stderr.strip() or "mounting is not permitted here")
