"""A shop with its followers, brought on by hand."""

from collections.abc import AsyncIterator

import pytest

from persistence.followers.passes import Passes
from server.shop.confirmations.follower import NoticeFollower
from server.shop.tickets.follower import TicketFollower
from server.shop.tickets.keyring import Keyring, Vault
from tests.server.shop.orders.shop import Shop, open_shop

URL = "https://tickets.example.org/"


class Counter:
    """A shop, and those who follow what it sells."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.passes = Passes(shop.pool)
        vault = Vault(["a secret of at least thirty-two bytes"])
        self.tickets = TicketFollower(Keyring(shop.pool, vault))
        self.notices = NoticeFollower(URL)

    async def follow(self) -> None:
        """Let both follow all there is."""
        while (await self.passes.step(self.tickets, "evt")).versions:
            pass
        while (await self.passes.step(self.notices, "evt", "tickets")).versions:
            pass

    async def buy(self, places: int = 1) -> str:
        """Have an order paid and booked; return its id."""
        order = await self.shop.priced(places)
        await self.shop.pay(order)
        await self.shop.deliver()
        await self.shop.settle()
        assert (await self.shop.state(order)).status == "confirmed"
        return order


@pytest.fixture
async def counter(database_url, tmp_path) -> AsyncIterator[Counter]:
    async with open_shop(database_url, tmp_path) as shop:
        yield Counter(shop)
