"""What an event took by way of payment and kind of ticket adds up to its sums."""

import random

import pytest

from persistence.shop.money.parts import kinds_of, ways_of
from server.shop.orders.facts import GiveBack, SeatsFreed
from tests.persistence.shop.money.test_sums import EVENT, KEPT, Shop

pytestmark = pytest.mark.postgres


async def test_kinds_are_what_buyers_have_without_what_is_a_fee_alone(store):
    await store.make_event(EVENT)
    shop = Shop(store)
    order = await shop.paid()
    await shop.paid(KEPT)
    await shop.hear(order, GiveBack((2,)), SeatsFreed(1))
    (kind,) = await kinds_of(store.pool, EVENT)
    assert (kind.category, kind.type, kind.currency) == ("1", None, "EUR")
    # The fee that does not return is no place.
    assert (kind.places, kind.gross, kind.discount) == (3, 4_650 + 6_000, 0)
    (way,) = await ways_of(store.pool, EVENT)
    assert (way.provider, way.payments, way.captured) == ("gateway", 2, 12_600)
    assert (way.returned, way.pending) == (0, 1_650)


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_orders_hear_of_the_ways_add_up_to_the_sums(store, seed):
    await store.make_event(EVENT)
    shop, chance = Shop(store), random.Random(seed)
    orders = [await shop.order() for _ in range(3)]
    for _ in range(25):
        order = chance.choice(orders)
        await shop.hear(order, await shop.anything(order, chance))
    ways = await ways_of(store.pool, EVENT)
    for one in await shop.takings():
        mine = [way for way in ways if way.currency == one.currency]
        assert sum(way.captured for way in mine) == one.captured
        assert sum(way.returned for way in mine) == one.returned
        assert sum(way.pending for way in mine) == one.pending
