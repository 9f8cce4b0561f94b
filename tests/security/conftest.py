"""Servers to be attacked."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.contract.client import Api
from tests.contract.conftest import (
    pytest_asyncio_loop_factories,
    pytest_runtest_makereport,
)
from tests.contract.process import Server

__all__ = ["pytest_asyncio_loop_factories", "pytest_runtest_makereport"]

SECRET = "a secret key that only this test and its server know"
ORIGIN = "https://tickets.example"


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    """Run one without limits on rates, that logs all it can, for this worker."""
    server = Server(ONSALE_LOG_LEVEL="debug")
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture(scope="package")
def strict_server() -> Iterator[Server]:
    """Run one with limits on rates, whose key is known and whose origin is another."""
    server = Server(
        rate_limits=True,
        ONSALE_LOG_LEVEL="debug",
        ONSALE_SECRET_KEY=SECRET,
        ONSALE_ALLOWED_ORIGINS=ORIGIN,
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
async def strict_api(strict_server: Server) -> AsyncIterator[Api]:
    async with Api(strict_server) as api:
        yield api
