"""A disk that is full, and has room again."""

import asyncio
import random
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import asyncpg

from tests.faults.database import mount
from tests.faults.faults import ACCEPTS_S, wait_until_accepting
from tests.faults.rig import Result, Rig

DISK_BYTES = 400 << 20
FULL_S = 8.0


def can_mount() -> bool:
    """Return whether we may put a small disk somewhere."""
    place = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        mount(place, 1 << 20)
    except (PermissionError, FileNotFoundError):
        return False
    finally:
        subprocess.run(["umount", str(place)], check=False, capture_output=True)
        shutil.rmtree(place, ignore_errors=True)
    return True


def fill(rig: Rig, number: int, dice: random.Random) -> Result:
    """Take the room away while the sale goes on, and give it back.

    Every other time the log needs a new segment as well, without which Postgres ends.
    """
    before = rig.counts()
    rig.run(0.3)
    ballast = rig.database.fill_disk(0)
    ends = time.monotonic() + FULL_S
    while time.monotonic() < ends and rig.database.runs:
        if number % 2 == 0:
            switch_segment(rig.database.url)
        rig.run(0.5)
    during = rig.counts()
    ballast.unlink()
    ended = not rig.database.runs
    if ended:
        # Without room for its log Postgres could not even recover.
        rig.proxy.upstream = rig.database.start()
    wait_until_accepting(rig)
    healed = time.monotonic()
    refused = during.get("unavailable", 0) - before.get("unavailable", 0)
    note = f"{refused} refused meanwhile" + (", Postgres had ended" if ended else "")
    result = rig.judge("disk full", number, before, healed, ACCEPTS_S, note)
    if not ended and not refused:
        result.violations.append("the full disk was not noticed: nothing was tried")
    return result


def switch_segment(url: str) -> None:
    """Let the log go on in a new file, where that can be."""
    asyncio.run(_switch_segment(url))


async def _switch_segment(url: str) -> None:
    try:
        connection = await asyncpg.connect(url, timeout=2)
        try:
            await connection.execute("SELECT pg_switch_wal()", timeout=2)
        finally:
            await connection.close(timeout=2)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        pass  # That is what a full disk is like.
