import asyncio
from typing import Any

import pytest

from persistence.errors import Unavailable
from persistence.people.tokens.guests import FORGET_MAX
from server.base.identity import Identity
from server.base.jobs import Job
from server.people.auth.lifetimes import LIFETIME_S, UNUSED_S
from server.people.auth.tokens import guests as module
from server.people.auth.tokens.guests import Guests
from tests.stage import until

NOW_S = 1_800_000_000


class Rows:
    """The table, in memory; it may be out of reach."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.asked: list[str] = []
        self.away = False
        self.old = [FORGET_MAX, 3]

    async def keep(self, users):
        self._reach()
        self.kept += users

    async def is_kept(self, user):
        self._reach()
        self.asked.append(user)
        return user in self.kept

    async def forget(self, lasts_s):
        self._reach()
        assert lasts_s >= LIFETIME_S["guest"]
        return self.old.pop(0)

    def _reach(self) -> None:
        if self.away:
            raise Unavailable("away")


@pytest.fixture
def rows() -> Any:
    return Rows()


@pytest.fixture
def guests(rows) -> Guests:
    return Guests(rows)


def made(age_s: int, role: Any = "guest") -> Identity:
    """Somebody whose token was made so many seconds ago."""
    return Identity("ann", role, NOW_S - age_s + LIFETIME_S["guest"])


def test_only_guests_that_are_old_are_doubtful(guests):
    assert not guests.is_doubtful(made(UNUSED_S - 1), NOW_S)
    assert guests.is_doubtful(made(UNUSED_S), NOW_S)
    assert not guests.is_doubtful(made(UNUSED_S, "customer"), NOW_S)


async def test_who_held_is_known_at_once_and_everywhere_soon(guests, rows):
    guests.note("ann")
    guests.note("ann")
    assert not guests.is_doubtful(made(UNUSED_S), NOW_S)
    other = Guests(rows)
    assert not await other.is_kept("ann")
    await guests.tell()
    assert rows.kept == ["ann"]
    assert await other.is_kept("ann")
    assert not other.is_doubtful(made(UNUSED_S), NOW_S)
    assert rows.asked == ["ann", "ann"]


async def test_what_cannot_be_told_is_told_later(guests, rows, monkeypatch):
    monkeypatch.setattr(module, "TOLD_AT_ONCE_MAX", 2)
    rows.away = True
    for name in ("ann", "bob", "cat"):
        guests.note(name)
    await guests.close()
    assert rows.kept == []
    assert await guests.is_kept("ann"), "though nobody can be asked"
    with pytest.raises(Unavailable):
        await guests.is_kept("dan")
    rows.away = False
    await guests.close()
    assert rows.kept == ["ann", "bob", "cat"]


async def test_few_are_remembered_and_the_others_asked_about(guests, rows, monkeypatch):
    monkeypatch.setattr(module, "KNOWN_MAX", 2)
    for name in ("ann", "bob", "cat"):
        guests.note(name)
    assert guests.is_doubtful(made(UNUSED_S), NOW_S)
    assert await guests.is_kept("ann")
    assert rows.asked == [], "it is still to be told"


async def test_the_job_tells_and_survives(guests, rows, monkeypatch):
    monkeypatch.setattr(module, "TELL_S", 0.0)
    rows.away = True
    guests.note("ann")
    job = Job()
    task = asyncio.create_task(guests.run(job))
    await until(lambda: job.state.failures)
    rows.away = False
    await until(lambda: rows.kept)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_all_whose_tokens_have_expired_are_forgotten(guests, rows):
    await guests.forget()
    assert rows.old == []
