"""What a process takes of its machine, and what is left of that."""

import os
import resource
import shutil
import sys
import time
from collections import deque
from pathlib import Path
from typing import Final

from msgspec import Struct

DISK_BYTES_MIN: Final = 256 << 20
"""With less than that free, a database in the data directory stops before long."""

CPU_OVER_S: Final = 10.0
"""Over how long the use of the CPU is told."""

_STATM: Final = Path("/proc/self/statm")


class Disk(Struct, frozen=True):
    """What is left where the data directory is."""

    free_bytes: int
    total_bytes: int

    @property
    def status(self) -> str:
        """Return ok, or degraded where it is nearly full."""
        return "ok" if self.free_bytes >= DISK_BYTES_MIN else "degraded"


def disk_of(folder: str) -> Disk:
    """Return what is left where a folder is, or is to be."""
    path = Path(folder).absolute()
    while not path.exists():
        path = path.parent
    usage = shutil.disk_usage(path)
    return Disk(usage.free, usage.total)


def memory_bytes() -> int:
    """Return how much memory this process holds; its peak where only that is known."""
    try:
        resident = int(_STATM.read_bytes().split()[1])
    except OSError:
        # Of Linux only; others tell the peak, and macOS in bytes.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1_024
    return resident * os.sysconf("SC_PAGE_SIZE")


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
