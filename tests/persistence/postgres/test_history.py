import asyncpg
import pytest

from persistence.postgres.history import begin_new_history
from tests.database import query
from tests.persistence.journals import open_store
from tests.persistence.sales import sell_some, selling

pytestmark = pytest.mark.postgres

HEADS = """
SELECT event_id, history_id, epoch, owner_token, owner_address, version
FROM event_head ORDER BY event_id
"""


async def renew(url):
    connection = await asyncpg.connect(url)
    try:
        return await begin_new_history(connection)
    finally:
        await connection.close()


async def test_every_event_has_a_history_of_its_own_and_no_owner(database_url):
    async with open_store(database_url) as store:
        await sell_some(store, "a")
        await sell_some(store, "b")
    before = await query(database_url, HEADS)
    assert await renew(database_url) == 2
    after = await query(database_url, HEADS)
    histories = {row["history_id"] for row in [*before, *after]}
    assert len(histories) == 4
    for old, new in zip(before, after, strict=True):
        assert new["epoch"] == old["epoch"] + 1
        assert new["version"] == old["version"]
        assert new["owner_token"] is None
        assert new["owner_address"] == old["owner_address"]


async def test_who_sold_before_is_fenced_and_the_next_owner_goes_on(database_url):
    async with open_store(database_url) as store:
        async with selling(store, "evt") as sale:
            booking = await sale.book("ann", await sale.hold("ann", "A-1"), "key")
        (before,) = await query(database_url, HEADS)
        await renew(database_url)
        (renewed,) = await query(database_url, HEADS)
        async with selling(store, "evt", new=False) as sale:
            await sale.book("bob", await sale.hold("bob", "A-2"))
        (after,) = await query(database_url, HEADS)
    assert before["history_id"] != renewed["history_id"] == after["history_id"]
    assert after["version"] > before["version"]
    sold = await query(database_url, "SELECT seat, booking FROM sold ORDER BY seat")
    assert sold[0]["booking"] == booking
    assert len(sold) == 2


async def test_former_servers_are_forgotten(database_url):
    await query(
        database_url,
        "INSERT INTO cluster (cluster_id, secret) VALUES ('c', $1)",
        b"s" * 32,
    )
    await query(
        database_url,
        "INSERT INTO process VALUES ('p', 'n', 1, NULL, '1', now(), now(), false, 1,"
        " false, '', 10000)",
    )
    await renew(database_url)
    assert await query(database_url, "SELECT 1 FROM cluster") == []
    assert await query(database_url, "SELECT 1 FROM process") == []


async def test_a_database_without_tables_has_no_events(empty_database_url):
    assert await renew(empty_database_url) == 0
