"""What ends is started again, with pauses that grow, and not for ever in vain."""

import asyncio

import pytest

from persistence.embedded import EmbeddedPostgresError
from server.ops.process import keeper
from server.ops.process.keeper import Keeper


class Program:
    """One that dies when it is told to, and starts when it is let."""

    def __init__(self) -> None:
        self.lives = True
        self.refuses = 0
        self.starts: list[float] = []
        self.started = asyncio.Event()

    def die(self) -> None:
        self.lives = False
        self.started.clear()

    async def restart(self) -> None:
        self.starts.append(asyncio.get_running_loop().time())
        if self.refuses:
            self.refuses -= 1
            raise EmbeddedPostgresError("No room.")
        self.lives = True
        self.started.set()

    def kept(self, *, needed: bool = True) -> "asyncio.Task[None]":
        made = Keeper("thing", lambda: self.lives, self.restart, needed=needed)
        return asyncio.create_task(made.run())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(keeper, "PAUSE_S_MIN", 0.01)
    monkeypatch.setattr(keeper, "PAUSE_S_MAX", 0.05)


async def test_what_lives_is_left_alone():
    program = Program()
    task = program.kept()
    await asyncio.sleep(0.03)
    task.cancel()
    assert program.starts == []


async def test_what_died_is_started_until_it_lives_with_pauses_that_grow():
    program = Program()
    task = program.kept()
    program.die()
    program.refuses = 4
    await program.started.wait()
    assert len(program.starts) == 5
    pauses = [
        after - before
        for before, after in zip(program.starts, program.starts[1:], strict=False)
    ]
    for pause_s, least_s in zip(pauses, (0.02, 0.04, 0.05, 0.05), strict=True):
        assert pause_s >= least_s * 0.9
    task.cancel()


async def test_what_dies_of_its_start_is_started_later_each_time(monkeypatch):
    program = Program()
    task = program.kept()
    for _ in range(4):
        program.die()
        await program.started.wait()
    assert program.starts[3] - program.starts[2] >= 0.05 * 0.9
    # One that has lived for long did not die of that.
    monkeypatch.setattr(keeper, "SETTLED_S", 0.0)
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(keeper, "PAUSE_S_MAX", 60.0)
    program.die()
    died_at = loop.time()
    await program.started.wait()
    assert program.starts[4] - died_at < 60.0
    task.cancel()


async def test_what_is_needed_and_stays_away_ends_the_server_with_the_reason(
    monkeypatch,
):
    monkeypatch.setattr(keeper, "GIVE_UP_S", 0.1)
    program = Program()
    task = program.kept()
    program.die()
    program.refuses = 1_000_000
    with pytest.raises(EmbeddedPostgresError, match="No room"):
        await task
    assert len(program.starts) > 1


async def test_what_is_not_needed_is_tried_for_ever(monkeypatch):
    monkeypatch.setattr(keeper, "GIVE_UP_S", 0.0)
    program = Program()
    task = program.kept(needed=False)
    program.die()
    program.refuses = 3
    await program.started.wait()
    assert not task.done()
    task.cancel()
