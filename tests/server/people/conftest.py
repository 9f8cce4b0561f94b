"""Fixtures of the tests of services over people."""

from collections.abc import AsyncIterator

import pytest

from tests.server.people.entrance import Entrance
from tests.server.people.house import People, open_people


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[People]:
    """An organisation with its people, on a database of this test's own."""
    opened = await open_people(database_url)
    yield opened
    await opened.pool.close()


@pytest.fixture
async def entrance(people: People) -> AsyncIterator[Entrance]:
    """What signs these people in."""
    opened = Entrance(people)
    yield opened
    opened.passwords.close()
