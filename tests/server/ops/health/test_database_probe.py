import asyncio

import pytest

from persistence.errors import Unavailable
from server.ops.health import database_probe
from server.ops.health.database_probe import DatabaseProbe


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Database:
    """Answers or not, as told."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    async def ask(self) -> object:
        if self.error is not None:
            raise self.error
        return 1


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def database():
    return Database()


async def test_a_silence_is_told_by_how_long_it_lasts(clock, database):
    heard = DatabaseProbe(database.ask, clock)
    database.error = Unavailable("gone")
    told = []
    for now_s in (100, 105.9, 106, 114.9, 115, 1_000):
        clock.now_s = now_s
        await heard.beat()
        told.append(heard.status)
    assert told == ["ok", "ok", "degraded", "degraded", "down", "down"]
    assert heard.silent_s == 900


async def test_one_answer_ends_a_silence(clock, database):
    heard = DatabaseProbe(database.ask, clock)
    clock.now_s += database_probe.DOWN_AFTER_S
    assert heard.status == "down"
    await heard.beat()
    assert (heard.status, heard.silent_s) == ("ok", 0)


async def test_a_database_that_takes_the_question_and_says_nothing_is_silent(
    clock, monkeypatch
):
    monkeypatch.setattr(database_probe, "ANSWER_S_MAX", 0.01)
    heard = DatabaseProbe(asyncio.Event().wait, clock)
    clock.now_s += database_probe.DOWN_AFTER_S
    await heard.beat()
    assert heard.status == "down"


async def test_what_is_no_silence_is_not_taken_for_one(clock, database):
    heard = DatabaseProbe(database.ask, clock)
    database.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await heard.beat()
