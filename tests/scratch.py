"""Where the databases of tests lie: in memory where there is room for them.

Making and removing the files of a database costs several times the CPU on a disk, and
a run makes hundreds. Postgres runs with the very same settings: what it syncs it syncs,
and what a process wrote outlives its end there too. Tests that kill a server in the
middle of its writes use `ON_DISK`, where a write takes its time.
"""

import os
import tempfile
from pathlib import Path

# Set it to have all of them elsewhere.
FOLDER_VARIABLE = "ONSALE_TEST_FOLDER"
ON_DISK = Path("/var/tmp")
IN_MEMORY = Path("/dev/shm")
# Several times what a run was seen to use at most.
FREE_BYTES_MIN = 4 << 30


def make_folder(purpose: str, parent: Path | None = None) -> Path:
    """Make a folder that any account can pass through, which pytest's tmp_path is not.

    Postgres runs under an account of its own where the tests run as root.
    """
    made = Path(tempfile.mkdtemp(prefix=f"onsale-{purpose}-", dir=parent or place()))
    made.chmod(0o755)
    return made


def place() -> Path:
    """Choose between memory and the disk."""
    told = os.environ.get(FOLDER_VARIABLE)
    if told:
        return Path(told)
    return IN_MEMORY if has_room(IN_MEMORY) else ON_DISK


def has_room(folder: Path) -> bool:
    """Return whether programs can be run there, and whether enough of it is free."""
    try:
        found = os.statvfs(folder)
        memory = Path("/proc/meminfo").read_text()
    except OSError:
        return False
    # An embedded server may copy its binaries beside its data.
    if found.f_flag & (os.ST_NOEXEC | os.ST_RDONLY) or not os.access(folder, os.W_OK):
        return False
    available = int(memory.partition("MemAvailable:")[2].split()[0]) * 1024
    return min(available, found.f_bavail * found.f_frsize) >= FREE_BYTES_MIN
