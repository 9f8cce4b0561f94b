"""Tickets that are revoked while their seats stay booked: hooks hear of these, too."""

import pytest

from server.shop.orders.facts import EventCancelled, GiveBack
from server.shop.orders.giving.giver import Giver
from tests.server.shop.hooks.test_follower import told

__all__ = ["told"]

pytestmark = pytest.mark.postgres


async def kinds(told) -> list[str]:
    heard = await told.heard()
    return [kind for kind, _ in heard if kind.startswith("ticket.")]


async def test_seats_that_are_kept_and_events_that_are_cancelled_tell_of_tickets(told):
    await told.hook()
    giver = Giver(told.shop.pool, told.shop.desk)
    order = await told.buy(3)
    await told.follow()
    # Twice, as whoever did not hear the answer: it is told once.
    for _ in range(2):
        await giver.give(order, "evt", GiveBack((2,), keep=True))
    assert await kinds(told) == ["ticket.issued"] * 3 + ["ticket.revoked"]
    (_, gone) = (await told.heard())[-1]
    assert (gone["order"], gone["event"], gone["label"]) == (order, "evt", "GA")
    await giver.give(order, "evt", EventCancelled())
    await told.follow()
    assert await kinds(told) == ["ticket.issued"] * 3 + ["ticket.revoked"] * 3


async def test_who_revokes_before_the_follower_came_tells_that_there_was_one(told):
    await told.hook()
    order = await told.buy(1)
    while (await told.passes.step(told.tickets, "evt")).versions:
        pass
    giver = Giver(told.shop.pool, told.shop.desk)
    await giver.give(order, "evt", EventCancelled())
    await told.follow()
    assert await kinds(told) == ["ticket.issued", "ticket.revoked"]


async def test_where_nobody_listens_nothing_is_read_or_told(told):
    order = await told.buy(1)
    await told.follow()
    await Giver(told.shop.pool, told.shop.desk).give(order, "evt", EventCancelled())
    assert await told.heard() == []
