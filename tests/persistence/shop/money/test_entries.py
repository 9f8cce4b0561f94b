"""The ledger: only added to, each posting whole and once."""

import asyncpg
import pytest

from persistence.shop.money.entries import Entry, balances, check_posting
from tests.persistence.ordering import post

pytestmark = pytest.mark.postgres

PAID = [Entry("provider", 900, "EUR"), Entry("due", -900, "EUR")]


async def put(store, posting, entries, order="ord"):
    async with store.pool.transaction() as connection:
        await post(connection, order, posting, entries)


async def left(store, order="ord"):
    async with store.pool.transaction(readonly=True) as connection:
        return sorted(await balances(connection, order))


@pytest.mark.parametrize(
    "again",
    [PAID, [Entry("provider", 800, "EUR"), Entry("due", -800, "EUR")]],
)
async def test_a_posting_is_made_once(store, again):
    await put(store, "capture:1", PAID)
    with pytest.raises(asyncpg.UniqueViolationError):
        await put(store, "capture:1", again)
    await put(store, "capture:1", PAID, "other")
    assert await left(store) == sorted(PAID)


async def test_balances_are_sums_by_account(store):
    await put(store, "capture:1", PAID)
    earned = [Entry("due", 900, "EUR"), Entry("sales", -800, "EUR")]
    await put(store, "confirm", [*earned, Entry("tax", -100, "EUR")])
    found = {one.account: one.amount for one in await left(store)}
    assert found == {"provider": 900, "due": 0, "sales": -800, "tax": -100}


@pytest.mark.parametrize(
    "entries",
    [
        [Entry("provider", 900, "EUR"), Entry("due", -899, "EUR")],
        [Entry("provider", 900, "EUR"), Entry("due", -900, "CHF")],
    ],
)
async def test_what_does_not_sum_to_nothing_is_not_posted(store, entries):
    with pytest.raises(ValueError, match="does not sum to 0"):
        check_posting("ord", "capture:1", entries)
    values = ", ".join(
        f"('ord', 'x', '{one.account}', {one.amount}, '{one.currency}')"
        for one in entries
    )
    columns = "order_id, posting, account, amount, currency"
    with pytest.raises(asyncpg.RaiseError, match="does not sum to 0"):
        await store.query(f"INSERT INTO money_entry ({columns}) VALUES {values}")
    assert await left(store) == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE money_entry SET amount = amount + 0",
        "DELETE FROM money_entry",
        "TRUNCATE money_entry",
    ],
)
async def test_what_was_posted_stays_as_it_is(store, sql):
    await put(store, "capture:1", PAID)
    with pytest.raises(asyncpg.RaiseError, match="only added to"):
        await store.query(sql)
    assert await left(store) == sorted(PAID)
