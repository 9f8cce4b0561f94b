"""Tables of a former version: read, audited and counted, and the sale goes on."""

import pytest
from msgspec import convert

from inventory.commands import Hold
from inventory.ports import Batch, BookingRow, CommitStatus
from inventory.replies import HoldOk
from inventory.settings import Money, Sum
from inventory.state import Stock
from persistence.analytics.rollup import Rollup
from persistence.events.bookings import BookingLine
from persistence.journal.audit import audit_event
from tests.inventory.test_stored import (
    EXPECTED,
    FILE,
    FIRST_SETTINGS,
    ROWS,
    SNAPSHOT,
    VENUE,
    replayed,
)
from tests.persistence.journals import Store
from tests.persistence.sales import selling
from tests.scenario import EVENT

pytestmark = pytest.mark.postgres


async def restore(store: Store) -> Stock:
    """Write what the former version had written: its bookings have no lines."""
    await store.catalog.create_venue(
        "ven", "Hall", VENUE.map, created_by="usr", request_hash=b""
    )
    await store.catalog.create_event(
        EVENT, FIRST_SETTINGS, venue="ven", created_by="usr", request_hash=b""
    )
    ownership = await store.journal.acquire(EVENT)
    assert ownership is not None
    stock = replayed()
    made = [convert(row, BookingRow) for row in FILE["bookings"]]
    assert all(row.lines is None for row in made)
    for number, row in enumerate(ROWS):
        last = number == len(ROWS) - 1
        batch = Batch(
            base=row.base,
            to=row.to,
            batch_id=f"batch {number}",
            at_ms=row.at_ms,
            body=row.body,
            chain=row.chain,
            sold=[
                (seat, one.booking)
                for one in stock.bookings.values()
                for seat in one.seats
                if last
            ],
            freed=[],
            area_sold={0: stock.areas[0].booked} if last else {},
            results=[],
            bookings=[one for one in made if row.base < one.version <= row.to],
            cancelled=["b1"] if last else [],
            settings=stock.settings if last else None,
        )
        assert await store.commit(ownership, batch) is CommitStatus.COMMITTED
    await store.journal.save_snapshot(ownership, EXPECTED["version"], SNAPSHOT)
    await store.journal.release(ownership, due=False)
    return stock


async def test_the_audit_passes_and_the_revenue_is_what_it_was(store):
    await restore(store)
    receipt = await audit_event(store.url, EVENT)
    assert receipt.differences == []
    paid = EXPECTED["paid"]["b2"]
    assert receipt.revenue == [Sum(*paid)]
    rollup = Rollup(store.pool)
    assert (await rollup.count(EVENT)).versions == EXPECTED["version"]
    ((revenue,),) = await store.query("SELECT sum(revenue)::bigint FROM event_minute")
    assert revenue == 22_800 + 4_500  # b1, which was cancelled, was revenue once
    booking = await store.bookings.find("b2")
    assert booking is not None
    # What it is worth was counted; what each place was, is in the journal alone.
    assert booking.total == Money(*paid)
    assert booking.lines[0] == BookingLine("A-1", None, 1, None)
    assert [line.label for line in booking.lines] == [*booking.seats, "GA"]


async def test_the_sale_goes_on(store):
    stock = await restore(store)
    places = stock.venue.map
    async with selling(store, EVENT, places, FIRST_SETTINGS, new=False) as sale:
        booked = await sale.book("eve", "h6")
        new = await sale.ask(Hold(id=1, event=EVENT, areas={"GA": 2}), "fay")
        assert isinstance(new, HoldOk)
        await sale.book("fay", new.hold)
    receipt = await audit_event(store.url, EVENT)
    assert receipt.differences == []
    assert receipt.revenue == [Sum(22_800 + 9_900 + 9_000 + 6_000, "EUR")]
    booking = await store.bookings.find(booked)
    assert booking is not None
    assert booking.total == Money(18_900, "EUR")
    assert booking.lines == [
        BookingLine("A-4", "1", 1, Money(9_900, "EUR")),
        BookingLine("GA", "2", 3, Money(3_000, "EUR")),
    ]


async def test_an_event_without_a_word_about_its_end_is_due_a_day_after_it_began(store):
    await restore(store)
    await store.query(
        "UPDATE event SET settings = settings || '{\"completes_at_ms\": null}'"
    )
    ((due,),) = await store.query(
        "SELECT due_ms FROM event WHERE settings ->> 'completes_at_ms' IS NULL"
    )
    stocked = FIRST_SETTINGS.off_sale_at_ms
    assert due == stocked
    await store.query(
        "UPDATE event SET settings = settings || '{\"off_sale_at_ms\": null}'"
    )
    ((due,),) = await store.query("SELECT due_ms FROM event")
    assert due == FIRST_SETTINGS.starts_at_ms + 86_400_000
