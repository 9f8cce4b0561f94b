"""One Postgres server for the whole run, and a fresh database for each test."""

import asyncio
import os
import shutil
import threading
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from persistence.data_directory import DataDirectory
from persistence.embedded import EmbeddedPostgres
from persistence.postgres.migrate import migrate
from tests.scratch import make_folder

if TYPE_CHECKING:
    from pathlib import Path

# Set it to run against another server than our own, say an older Postgres.
URL_VARIABLE = "ONSALE_TEST_DATABASE_URL"
TEMPLATE = "onsale_template"
TEMPLATE_LOCK = 1
COPY_TRIES = 12

T = TypeVar("T")


class RunServer:
    """The server of a run, with the durability settings that `serve` uses."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._data: DataDirectory | None = None
        self._postgres: EmbeddedPostgres | None = None

    def start(self) -> str:
        given = os.environ.get(URL_VARIABLE)
        if given:
            return given
        self._folder = make_folder("tests")
        self._data = DataDirectory(self._folder / "data")
        self._data.lock()
        self._postgres = EmbeddedPostgres(self._data)
        url = self._postgres.start()
        # It would look at each of a run's many databases, and be in the way of copies.
        complete(query(url, "ALTER SYSTEM SET autovacuum = off"))
        complete(query(url, "SELECT pg_reload_conf()"))
        return url

    def stop(self) -> None:
        if self._postgres is not None:
            self._postgres.stop()
        if self._data is not None:
            self._data.unlock()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def complete(work: Coroutine[Any, Any, T]) -> T:
    """Run asyncio code from synchronous code, whatever loop the tests use."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def url_of(server_url: str, database: str) -> str:
    return urlsplit(server_url)._replace(path=f"/{database}").geturl()


async def query(url: str, sql: str, *arguments: object) -> list[Any]:
    """Run one statement on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        rows: list[Any] = await connection.fetch(sql, *arguments)
    finally:
        await connection.close()
    return rows


def make_template(server_url: str) -> str:
    """Make the migrated database that tests copy, once in a run; return its name."""
    complete(_make_template(server_url))
    return TEMPLATE


async def _make_template(server_url: str) -> None:
    connection = await asyncpg.connect(url_of(server_url, "postgres"))
    try:
        # The workers of a run come here at the same time.
        await connection.execute("SELECT pg_advisory_lock($1)", TEMPLATE_LOCK)
        exists = "SELECT 1 FROM pg_database WHERE datname = $1"
        if await connection.fetchval(exists, TEMPLATE):
            return
        unfinished = f"{TEMPLATE}_unfinished"
        await connection.execute(f'DROP DATABASE IF EXISTS "{unfinished}"')
        await connection.execute(f'CREATE DATABASE "{unfinished}"')
        migrated = await asyncpg.connect(url_of(server_url, unfinished))
        try:
            await migrate(migrated)
        finally:
            await migrated.close()
        await connection.execute(
            f'ALTER DATABASE "{unfinished}" RENAME TO "{TEMPLATE}"'
        )
    finally:
        await connection.close()


class Copier:
    """Makes and drops databases of one server, over one connection that stays open."""

    def __init__(self, server_url: str) -> None:
        self._url = url_of(server_url, "postgres")
        self._loop = asyncio.new_event_loop()
        self._connection: asyncpg.Connection | None = None
        self._lock = threading.Lock()

    def execute(self, sql: str) -> None:
        # Tests whose own loop runs come here in a thread.
        with self._lock:
            self._loop.run_until_complete(self._execute(sql))

    async def _execute(self, sql: str) -> None:
        if self._connection is None:
            self._connection = await asyncpg.connect(self._url)
        await self._connection.execute(sql)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        # One turn, in which the transport hears of its end.
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


COPIERS: dict[str, Copier] = {}


def copier_of(server_url: str) -> Copier:
    """Return this process's copier of a server."""
    return COPIERS.get(server_url) or COPIERS.setdefault(server_url, Copier(server_url))


def close_copiers() -> None:
    while COPIERS:
        COPIERS.popitem()[1].close()


def make_database(server_url: str, template: str) -> str:
    """Make a database for one test and return its URL."""
    name = f"test_{uuid4().hex}"
    # Its files, and not each page through the log: half the CPU.
    sql = f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy'
    for tries_left in reversed(range(COPY_TRIES)):
        try:
            copier_of(server_url).execute(sql)
            break
        except asyncpg.ObjectInUseError:
            # Autovacuum of a server that is not ours looks at the template, and needs
            # more than the five seconds that Postgres waits for it to leave.
            if not tries_left:
                raise
    return url_of(server_url, name)


def drop_database(server_url: str, url: str) -> None:
    name = urlsplit(url).path.removeprefix("/")
    copier_of(server_url).execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
