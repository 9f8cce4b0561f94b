import asyncio
import threading
import time

import pytest
from argon2 import PasswordHasher, extract_parameters

from server.people.auth.passwords import passwords
from server.people.auth.passwords.passwords import Passwords, PasswordsBusy


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


async def test_a_password_costs_what_owasp_recommends_for_argon2id(checker):
    costs = extract_parameters(await checker.hash("correct horse"))
    assert (costs.memory_cost, costs.time_cost, costs.parallelism) == (19 * 1_024, 2, 1)


async def test_what_was_hashed_with_other_costs_is_compared_and_is_outdated(checker):
    stored = PasswordHasher().hash("correct horse")
    assert checker.is_outdated(stored)
    assert await checker.verify(stored, "correct horse")
    assert not await checker.verify(stored, "another horse")
    assert not checker.is_outdated(await checker.hash("correct horse"))


async def test_nobody_has_a_password(checker):
    assert not await checker.verify(None, "correct horse")


async def test_a_hash_that_is_none_matches_nothing(checker):
    assert not await checker.verify("plain text", "plain text")


async def test_the_unknown_take_as_long_as_the_known(checker):
    """Without the work for nobody's hash this would be a thousandth, not a half."""
    stored = await checker.hash("correct horse")
    times = []
    for known in (stored, None):
        fastest = float("inf")
        for _ in range(3):
            # The time of all threads, which others on the machine do not lengthen.
            begin = time.process_time()
            await checker.verify(known, "wrong")
            fastest = min(fastest, time.process_time() - begin)
        times.append(fastest)
    assert times[0] / 2 < times[1] < times[0] * 2


async def test_the_loop_turns_while_a_password_is_checked(checker, monkeypatch):
    stored = await checker.hash("correct horse")
    turned, verify = threading.Event(), checker._verify

    def verify_once_the_loop_has_turned(*asked: str) -> bool:
        # On the loop it would wait for itself.
        return turned.wait(30) and verify(*asked)

    monkeypatch.setattr(checker, "_verify", verify_once_the_loop_has_turned)
    check = asyncio.ensure_future(checker.verify(stored, "correct horse"))
    for _ in range(3):
        await asyncio.sleep(0)
    turned.set()
    assert await check


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
