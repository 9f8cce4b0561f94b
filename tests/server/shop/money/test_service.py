"""What an event took is for who manages it."""

import pytest

from server.base.refusals.refusals import Denied, Refusal
from server.shop.money.service import MoneyService
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
        assert await money.takings(who, "evt") == []


async def test_nobody_else_is(house, money):
    await house.put("evt")
    for who in (STAN, MIA, MAKER, GUEST, machine("other", "analytics:read")):
        with pytest.raises(Denied, match="forbidden"):
            await money.takings(who, "evt")


async def test_what_is_not_there_took_nothing(money):
    with pytest.raises(Refusal, match="event_not_found"):
        await money.takings(ADMIN, "evt")
