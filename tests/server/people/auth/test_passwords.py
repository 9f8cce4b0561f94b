import asyncio

import pytest

from server.people.auth import passwords
from server.people.auth.passwords import Passwords, PasswordsBusy


@pytest.fixture
def checker():
    checker = Passwords()
    yield checker
    checker.close()


async def test_the_right_password_is_told_from_a_wrong_one(checker):
    stored = await checker.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert await checker.verify(stored, "correct horse")
    assert not await checker.verify(stored, "correct horse ")


async def test_nobody_has_a_password(checker):
    assert not await checker.verify(None, "correct horse")


async def test_a_hash_that_is_none_matches_nothing(checker):
    assert not await checker.verify("plain text", "plain text")


async def test_the_unknown_take_as_long_as_the_known(checker):
    """Without the work for nobody's hash this would be a thousandth, not a fifth."""
    stored = await checker.hash("correct horse")
    loop = asyncio.get_running_loop()
    times = []
    for known in (stored, None):
        fastest = float("inf")
        for _ in range(3):
            begin = loop.time()
            await checker.verify(known, "wrong")
            fastest = min(fastest, loop.time() - begin)
        times.append(fastest)
    assert times[1] > times[0] / 5


async def test_the_loop_turns_while_a_password_is_checked(checker):
    stored = await checker.hash("correct horse")
    check = asyncio.ensure_future(checker.verify(stored, "correct horse"))
    turns = 0
    while not check.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 3


async def test_more_logins_than_can_wait_are_turned_away(checker, monkeypatch):
    monkeypatch.setattr(passwords, "WAITING_MAX", 0)
    stored = await checker.hash("correct horse")
    asked = [checker.verify(stored, "correct horse") for _ in range(4)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert outcomes.count(True) == 2
    assert sum(isinstance(outcome, PasswordsBusy) for outcome in outcomes) == 2
    assert await checker.verify(stored, "correct horse")


async def test_a_password_is_the_same_however_a_keyboard_writes_it(checker):
    stored = await checker.hash("cafe\u0301 \uff11\u2460")
    assert await checker.verify(stored, "caf\u00e9 11")
    assert not await checker.verify(stored, "cafe 11")
