"""Fixtures of the tests of tickets."""

from collections.abc import AsyncIterator

import pytest

from tests.persistence.journals import Store, open_store
from tests.server.events.house import House, open_house


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A journal over a database of this test's own."""
    async with open_store(database_url) as opened:
        yield opened


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    """The services over events, on a database of this test's own."""
    async with open_house(database_url) as opened:
        yield opened
