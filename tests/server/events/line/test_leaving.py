"""Whose account is deleted is in no line any more, wherever the place is."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from inventory.commands import Book
from persistence.events.line.entries import forget_entries
from server.events.line.leaving import Leaving
from server.live.actors.registry import EventNotFound, EventRegistry, EventUnavailable
from tests.server.events.line.room import who

pytestmark = pytest.mark.postgres


@pytest.fixture
async def full(room):
    await room.house.put("evt", capacity=2)
    room.bookings = [await room.buy("early", 1), await room.buy("soon", 1)]
    room.leaving = Leaving(room.entries, room.house.registry)
    return room


async def forget(room, *names):
    """Delete accounts, as far as lines know of them."""
    async with room.house.pool.transaction() as connection:
        for name in names:
            await forget_entries(connection, who(name).user)


async def ends(room, *names):
    """Return how the places of some people ended, as their rows know it."""
    found = [await room.entries.mine("evt", who(name).user) for name in names]
    return [one.ended for one in found]


async def test_the_place_goes_and_nothing_is_offered_to_who_is_gone(full):
    """One that the event has, and one that is a row yet."""
    await full.join("ann", "bert")
    await full.desk.join(who("carl"), "evt", full.asked())
    await full.desk.join(who("dora"), "evt", full.asked())
    await forget(full, "ann", "carl")
    await full.leaving.look()
    assert await ends(full, "ann", "bert", "carl") == ["left", None, "left"]
    while await full.feed():
        pass
    await full.cancel("early", full.bookings[0])
    await full.cancel("soon", full.bookings[1])
    assert await full.turns("ann", "bert", "carl", "dora") == [
        *("left", "turn", "left", "turn")
    ]
    assert await full.entries.leaving() == []


async def test_what_a_turn_held_goes_to_the_next(full):
    await full.join("ann", "bert")
    await full.cancel("early", full.bookings[0])
    assert await full.turns("ann", "bert") == ["turn", None]
    await forget(full, "ann")
    await full.leaving.look()
    assert await full.turns("ann", "bert") == ["left", "turn"]


async def test_a_place_that_is_about_to_be_fed_is_left_when_it_is(full):
    await full.desk.join(who("ann"), "evt", full.asked())
    await full.house.pool.fetch("UPDATE line_entry SET step = 1")
    await forget(full, "ann")
    await full.leaving.look()
    assert await ends(full, "ann") == [None]
    await full.house.pool.fetch("UPDATE line_entry SET step = NULL")
    await full.feed()
    await full.leaving.look()
    assert await ends(full, "ann") == ["left"]


async def test_a_turn_that_was_used_stays_so(full):
    """The event knows it, and the row does not yet."""
    await full.join("ann")
    await full.cancel("early", full.bookings[0])
    hold = await full.offered("ann")
    await full.house.sales.run(who("ann"), Book(id=0, event="evt", hold=hold))
    await forget(full, "ann")
    await full.leaving.look()
    assert await ends(full, "ann") == [None]
    await full.follow()
    assert await ends(full, "ann") == ["booked"]
    assert await full.entries.leaving() == []


@pytest.mark.parametrize(
    ("error", "ended"), [(EventUnavailable, None), (EventNotFound, "left")]
)
async def test_an_event_that_is_not_to_be_had_is_told_later_or_never(
    full, error, ended
):
    async def find(_: str) -> Any:
        raise error

    await full.join("ann")
    await forget(full, "ann")
    elsewhere = cast("EventRegistry", SimpleNamespace(find=find))
    await Leaving(full.entries, elsewhere).look()
    assert await ends(full, "ann") == [ended]


async def test_a_place_that_was_left_and_not_noted_is_noted(full):
    """Whoever asked the event died before the row was written."""
    await full.join("ann")
    entry = await full.entries.mine("evt", who("ann").user)
    await full.desk.leave(who("ann"), "evt")
    await full.house.pool.fetch("UPDATE line_entry SET over_at = NULL, ended = NULL")
    await forget(full, "ann")
    (place,) = await full.entries.leaving()
    assert (place.entry_id, place.rank) == (entry.entry_id, 1)
    await full.leaving.look()
    assert await ends(full, "ann") == ["left"]
