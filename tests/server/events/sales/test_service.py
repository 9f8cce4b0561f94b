"""Commands to events, given without a request."""

import pytest
from msgspec.structs import replace

from inventory.commands import Block, Book, Cancel, Hold
from inventory.replies import BookOk, HoldOk
from inventory.venue.own import GA
from server.base.refusals.refusals import CommandRefused, Denied
from tests.server.events.house import SETTINGS
from tests.server.identities import GUEST, LENA, MAKER, MIA, STAN, machine

pytestmark = pytest.mark.postgres


def hold(event: str = "evt", key: str | None = None) -> Hold:
    return Hold(id=0, event=event, areas={GA: 2}, key=key)


def block(event: str = "evt") -> Block:
    return Block(id=0, event=event, areas={GA: 1})


@pytest.mark.parametrize("who", [GUEST, MIA, LENA])
async def test_anybody_with_a_name_buys(house, who):
    await house.put("evt")
    held = await house.sales.run(who, hold())
    assert isinstance(held, HoldOk)
    booked = await house.sales.run(who, Book(id=0, event="evt", hold=held.hold))
    assert isinstance(booked, BookOk)
    booking = await house.bookings.store.find(booked.booking)
    assert (booking.user, booking.areas) == (who.user, {GA: 2})


async def test_a_command_under_its_key_is_done_once(house):
    await house.put("evt")
    first = await house.sales.run(GUEST, hold(key="k"))
    again = await house.sales.run(GUEST, hold(key="k"))
    assert again.hold == first.hold
    with pytest.raises(CommandRefused, match="key_reused"):
        await house.sales.run(GUEST, Hold(id=0, event="evt", areas={GA: 1}, key="k"))


async def test_one_network_holds_no_more_than_the_event_allows(house):
    few = replace(SETTINGS, max_held_per_network=1, max_per_booking=2)
    await house.put("evt", settings=few)
    await house.sales.run(GUEST, hold(), "n1")
    with pytest.raises(CommandRefused, match="held_too_often"):
        await house.sales.run(MIA, hold(), "n1")
    for who, origin in ((MIA, "n2"), (LENA, "n1"), (STAN, None)):
        await house.sales.run(who, hold(), origin)


async def test_machines_block_and_never_buy(house):
    await house.put("evt")
    seller = machine("org", "events:write")
    await house.sales.run(seller, block())
    for who, command in (
        (seller, hold()),
        (machine("org"), block()),
        (machine("other", "events:write"), block()),
    ):
        with pytest.raises((Denied, CommandRefused), match="forbidden"):
            await house.sales.run(who, command)


@pytest.mark.parametrize("who", [GUEST, MIA, STAN, MAKER])
async def test_who_does_not_manage_the_event_blocks_nothing(house, who):
    await house.put("evt")
    with pytest.raises((Denied, CommandRefused), match="forbidden"):
        await house.sales.run(who, block())
    await house.sales.run(LENA, block())


async def test_only_who_manages_events_learns_which_are_there(house):
    await house.put("draft", replace(SETTINGS, sale_state="draft"))
    for event in ("draft", "none"):
        with pytest.raises(Denied, match="event_not_found"):
            await house.sales.run(MIA, hold(event))
        with pytest.raises(Denied, match="forbidden"):
            await house.sales.run(MIA, block(event))
        with pytest.raises(Denied, match="event_not_found"):
            await house.sales.run(MAKER, block(event))


async def test_who_manages_the_event_cancels_for_others(house):
    await house.put("evt")
    held = await house.sales.run(GUEST, hold())
    booked = await house.sales.run(GUEST, Book(id=0, event="evt", hold=held.hold))
    cancel = Cancel(id=0, event="evt", booking=booked.booking)
    with pytest.raises(CommandRefused, match="booking_not_found"):
        await house.sales.run(STAN, replace(cancel))
    await house.sales.run(LENA, replace(cancel))
    assert (await house.bookings.store.find(booked.booking)).cancelled_at is not None
