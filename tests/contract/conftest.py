"""Servers and clients for the contract tests.

What they share ends with the last of them on a worker, because a server that nobody
asks takes its part of a run all the same.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from typing import Any

import pytest

from tests.contract.client import Api
from tests.contract.process import Server
from tests.post_office import PostOffice
from tests.scratch import ON_DISK

LOG_TAIL = 8_000
SHOP = "https://tickets.example"
PAGE = f"{SHOP}/account"
"""Where the links of mails lead."""


def pytest_asyncio_loop_factories() -> Mapping[
    str, Callable[[], asyncio.AbstractEventLoop]
]:
    """Run each test once: the loop of the client proves nothing of the server."""
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    """Run one server for all tests of this worker."""
    server = Server()
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture(scope="package")
def limited_server() -> Iterator[Server]:
    """Run one with its rate limits on, that believes our X-Forwarded-For."""
    server = Server(rate_limits=True, ONSALE_TRUSTED_PROXIES="127.0.0.1")
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
def own_server() -> Iterator[Server]:
    """Run one for this test alone, which may stop, kill and start it again."""
    server = Server()
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
def server_on_disk() -> Iterator[Server]:
    """Run one for this test alone where a write takes the time of a disk's."""
    server = Server(parent=ON_DISK)
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture(scope="package")
def office() -> Iterator[PostOffice]:
    """Take the mails of the server that sends them."""
    office = PostOffice().open()
    yield office
    office.close()


@pytest.fixture(scope="package")
def mailing(office: PostOffice) -> Iterator[Server]:
    """Run a server that sends its mails."""
    server = Server(
        ONSALE_SMTP_URL=office.url,
        ONSALE_MAIL_FROM="Tickets <tickets@tickets.example>",
        ONSALE_PUBLIC_URL=SHOP,
        ONSALE_LOG_LEVEL="debug",
    )
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
async def api(server: Server) -> AsyncIterator[Api]:
    async with Api(server) as api:
        yield api


@pytest.fixture
def log_since(server: Server) -> Callable[[], str]:
    """Give a function that reads what the server logged since the test began."""
    start = server.log_size()
    return lambda: server.log(start)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the logs of the servers that a failed test talked to."""
    report = yield
    if report.failed:
        values: dict[str, Any] = getattr(item, "funcargs", {})
        for name, value in values.items():
            if isinstance(value, Server):
                report.sections.append((f"log of {name}", value.log()[-LOG_TAIL:]))
    return report
