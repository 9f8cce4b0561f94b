"""A child does one job within its limits, and knows nothing of ours."""

import asyncio

import msgspec
import pytest

from server.transport.children import workshop as module
from server.transport.children.workshop import Busy, Failed, Workshop

SCRIPT = "tests.server.transport.children.scripted"


def shop(**fields):
    limits = {"memory_bytes": 256 << 20, "cpu_s": 2} | fields
    return Workshop(SCRIPT, **{"at_once_max": 1, "waiting_max": 1} | limits)


async def test_a_child_answers_what_it_was_given():
    large = b"x" * (3 << 20)
    assert await shop().run(b"echo " + large) == large


async def test_a_child_sees_no_secret(monkeypatch):
    monkeypatch.setenv("ONSALE_SECRET_KEY", "secret")
    monkeypatch.setenv("DATABASE_URL", "postgresql://")
    names = msgspec.json.decode(await shop().run(b"environment"))
    assert set(names) <= {"PYTHONPATH", "LC_ALL", "LC_CTYPE"}
    assert {"PYTHONPATH", "LC_ALL"} <= set(names)


@pytest.mark.parametrize("job", [b"memory", b"time"])
async def test_a_child_that_takes_too_much_is_ended_and_no_other(job):
    one = shop(cpu_s=1)
    with pytest.raises(Failed):
        await one.run(job)
    assert await one.run(b"echo x") == b"x"


async def test_a_child_that_says_nothing_is_ended(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_S", 0.5)
    with pytest.raises(Failed, match="long"):
        await shop().run(b"sleep")


async def test_only_so_many_wait_for_their_turn():
    one = shop()
    async with one.turn:
        waiting = [asyncio.create_task(one.run(b"echo x")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await one.run(b"echo x")
    assert await asyncio.gather(*waiting) == [b"x", b"x"]


async def test_whoever_goes_away_leaves_no_child(monkeypatch):
    one, started, running = shop(), [], asyncio.Event()
    real = asyncio.create_subprocess_exec

    async def start(*arguments, **fields):
        started.append(await real(*arguments, **fields))
        running.set()
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    asked = asyncio.create_task(one.run(b"sleep"))
    await running.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert started[0].returncode is not None
    assert await one.run(b"echo x") == b"x"


async def test_a_bug_is_told_as_one():
    with pytest.raises(RuntimeError, match="bug"):
        await shop().run(b"die")
