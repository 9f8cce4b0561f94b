"""Clusters for the tests; one of each kind is shared by all that leave it running."""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping

import pytest

from persistence.embedded.valkey import EmbeddedValkeyError
from tests.cluster.conftest import RedisServer
from tests.cluster.processes.clusters import Cluster, Machines, Wire, Workers
from tests.contract.client import Api
from tests.database import drop_database, make_database

LOG_TAIL = 6_000


def pytest_asyncio_loop_factories() -> Mapping[
    str, Callable[[], asyncio.AbstractEventLoop]
]:
    """Run each test once: the loop of the client proves nothing of the server."""
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="package")
def shared_redis() -> Iterator[RedisServer]:
    try:
        server = RedisServer()
    except EmbeddedValkeyError as error:
        pytest.skip(str(error))
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture(scope="package")
def wire(shared_redis: RedisServer) -> Iterator[Wire]:
    """The way on which the last of the machines reaches Redis."""
    wire = Wire(shared_redis.socket).start()
    yield wire
    wire.stop()


@pytest.fixture(scope="package")
def machines(
    server_url: str, database_template: str, shared_redis: RedisServer, wire: Wire
) -> Iterator[Machines]:
    """Three machines; a test that ends one starts it again."""
    database_url = make_database(server_url, database_template)
    urls = [shared_redis.url, shared_redis.url, wire.url]
    machines = Machines(database_url, urls)
    try:
        yield machines.start()
    finally:
        machines.remove()
        drop_database(server_url, database_url)


@pytest.fixture(scope="package")
def workers(server_url: str, database_template: str) -> Iterator[Workers]:
    """Three workers under a supervisor, with a Valkey of their own."""
    database_url = make_database(server_url, database_template)
    workers = Workers(database_url, 3)
    try:
        yield workers.start()
    finally:
        workers.remove()
        drop_database(server_url, database_url)


@pytest.fixture
async def apis(machines: Machines) -> AsyncIterator[list[Api]]:
    """A client of each machine."""
    async with machines.apis() as apis:
        yield apis


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the logs of the servers that a failed test talked to."""
    report = yield
    if report.failed:
        for cluster in getattr(item, "funcargs", {}).values():
            if isinstance(cluster, Cluster):
                for server in cluster.servers:
                    report.sections.append((server.url, server.log()[-LOG_TAIL:]))
    return report
