"""Fixtures of the tests of draws."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.server.events.line.drawer.hall import Hall, open_hall


@pytest.fixture
async def hall(database_url: str) -> AsyncIterator[Hall]:
    """All that draws lines, on a database of this test's own."""
    async with open_hall(database_url) as opened:
        yield opened


@pytest.fixture
async def exit_stack() -> AsyncIterator[AsyncExitStack]:
    """What a test opens besides."""
    async with AsyncExitStack() as stack:
        yield stack
