import asyncio
from typing import Any

import pytest

from persistence.errors import Unavailable
from server.base.jobs import Job
from server.live.actors import job as trimming
from tests.stage import until


class Stubborn:
    """Outcomes that cannot be trimmed the first time."""

    def __init__(self) -> None:
        self.runs = 0

    async def trim(self):
        self.runs += 1
        if self.runs == 1:
            raise Unavailable("away")
        yield 5_000
        yield 7


async def test_what_failed_is_tried_again_and_noted(monkeypatch):
    monkeypatch.setattr(trimming, "LOOK_S", 0.0)
    monkeypatch.setattr(trimming, "PAUSE_S", 0.0)
    results: Any = Stubborn()
    noted = Job()
    task = asyncio.create_task(trimming.trim_results(results, noted))
    await until(lambda: noted.state.failures == 1)
    await until(lambda: results.runs > 2 and noted.state.failures == 0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert noted.state.last_error == "Unavailable"
