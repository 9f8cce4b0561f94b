"""Bookings, found, listed and cancelled without a request."""

import pytest
from msgspec.structs import replace

from inventory.commands import Book, Hold
from inventory.replies import BookOk, HoldOk
from inventory.venue.own import GA
from server.base.refusals.refusals import CommandRefused, Denied, Refusal
from server.events.bookings.service import BookingSearch
from tests.server.events.house import SETTINGS, House
from tests.server.identities import ADMIN, GUEST, LENA, MAKER, MIA, OLGA, STAN, machine

pytestmark = pytest.mark.postgres

HOUR_MS = 3_600_000


async def book(house: House, who=GUEST, event: str = "evt") -> str:
    held = await house.sales.run(who, Hold(id=0, event=event, areas={GA: 1}))
    assert isinstance(held, HoldOk)
    booked = await house.sales.run(who, Book(id=0, event=event, hold=held.hold))
    assert isinstance(booked, BookOk)
    return booked.booking


async def test_a_booking_is_there_for_its_buyer_and_those_who_run_the_event(house):
    await house.put("evt")
    booking = await book(house)
    found = await house.bookings.find(GUEST, booking)
    assert found.user == GUEST.user
    for who in (GUEST, STAN, LENA, OLGA, ADMIN, machine("org")):
        assert await house.bookings.find(who, booking) == found
        assert await house.bookings.find_by_reference(who, found.reference) == found
    for who in (MIA, MAKER, machine("other")):
        with pytest.raises(Refusal, match="booking_not_found"):
            await house.bookings.find(who, booking)
        with pytest.raises(Refusal, match="booking_not_found"):
            await house.bookings.find_by_reference(who, found.reference)
    with pytest.raises(Refusal, match="booking_not_found"):
        await house.bookings.find(ADMIN, "none")


async def test_the_bookings_of_an_event_are_for_those_who_run_it(house):
    await house.put("evt")
    names = [await book(house, who) for who in (GUEST, MIA)]
    for who in (STAN, LENA, ADMIN, machine("org")):
        bookings = await house.bookings.of_event(who, "evt")
        rows = await bookings.list(BookingSearch(), below=None, limit=10)
        assert [row.booking for row, _ in rows] == names[::-1]
        assert [buyer.email for _, buyer in rows] == ["mia@example.org", None]
        assert await bookings.count(BookingSearch()) == 2
    bookings = await house.bookings.of_event(OLGA, "evt")
    mine = BookingSearch(text="mia")
    assert await bookings.count(mine) == 1
    ((found, _),) = await bookings.list(mine, below=None, limit=10)
    assert found.booking == names[1]
    for who in (GUEST, MIA, MAKER, machine("other")):
        with pytest.raises(Denied, match="forbidden"):
            await house.bookings.of_event(who, "evt")


async def test_a_buyer_cancels_once_and_asks_as_often_as_they_like(house):
    await house.put("evt")
    booking = await book(house)
    first = await house.bookings.cancel(GUEST, booking, None)
    assert first.cancelled_at is not None
    assert await house.bookings.cancel(GUEST, booking, None) == first
    assert await house.bookings.cancel(LENA, booking, "key") == first


async def test_who_only_sees_a_booking_does_not_cancel_it(house):
    await house.put("evt")
    booking = await book(house)
    with pytest.raises(Denied, match="forbidden"):
        await house.bookings.cancel(STAN, booking, None)
    with pytest.raises(Refusal, match="booking_not_found"):
        await house.bookings.cancel(MIA, booking, None)
    assert (await house.bookings.find(GUEST, booking)).cancelled_at is None


async def test_a_buyer_cancels_in_time_and_who_manages_the_event_at_any_time(house):
    soon_ms = house.clock.now_ms() + HOUR_MS
    late = replace(SETTINGS, starts_at_ms=soon_ms, cancel_until_s=2 * HOUR_MS // 1_000)
    await house.put("evt", late)
    booking = await book(house)
    with pytest.raises(CommandRefused, match="cancel_too_late"):
        await house.bookings.cancel(GUEST, booking, None)
    assert (await house.bookings.cancel(LENA, booking, None)).cancelled_at is not None
