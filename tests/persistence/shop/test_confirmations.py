"""Of what was booked without an order, whom it is told, and what."""

from typing import Any

from inventory.commands import Book, Cancel, Hold
from inventory.replies import BookOk, HoldOk
from inventory.settings import Money
from persistence.shop.confirmations import Confirmed, read_confirmed, read_event
from tests.persistence.journals import Store
from tests.persistence.persons import ANNA, accounts_of
from tests.persistence.sales import Sale, selling


async def account(store: Store, *, verified: bool) -> str:
    """Make an account; return whose it is."""
    await accounts_of(store.pool).create(ANNA, [])
    at = "now()" if verified else "NULL"
    await store.query(f"UPDATE account SET verified_at = {at}")
    sql = "SELECT user_id FROM account WHERE email = 'anna@example.org'"
    ((user,),) = await store.query(sql)
    return str(user)


async def read(store: Store, *bookings: tuple[str, str | None]) -> list[Confirmed]:
    async with store.pool.transaction() as connection:
        return await read_confirmed(connection, list(bookings))


async def book(sale: Sale, user: str, note: str | None = None, **what: Any) -> str:
    held = await sale.ask(Hold(id=1, event=sale.event, **what), user)
    assert isinstance(held, HoldOk), held
    command = Book(id=1, event=sale.event, hold=held.hold, order=note)
    booked = await sale.ask(command, user)
    assert isinstance(booked, BookOk), booked
    return booked.booking


async def test_an_account_is_told_at_its_confirmed_address(store):
    user = await account(store, verified=True)
    async with selling(store, "evt") as sale:
        seats = await book(sale, user, seats=["A-1", "A-2"])
        places = await book(sale, user, areas={"GA": 3})
        await book(sale, "a guest", seats=["A-3"])
    first, second = await read(store, (seats, None), (places, None))
    assert (first.booking, first.order, first.user) == (seats, None, user)
    assert first.recipient == "anna@example.org"
    assert [(one.label, one.quantity, one.amount) for one in first.lines] == [
        ("A-1", 1, 4_500),
        ("A-2", 1, 4_500),
    ]
    assert first.total == Money(9_000, "EUR")
    assert [(one.label, one.quantity, one.amount) for one in second.lines] == [
        ("GA", 3, 13_500)
    ]
    assert second.total == Money(13_500, "EUR")
    assert "anna" not in repr(first)


async def test_nobody_is_told_at_an_address_that_may_be_anothers(store):
    user = await account(store, verified=False)
    async with selling(store, "evt") as sale:
        hers = await book(sale, user, seats=["A-1"])
        guests = await book(sale, "a guest", seats=["A-2"])
    assert await read(store, (hers, None), (guests, None)) == []


async def test_a_note_of_a_buyer_is_no_order(store):
    """It is in the journal as one, and `by_order` tells: so it is asked with None."""
    user = await account(store, verified=True)
    async with selling(store, "evt") as sale:
        booking = await book(sale, user, note="for my aunt", seats=["A-1"])
    (one,) = await read(store, (booking, None))
    assert one.order is None
    # Nor is one that is not there.
    (one,) = await read(store, (booking, "for my aunt"))
    assert one.order is None


async def test_what_is_cancelled_by_now_is_not_told(store):
    user = await account(store, verified=True)
    async with selling(store, "evt") as sale:
        booking = await book(sale, user, seats=["A-1"])
        await sale.do(Cancel(id=1, event="evt", booking=booking), user)
    assert await read(store, (booking, None)) == []


async def test_the_event_is_as_it_is_by_now(store):
    await store.make_event("evt")
    async with store.pool.transaction() as connection:
        event = await read_event(connection, "evt")
    assert (event.settings.name, event.venue_name) == ("Café Noir", "Hall")
