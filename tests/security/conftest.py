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


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Run one server for all tests of this worker."""
    server = Server(ONSALE_LOG_LEVEL="debug")
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
async def api(server: Server) -> AsyncIterator[Api]:
    async with Api(server) as api:
        yield api
