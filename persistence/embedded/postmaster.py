"""What the running Postgres tells about itself, and how it is told to end."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

# Postgres understands SIGINT as: roll back what is open, write a checkpoint, end.
FAST_SHUTDOWN = signal.SIGINT
IMMEDIATE_SHUTDOWN = signal.SIGQUIT
SHARED_MEMORY = Path("/proc/sysvipc/shm")


@dataclass(frozen=True, slots=True)
class PidFile:
    """The lines of `postmaster.pid` that we use."""

    cluster: Path
    pid: int
    socket_directory: str
    shared_memory_id: int | None
    status: str

    @classmethod
    def read(cls, cluster: Path) -> Self | None:
        """Return what the file says, or None where there is none or only half of it."""
        try:
            lines = (cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        if not lines or not lines[0].strip().isdecimal():
            return None
        lines += [""] * (8 - len(lines))
        memory = lines[6].split()
        return cls(
            cluster=cluster,
            pid=int(lines[0]),
            socket_directory=lines[4],
            shared_memory_id=int(memory[1]) if len(memory) == 2 else None,
            status=lines[7].strip(),
        )

    @property
    def is_ready(self) -> bool:
        """Whether Postgres says that it takes connections."""
        return self.status == "ready"

    def is_alive(self) -> bool:
        """Return whether this Postgres, or a process it left behind, still runs.

        The number alone proves nothing: after a crash of the machine or in a new
        container another program has it.
        """
        try:
            command = Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            command = b""
        if os.fsencode(self.cluster) in command.split(b"\0"):
            return True
        if sys.platform == "linux":
            return self._has_shared_memory()
        return process_exists(self.pid)

    def _has_shared_memory(self) -> bool:
        """Return whether a process is attached to the memory that all share."""
        if self.shared_memory_id is None or not SHARED_MEMORY.exists():
            return False
        # key shmid perms size cpid lpid nattch ...
        for line in SHARED_MEMORY.read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[1]) == self.shared_memory_id:
                return int(fields[6]) > 0
        return False


def process_exists(pid: int) -> bool:
    """Return whether any process has this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def socket_url(socket_directory: str, database: str) -> str:
    """Return a URL for asyncpg, complete, so that no PG* variable changes it."""
    place = quote(socket_directory, safe="/")
    return f"postgresql://postgres@/{database}?host={place}&port=5432"
