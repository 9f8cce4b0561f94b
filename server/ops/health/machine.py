"""What a process takes of its machine, and what is left of that."""

import os
import resource
import sys
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from msgspec import Struct

DISK_BYTES_MIN: Final = 256 << 20
"""With less than that free, a database in the data directory stops before long."""

DISK_BYTES_EASY: Final = 2 << 30
"""So much is enough for any disk: the log of our Postgres takes up to 1 GiB between two
checkpoints, and what is told now has to leave somebody the time to do something."""

DISK_SHARE_MIN: Final = 10
"""Less than one in so many, of bytes or of places for files, is little."""

CPU_OVER_S: Final = 10.0
"""Over how long the use of the CPU is told."""

_STATM: Final = Path("/proc/self/statm")
_MEMORY: Final = Path("/proc/meminfo")
_GROUP: Final = Path("/sys/fs/cgroup")
"""What a container may take stands here, where it has a bound."""


class Disk(Struct, frozen=True):
    """What is left where the data directory is."""

    free_bytes: int
    total_bytes: int
    free_files: int | None = None
    """How many more files there is a place for; None where that has no bound."""
    total_files: int | None = None

    @property
    def least_bytes(self) -> int:
        """Return with how much less than that free it is nearly full."""
        share = self.total_bytes // DISK_SHARE_MIN
        return max(DISK_BYTES_MIN, min(share, DISK_BYTES_EASY))

    @property
    def problem(self) -> str | None:
        """Return what is nearly used up, in words; None where nothing is."""
        if self.free_bytes < self.least_bytes:
            return f"Only {self.free_bytes >> 20:,} MiB are free"
        files, places = self.free_files, self.total_files
        if files is not None and places and files < places // DISK_SHARE_MIN:
            return f"There is a place for only {files:,} more files"
        return None

    @property
    def status(self) -> str:
        """Return ok, or degraded where it is nearly full."""
        return "ok" if self.problem is None else "degraded"


def disk_of(folder: str) -> Disk:
    """Return what is left where a folder is, or is to be."""
    path = Path(folder).absolute()
    while not path.exists():
        path = path.parent
    told = os.statvfs(path)
    # What only root may have is not for us.
    free, total = told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize
    if not told.f_files:
        return Disk(free, total)
    return Disk(free, total, told.f_favail, told.f_files)


def fullest(folders: Iterable[str]) -> Disk:
    """Return the disk, of those where the folders are, that is full first."""
    disks = [disk_of(folder) for folder in folders]
    return min(disks, key=lambda one: (one.status == "ok", _spare_bytes(one)))


def _spare_bytes(disk: Disk) -> int:
    return disk.free_bytes - disk.least_bytes


def memory_bytes() -> int:
    """Return how much memory this process holds; its peak where only that is known."""
    try:
        resident = int(_STATM.read_bytes().split()[1])
    except OSError:
        # Of Linux only; others tell the peak, and macOS in bytes.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1_024
    return resident * os.sysconf("SC_PAGE_SIZE")


class Memory(Struct, frozen=True):
    """What there is for all that runs here; zeros where nobody knows."""

    available_bytes: int = 0
    total_bytes: int = 0


def memory(told: Path = _MEMORY, group: Path = _GROUP) -> Memory:
    """Return what is left for this machine, or for the container where that has less.

    A container's own files count what is cached as taken; Linux gives that back when it
    is needed, so it is left. `told` and `group` are named by tests only.
    """
    try:
        lines = (line.split() for line in told.read_text().splitlines())
        known = {line[0]: int(line[1]) * 1_024 for line in lines}
    except OSError:
        return Memory()  # of Linux only
    whole = Memory(known["MemAvailable:"], known["MemTotal:"])
    try:
        bound = int((group / "memory.max").read_text())
        lines = (
            line.split() for line in (group / "memory.stat").read_text().splitlines()
        )
        cached = next(int(line[1]) for line in lines if line[0] == "inactive_file")
        taken = int((group / "memory.current").read_text()) - cached
    except (OSError, ValueError):
        return whole  # no container, or "max": one without a bound
    if bound >= whole.total_bytes:
        return whole
    return Memory(min(whole.available_bytes, max(0, bound - taken)), bound)


class CpuUse:
    """How busy this process has been lately."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, float]] = deque()
        self.mark()

    def mark(self) -> None:
        """Remember how much was used by now; to be called now and then."""
        now_s = time.monotonic()
        self._marks.append((now_s, time.process_time()))
        while len(self._marks) > 1 and self._marks[1][0] <= now_s - CPU_OVER_S:
            self._marks.popleft()

    def cores(self) -> float:
        """Return how many cores it kept busy over the last seconds."""
        began_s, used_s = self._marks[0]
        passed_s = time.monotonic() - began_s
        return (time.process_time() - used_s) / passed_s if passed_s > 0 else 0.0
