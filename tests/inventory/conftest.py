"""Fixtures of the core's tests."""

from collections.abc import AsyncIterator

import pytest

from inventory import limits
from tests.scenario import SMALL, settings_of
from tests.stage import Stage


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """An event on sale with its actor, which is about to load."""
    monkeypatch.setattr(limits, "RELOAD_PAUSE_S", 0.001)
    monkeypatch.setattr(limits, "RELOAD_PAUSE_S_MAX", 0.002)
    made = Stage(SMALL, settings_of())
    made.open()
    yield made
    await made.close()


@pytest.fixture
def leases_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the alarm to what is due: renewing a lease would wake the actor too."""
    monkeypatch.setattr(limits, "RENEW_AFTER_S", 3_600.0)
