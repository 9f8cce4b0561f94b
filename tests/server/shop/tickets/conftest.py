"""Fixtures of the tests of tickets."""

from collections.abc import AsyncIterator

import pytest

from tests.persistence.journals import Store, open_store


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A journal over a database of this test's own."""
    async with open_store(database_url) as opened:
        yield opened
