"""Fixtures of the tests of services over events."""

from collections.abc import AsyncIterator

import pytest

from tests.server.events.house import House, open_house


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    """The services over events, on a database of this test's own."""
    async with open_house(database_url) as opened:
        yield opened
