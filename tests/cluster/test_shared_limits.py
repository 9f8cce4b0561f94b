"""Passwords and mails are counted by all processes together, over a real bus."""

import asyncio

import pytest

from server.transport.bus.redis_bus import RedisBus
from server.transport.ratelimit.request_limits import (
    LOGINS_BURST,
    MAILS_BURST,
    PUBLIC_MAX,
    RequestLimits,
)
from tests.cluster.conftest import Join, RedisServer
from tests.cluster.ears import Ear, listening, said, started, until

pytestmark = pytest.mark.redis

OLGA, KARL = "olga@example.org", "karl@example.org"


class Process:
    """What one process counts, and the bus by which it hears of the others."""

    def __init__(self, bus: RedisBus, ear: Ear, name: str) -> None:
        self.bus, self.ear = bus, ear
        self.limits = RequestLimits(clock=lambda: 0.0)
        self.limits.connect(bus, name, asyncio.get_running_loop())


async def counting(join: Join, count: int) -> list[Process]:
    processes = []
    for number in range(count):
        bus = await started(join())
        processes.append(Process(bus, Ear(bus, "marks"), f"process {number}"))
        # What is subscribed later begins later, so the process hears us by now.
        await listening(bus, "last")
    return processes


async def all_hear(processes: list[Process], speaker: Process) -> None:
    """Wait until all have heard what one said."""
    ears = [(one.ear, len(one.ear.heard)) for one in processes]
    assert await said(speaker.bus, "marks") == len(processes)
    await until(lambda: all(len(ear.heard) > before for ear, before in ears))


async def guesses_looked_at(processes: list[Process], email: str) -> int:
    """Try passwords at each process in turn; return how many are looked at."""
    total = 0
    for one in processes * (LOGINS_BURST + 1):
        if one.limits.login("a", email, 0.0).allowed:
            total += 1
            if one.bus.status != "down":
                await all_hear(processes, one)
    return total


async def test_guesses_are_counted_together_while_there_is_a_bus(
    join: Join, redis_server: RedisServer
):
    processes = await counting(join, 3)
    assert await guesses_looked_at(processes, OLGA) == LOGINS_BURST

    redis_server.kill()
    await until(lambda: all(one.bus.status == "down" for one in processes))
    assert await guesses_looked_at(processes, KARL) == 3 * LOGINS_BURST


async def test_mails_are_counted_together(join: Join):
    one, other = processes = await counting(join, 2)
    for _ in range(MAILS_BURST):
        assert one.limits.mail("a", OLGA, 0.0).allowed
    await all_hear(processes, one)
    assert not other.limits.mail("b", OLGA, 0.0).allowed


async def test_a_budget_is_one_for_all(join: Join):
    processes = await counting(join, 2)
    said = []
    for number in range(PUBLIC_MAX + 20):
        one = processes[number % 2]
        said.append(one.limits.request("192.0.2.1", None, 0.0))
        # In the next turn it tells the others.
        await asyncio.sleep(0)
        await all_hear(processes, one)
    remaining = [verdict.remaining for verdict in said]
    assert remaining == [*range(PUBLIC_MAX - 1, -1, -1), *[0] * 20]
    assert [verdict.allowed for verdict in said] == [True] * 100 + [False] * 20
