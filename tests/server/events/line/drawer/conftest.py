"""Fixtures of the tests of draws."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from server.events.line.drawer import drawer
from tests.server.events.line.drawer.hall import Hall, open_hall


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Relays answer, however slow the machine is."""
    monkeypatch.setattr(drawer, "NEWEST_S", 60.0)


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
