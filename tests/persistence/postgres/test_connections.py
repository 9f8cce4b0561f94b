"""Connections are given to one at a time, in order, and never one that is no good."""

import asyncio
from itertools import count

import asyncpg
import pytest

from persistence import limits
from persistence.postgres import connections as module
from persistence.postgres.connections import IDLE_S_MAX, Connections


class Connection:
    def __init__(self, number: int) -> None:
        self.number = number
        self.closed = self.busy = False

    def is_closed(self) -> bool:
        return self.closed

    def is_in_transaction(self) -> bool:
        return self.busy

    def terminate(self) -> None:
        self.closed = True

    async def close(self) -> None:
        self.closed = True


class Server:
    """Makes connections, as long as it is there."""

    def __init__(self) -> None:
        self.numbers = count(1)
        self.made: list[Connection] = []
        self.gone = False

    async def connect(self) -> Connection:
        await asyncio.sleep(0)
        if self.gone:
            raise OSError("nobody answers")
        self.made.append(Connection(next(self.numbers)))
        return self.made[-1]


@pytest.fixture
def server():
    return Server()


async def test_one_is_used_again_and_no_more_than_wanted_are_made(server):
    pool = Connections(server.connect, 2)
    for _ in range(5):
        pool.give_back(await pool.take())
    assert len(server.made) == 1
    both = [await pool.take(), await pool.take()]
    third = asyncio.create_task(pool.take())
    fourth = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    assert not third.done()
    pool.give_back(both[1])
    pool.give_back(both[0])
    assert [await third, await fourth] == [both[1], both[0]]
    assert len(server.made) == 2


@pytest.mark.parametrize("how", ["closed", "in a transaction", "expired"])
async def test_what_is_no_good_is_replaced_also_for_who_waits(server, how):
    pool = Connections(server.connect, 1)
    first = await pool.take()
    waiting = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    if how == "closed":
        first.terminate()
    elif how == "in a transaction":
        first.busy = True
    else:
        pool.expire()
    pool.give_back(first)
    second = await waiting
    assert first.closed
    assert second is not first
    pool.give_back(second)
    pool.expire()
    assert second.closed
    assert (await pool.take()).number == 3


async def test_one_that_was_idle_for_long_or_was_cut_off_is_not_used(
    server, monkeypatch
):
    now = 0.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    pool = Connections(server.connect, 3)
    for one in [await pool.take(), await pool.take(), await pool.take()]:
        pool.give_back(one)
    now = IDLE_S_MAX + 1
    fourth = await pool.take()
    assert [one.closed for one in server.made] == [True, True, True, False]
    pool.give_back(fourth)
    fourth.terminate()
    fifth, sixth = await pool.take(), await pool.take()
    pool.give_back(fifth)
    now *= 2
    pool.give_back(sixth)
    assert fifth.closed
    assert await pool.take() is sixth


async def test_who_cannot_connect_leaves_the_place_to_the_next(server):
    pool = Connections(server.connect, 1)
    server.gone = True
    tasks = [asyncio.create_task(pool.take()) for _ in range(3)]
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in found] == [OSError] * 3
    server.gone = False
    assert (await pool.take()).number == 1


@pytest.mark.parametrize("before", [True, False])
async def test_who_does_not_wait_any_more_takes_none_away(server, before):
    pool = Connections(server.connect, 1)
    first = await pool.take()
    impatient = asyncio.create_task(pool.take())
    patient = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    if before:
        impatient.cancel()
        await asyncio.sleep(0)
    pool.give_back(first)
    impatient.cancel()
    assert await patient is first
    assert impatient.cancelled() or impatient.cancelling()


async def test_a_place_comes_on_where_its_waiter_has_gone(server):
    pool = Connections(server.connect, 1)
    first = await pool.take()
    impatient = asyncio.create_task(pool.take())
    patient = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    first.terminate()
    pool.give_back(first)
    impatient.cancel()
    assert (await patient).number == 2


async def test_nobody_waits_for_ever(server, monkeypatch):
    monkeypatch.setattr(limits, "READ_TIMEOUT_S", 0.01)
    pool = Connections(server.connect, 1)
    first = await pool.take()
    with pytest.raises(TimeoutError):
        await pool.take()
    pool.give_back(first)
    assert await pool.take() is first


async def test_closing_waits_for_who_has_one_and_sends_the_others_away(server):
    pool = Connections(server.connect, 2)
    idle, busy = await pool.take(), await pool.take()
    waiting = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    pool.give_back(idle)
    assert await waiting is idle
    waiting = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    closing = asyncio.create_task(pool.close())
    with pytest.raises(asyncpg.InterfaceError):
        await waiting
    with pytest.raises(asyncpg.InterfaceError):
        await pool.take()
    pool.give_back(idle)
    await asyncio.sleep(0)
    assert not closing.done()
    pool.give_back(busy)
    await closing
    assert idle.closed
    assert busy.closed


async def test_terminating_waits_for_nobody(server):
    pool = Connections(server.connect, 2)
    busy, idle = await pool.take(), await pool.take()
    pool.give_back(idle)
    pool.terminate()
    assert busy.closed
    assert idle.closed
    pool.give_back(busy)
