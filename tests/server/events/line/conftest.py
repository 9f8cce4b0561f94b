"""Fixtures of the tests of lines."""

from collections.abc import AsyncIterator

import pytest

from tests.server.events.line.room import Room, open_room


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    """The services of lines, on a database of this test's own."""
    async with open_room(database_url) as opened:
        yield opened
