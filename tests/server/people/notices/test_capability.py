"""In a whole server: letters come after tickets, and both are on the health page."""

from typing import Any

from persistence.people.notices.notices import notice_id
from tests.persistence.journals import open_store
from tests.persistence.sales import selling
from tests.persistence.shop.test_confirmations import account, book


async def test_what_is_sold_elsewhere_is_followed_here(client, database_url):
    """Another process sells; this one finds it by its look, and writes the letter."""
    async with open_store(database_url) as store:
        user = await account(store, verified=True)
        async with selling(store, "evt") as sale:
            booking = await book(sale, user, seats=["A-1", "A-2"])
        part: dict[str, Any] = {}
        rows: list[Any] = []
        for _ in range(300):
            part = (await client.good("GET", "/health"))["parts"]["followers"]
            rows = await store.query("SELECT notice_id, data::text FROM mail")
            if rows and not part["notices"]["versions_behind"]:
                break
        ((mail, body),) = rows
        assert mail == notice_id("order_confirmed", booking, user)
        numbers = await store.query("SELECT number FROM ticket ORDER BY label")
        assert len(numbers) == 2
        assert all(number in body for (number,) in numbers)
    assert part["status"] == "ok"
    assert {"tickets", "notices"} <= part.keys()
    jobs = (await client.good("GET", "/health"))["jobs"]
    assert {"follower tickets", "follower notices"} <= jobs.keys()
