"""On what terms an event sells."""

import msgspec
import pytest

from inventory.settings import Money
from persistence.events.rows import Details
from persistence.shop.money.terms import NO_CURRENCY, Fees, Tax, Terms, terms_of
from tests.persistence.journals import SETTINGS, VENUE

pytestmark = pytest.mark.postgres


async def make(store, prices, details):
    await store.catalog.create_venue(
        "ven", "Hall", VENUE, created_by="usr", request_hash=b""
    )
    await store.catalog.create_event(
        "evt",
        msgspec.structs.replace(SETTINGS, prices=prices),
        venue="ven",
        created_by="usr",
        request_hash=b"",
        details=details,
    )


async def test_terms_are_the_fees_the_tax_and_the_currency_of_the_event(store):
    fees = Fees(per_order=100, per_ticket=150, paid_by="seller", returns=False)
    tax = Tax(ppm=190_000, included=False, name="VAT")
    prices = {"1": Money(4500, "CHF")}
    await make(store, prices, Details(fees=fees, tax=tax, late="refund"))
    expected = Terms("CHF", fees, tax, "refund")
    assert await terms_of(store.pool, "evt") == expected
    async with store.pool.transaction() as connection:
        assert await terms_of(connection, "evt") == expected


async def test_an_event_of_before_has_neither_fees_nor_tax_nor_a_currency(store):
    await make(store, {}, Details())
    await store.query("UPDATE event SET fees = DEFAULT, tax = DEFAULT, late = DEFAULT")
    assert await terms_of(store.pool, "evt") == Terms(NO_CURRENCY, Fees(), Tax())


async def test_there_are_no_terms_of_what_is_not_there(store):
    with pytest.raises(KeyError):
        await terms_of(store.pool, "evt")
