from typing import Any

import pytest

from persistence.errors import Unavailable
from server.live.actors import job as trimming


class Spent:
    """Outcomes that are removed in some statements; the database may be away."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.trimmed = 0

    async def trim(self):
        for rows in (5_000, 7):
            self.trimmed += rows
            yield rows
            if self.away:
                raise Unavailable("away")


async def test_all_that_is_spent_goes(monkeypatch):
    monkeypatch.setattr(trimming, "PAUSE_S", 0.0)
    results: Any = Spent()
    await trimming.trim_results(results)
    assert results.trimmed == 5_007


async def test_that_the_database_is_away_is_said(monkeypatch):
    monkeypatch.setattr(trimming, "PAUSE_S", 0.0)
    results: Any = Spent(away=True)
    with pytest.raises(Unavailable):
        await trimming.trim_results(results)
    assert results.trimmed == 5_000
