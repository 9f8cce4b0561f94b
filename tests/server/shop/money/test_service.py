"""What an event took is for who manages it."""

import asyncio

import pytest

from server.base.refusals.refusals import Denied, Refusal
from server.shop.money.service import Money, MoneyService
from tests.server.events.house import open_house
from tests.server.identities import ADMIN, GUEST, LENA, MAKER, MIA, OLGA, STAN, machine

pytestmark = pytest.mark.postgres


@pytest.fixture
async def house(database_url):
    async with open_house(database_url) as opened:
        yield opened


@pytest.fixture
def money(house) -> MoneyService:
    return MoneyService(house.pool, house.events, house.memberships)


async def test_who_manages_an_event_is_told_its_money(house, money):
    await house.put("evt")
    for who in (OLGA, LENA, ADMIN, machine("org", "analytics:read")):
        assert await money.takings(who, "evt") == Money([], [], [])


async def test_nobody_else_is(house, money):
    await house.put("evt")
    for who in (STAN, MIA, MAKER, GUEST, machine("other", "analytics:read")):
        with pytest.raises(Denied, match="forbidden"):
            await money.takings(who, "evt")


async def test_who_asks_meanwhile_waits_for_the_same_sums(house, money, monkeypatch):
    await house.put("evt")
    asked: list[str] = []
    let_in = asyncio.Semaphore(0)
    answer = asyncio.Event()
    require = house.memberships.require_manager

    async def require_manager(*whose):
        await require(*whose)
        let_in.release()

    async def takings_of(_, event):
        asked.append(event)
        await answer.wait()
        return []

    monkeypatch.setattr(house.memberships, "require_manager", require_manager)
    monkeypatch.setattr("server.shop.money.service.takings_of", takings_of)
    tasks = [asyncio.create_task(money.takings(LENA, "evt")) for _ in range(3)]
    for _ in tasks:
        await let_in.acquire()
    # One that goes away takes nobody along.
    tasks[0].cancel()
    answer.set()
    assert await asyncio.gather(*tasks[1:]) == [Money([], [], [])] * 2
    assert asked == ["evt"]
    assert await money.takings(LENA, "evt") == Money([], [], [])
    assert asked == ["evt", "evt"]


async def test_what_is_not_there_took_nothing(money):
    with pytest.raises(Refusal, match="event_not_found"):
        await money.takings(ADMIN, "evt")
