"""The directory and the Postgres that a bench works in and leaves nothing of."""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from bench.lab import Lab
from persistence.data_directory import DataDirectory
from persistence.embedded import EmbeddedPostgres

Done = TypeVar("Done")


def run_in_lab(
    work: Callable[[Lab], Awaitable[Done]],
    database_url: str | None = None,
    target: str | None = None,
) -> Done:
    """Give the work a directory and a Postgres, which a target does not need."""
    # Not below /tmp, which may be memory: there a commit would cost nothing.
    directory = Path(tempfile.mkdtemp(prefix="onsale-bench-", dir="/var/tmp"))
    directory.chmod(0o711)  # Postgres, and the server's own, pass through to theirs
    data = DataDirectory(directory / "postgres")
    postgres = None
    try:
        pids = []
        if target is not None:
            database_url = ""
        elif database_url is None:
            data.lock()
            postgres = EmbeddedPostgres(data)
            database_url = postgres.start()
            pids = [postgres.pid] if postgres.pid is not None else []
        lab = Lab(
            directory=directory,
            admin_url=database_url,
            store_pids=pids,
            target=target,
        )
        with asyncio.Runner() as runner:
            return runner.run(_until_stopped(work(lab)))
    finally:
        if postgres is not None:
            postgres.stop()
        data.unlock()
        shutil.rmtree(directory, ignore_errors=True)


async def _until_stopped(work: Awaitable[Done]) -> Done:
    """End on SIGTERM as on Ctrl-C, with the children stopped."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work
