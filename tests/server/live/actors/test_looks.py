"""Who may not see an event loads nothing of it."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from persistence.events.rows import EventRow
from server.base.identity import Identity
from server.live.actors.looks import Looks
from server.live.actors.registry import EventNotFound, EventUnavailable
from tests.persistence.journals import SETTINGS
from tests.server.events.house import open_house
from tests.server.identities import ADMIN, GUEST, LENA, MAKER, MIA, OLGA, STAN
from tests.stage import settle

DRAFT = replace(SETTINGS, sale_state="draft")
ON_SALE = replace(SETTINGS, sale_state="on_sale")


@pytest.fixture
async def house(database_url):
    async with open_house(database_url) as opened:
        yield opened


def row(settings: Any, maker: Identity = MAKER) -> EventRow:
    now = datetime.now(UTC)
    return EventRow("evt", None, 1, settings, maker.user, b"", now, now)


class Slow:
    """A catalog that answers one question after the other, when it is told to."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[EventRow | None]] = []

    async def find_event(self, event: str) -> EventRow | None:
        self.asked.append(asyncio.get_running_loop().create_future())
        return await self.asked[-1]


async def nobody(organisation: str | None) -> None:
    return None


def slow_looks() -> tuple[Looks, Slow]:
    slow: Any = Slow()
    return Looks(slow, nobody), slow


@pytest.mark.postgres
async def test_nothing_is_loaded_for_whom_a_draft_is_not_there(house):
    await house.put("evt", DRAFT)
    await house.put("own", DRAFT, organisation=None, maker=MAKER.user)
    registry = house.registry
    for event, strangers in (("evt", (GUEST, MIA, MAKER)), ("own", (GUEST, OLGA))):
        for who in strangers:
            for deleted in (False, True):
                with pytest.raises(EventNotFound):
                    await registry.find_for(who, event, deleted=deleted)
    assert (registry.active, registry._loading, house.hub.events) == ({}, {}, {})
    assert registry.venues.bytes() == 0
    for event, who in (("evt", STAN), ("own", MAKER), ("evt", LENA), ("own", ADMIN)):
        served = await registry.find_for(who, event, deleted=False)
        assert registry.active[event] is served


@pytest.mark.postgres
async def test_what_is_deleted_is_loaded_only_for_who_asks_for_that(house):
    await house.put("evt", replace(ON_SALE, deleted=True))
    with pytest.raises(EventNotFound):
        await house.registry.find_for(OLGA, "evt", deleted=False)
    assert house.registry.active == {}
    assert await house.registry.find_for(OLGA, "evt", deleted=True)


@pytest.mark.postgres
async def test_while_the_database_is_away_nothing_is_said_of_an_event(house):
    await house.pool.close()
    with pytest.raises(EventUnavailable):
        await house.registry.find_for(OLGA, "evt", deleted=False)


async def test_all_who_ask_at_once_are_told_by_one_look_in_their_order():
    looks, slow = slow_looks()
    order = []

    async def ask(number: int) -> None:
        assert await looks.is_there_for(GUEST, "evt", deleted=False)
        order.append(number)

    asked = [asyncio.create_task(ask(number)) for number in range(5)]
    await settle()
    (answer,) = slow.asked
    answer.set_result(row(ON_SALE))
    await asyncio.gather(*asked)
    assert order == [0, 1, 2, 3, 4]
    assert looks.under_way == {}


@pytest.mark.parametrize("first", [None, row(DRAFT)], ids=["nothing", "a draft"])
async def test_who_asks_during_a_look_is_not_told_what_was_before(first):
    looks, slow = slow_looks()
    early = asyncio.create_task(looks.is_there_for(GUEST, "evt", deleted=False))
    await settle()
    # It is published now, and this one was told so.
    late = asyncio.create_task(looks.is_there_for(GUEST, "evt", deleted=False))
    await settle()
    slow.asked[0].set_result(first)
    await settle()
    slow.asked[1].set_result(row(ON_SALE))
    assert (await early, await late) == (False, True)


async def test_who_goes_away_ends_the_look_of_nobody_else():
    looks, slow = slow_looks()
    one, two = (
        asyncio.create_task(looks.is_there_for(GUEST, "evt", deleted=False))
        for _ in range(2)
    )
    await settle()
    one.cancel()
    await settle()
    slow.asked[0].set_result(row(ON_SALE))
    assert await two
    assert one.cancelled()
