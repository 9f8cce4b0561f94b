"""Orders beside the journal, in the audit of an event.

We know that it works if orders that were really sold pass, also while the one side is
behind the other, and if each order that tells another story is named.
"""

from typing import Any

import pytest

from inventory.commands import Book, CancelPart, Hold, Pledge
from inventory.replies import BookOk, HoldOk, Refused
from inventory.settings import Sum
from persistence.journal.audit import Receipt, audit_event
from tests.persistence.journals import Store
from tests.persistence.ordering import PRICE, Place, put_order
from tests.persistence.sales import Sale, selling

pytestmark = pytest.mark.postgres

EVENT = "evt"
OF: dict[str, Any] = {"id": 1, "event": EVENT}
SOLD = Place("A-1"), Place("A-2"), Place("GA"), Place("GA")


async def sell(sale: Sale, order: str = "ord_1") -> str:
    """Sell A-1, A-2 and two places to an order; return the booking."""
    held = await sale.ask(Hold(**OF, seats=["A-1", "A-2"], areas={"GA": 2}), "ann")
    assert isinstance(held, HoldOk)
    pledge = Pledge(**OF, hold=held.hold, order=order, until_s=900)
    await sale.ask(pledge, "ann", system=True)
    book = Book(**OF, hold=held.hold, order=order)
    booked = await sale.ask(book, "ann", system=True)
    assert isinstance(booked, BookOk)
    return booked.booking


async def free(sale: Sale, booking: str, **part: Any) -> None:
    command = CancelPart(**OF, booking=booking, **part)
    assert not isinstance(await sale.ask(command, "ann", system=True), Refused)


async def audited(store: Store) -> Receipt:
    return await audit_event(store.url, EVENT)


async def test_what_orders_say_of_their_places_is_the_revenue_of_the_journal(store):
    async with selling(store, EVENT) as sale:
        await put_order(store, await sell(sale), *SOLD)
        await sale.book("bob", await sale.hold("bob", "A-3"))
    receipt = await audited(store)
    assert receipt.ok, receipt.differences
    assert receipt.revenue == [Sum(5 * PRICE, "EUR")]
    assert receipt.ordered == [Sum(4 * PRICE, "EUR")]


async def test_a_part_that_was_given_back_is_gone_on_both_sides(store):
    async with selling(store, EVENT) as sale:
        booking = await sell(sale)
        await free(sale, booking, seats=["A-1"], areas={"GA": 1})
    gone = Place("A-1", "gone"), Place("A-2"), Place("GA"), Place("GA", "gone")
    await put_order(store, booking, *gone)
    receipt = await audited(store)
    assert receipt.ok, receipt.differences
    assert receipt.ordered == receipt.revenue == [Sum(2 * PRICE, "EUR")]


@pytest.mark.parametrize("freed", [True, False])
async def test_what_is_on_its_way_back_may_be_freed_or_not(store, freed):
    async with selling(store, EVENT) as sale:
        booking = await sell(sale)
        if freed:
            await free(sale, booking, seats=["A-1"], areas={"GA": 1})
    left = Place("A-1", "leaving"), Place("A-2"), Place("GA"), Place("GA", "leaving")
    await put_order(store, booking, *left)
    receipt = await audited(store)
    assert receipt.ok, receipt.differences


async def test_all_that_was_given_back_leaves_nothing(store):
    async with selling(store, EVENT) as sale:
        booking = await sell(sale)
        await free(sale, booking)
    await put_order(store, booking, *(Place(one.label, "gone") for one in SOLD))
    receipt = await audited(store)
    assert receipt.ok, receipt.differences
    assert receipt.ordered == [Sum(0, "EUR")]


async def test_an_order_may_hear_of_its_booking_a_moment_later(store):
    async with selling(store, EVENT) as sale:
        await sell(sale)
    await put_order(store, None, *SOLD, step="paid")
    receipt = await audited(store)
    assert receipt.ok, receipt.differences


async def test_a_booking_whose_order_is_not_there_is_named(store):
    async with selling(store, EVENT) as sale:
        await sell(sale)
    (difference,) = (await audited(store)).differences
    assert "is of order ord_1, which is not there" in difference


async def test_two_bookings_of_one_order_are_named(store):
    async with selling(store, EVENT) as sale:
        await put_order(store, await sell(sale), *SOLD)
        held = await sale.hold("ann", "A-4")
        pledge = Pledge(**OF, hold=held, order="ord_1", until_s=900)
        await sale.ask(pledge, "ann", system=True)
        await sale.ask(Book(**OF, hold=held, order="ord_1"), "ann", system=True)
    assert "Order ord_1 has more than one live booking." in (
        (await audited(store)).differences
    )


STORIES = {
    "another price": (
        "UPDATE order_line SET unit = 4600, gross = 4600 WHERE line = 1",
        "has seats and places for 18100, booked for 18000",
    ),
    "another seat": (
        "UPDATE order_line SET label = 'A-9' WHERE line = 1",
        "has other seats or places than its booking",
    ),
    "a seat less": (
        "DELETE FROM order_line WHERE line = 1",
        "has other seats or places than its booking",
    ),
    "a seat gone": (
        "UPDATE order_line SET state = 'gone' WHERE line = 4",
        "has other seats or places than its booking",
    ),
    "another currency": (
        "UPDATE orders SET currency = 'CHF'",
        "is in CHF, and its booking in EUR",
    ),
    "another booking": (
        "UPDATE order_part SET booking_id = 'ghost'",
        "does not know of its booking",
    ),
    "no booking": (
        "UPDATE order_part SET booking_id = NULL",
        "does not know of its booking",
    ),
    "no postings": (
        "ALTER TABLE money_entry DISABLE TRIGGER USER; DELETE FROM money_entry",
        "the ledger has other EUR than its rows",
    ),
    "paid by nobody": (
        "UPDATE orders SET due = 4500",
        "its row says that 4500 is due",
    ),
}


@pytest.mark.parametrize(("sql", "sentence"), STORIES.values(), ids=STORIES)
async def test_an_order_that_tells_another_story_is_named(store, sql, sentence):
    async with selling(store, EVENT) as sale:
        await put_order(store, await sell(sale), *SOLD)
    async with store.pool.transaction() as connection:
        await connection.execute(sql)
    receipt = await audited(store)
    assert not receipt.ok
    found = [one for one in receipt.differences if sentence in one]
    assert len(found) == 1, receipt.differences
    assert "ORD_1" in found[0]


async def test_a_live_order_of_a_booking_that_is_not_is_named(store):
    async with selling(store, EVENT) as sale:
        booking = await sell(sale)
        await free(sale, booking)
    await put_order(store, booking, *SOLD)
    (difference,) = (await audited(store)).differences
    assert "Order ORD_1 has 4 live seats and places" in difference
