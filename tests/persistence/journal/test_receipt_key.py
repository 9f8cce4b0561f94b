import asyncio

import pytest

from persistence.journal.audit import NotAuditable, audit_with_seed
from persistence.journal.receipt_key import ensure_seed

pytestmark = pytest.mark.postgres


async def test_servers_that_start_together_sign_receipts_with_one_key(store):
    seeds = await asyncio.gather(*(ensure_seed(store.pool) for _ in range(4)))
    assert len(seeds[0]) == 32
    assert set(seeds) == {await ensure_seed(store.pool)}
    assert len(await store.query("SELECT FROM receipt_key")) == 1


async def test_the_key_of_the_highest_number_is_in_use(store):
    first = await ensure_seed(store.pool)
    await store.query("INSERT INTO receipt_key VALUES (2, $1)", bytes(32))
    assert first != bytes(32)
    assert await ensure_seed(store.pool) == bytes(32)


async def test_an_audit_finds_the_key_and_makes_none(store):
    await store.make_event("evt")
    receipt, seed = await audit_with_seed(store.url, "evt")
    assert (receipt.ok, seed) == (True, None)
    assert await store.query("SELECT FROM receipt_key") == []
    made = await ensure_seed(store.pool)
    assert (await audit_with_seed(store.url, "evt"))[1] == made


async def test_a_database_from_before_there_was_a_key_is_told_apart(store):
    await store.make_event("evt")
    await store.query("DROP TABLE receipt_key")
    with pytest.raises(NotAuditable, match="not the tables of this version"):
        await audit_with_seed(store.url, "evt")
