"""A shop with its followers, brought on by hand."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from persistence.events.catalog import Catalog
from persistence.followers.passes import Passes
from persistence.mail import Outbox
from server.events.catalogue.calendar.files import CalendarFiles
from server.people.notices.composer import NoticeComposer
from server.people.notices.follower import NoticeFollower
from server.shop.tickets.follower import TicketFollower
from server.shop.tickets.keyring import Keyring, Vault
from server.shop.tickets.pictures.files import TicketFiles
from server.shop.tickets.pictures.printer import Printer
from server.shop.tickets.service import TicketService
from server.transport.mail.sender import MailSender
from tests.server.shop.orders.shop import Shop, open_shop

SENDER = "Tickets <tickets@example.org>"
URL = "https://tickets.example.org/"


class Counter:
    """A shop, and those who follow what it sells."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.passes = Passes(shop.pool)
        vault = Vault(["a secret of at least thirty-two bytes"])
        self.keyring = Keyring(shop.pool, vault)
        self.tickets = TicketFollower(self.keyring)
        self.notices = NoticeFollower(URL)
        catalog = Catalog(shop.pool)
        self.composer = NoticeComposer(catalog, URL)
        service = TicketService(
            shop.pool, self.keyring, cast(Any, None), cast(Any, None)
        )
        self.composer.makes["calendar"] = CalendarFiles(catalog).make
        files = TicketFiles(service, Printer())
        self.composer.makes |= {"ticket": files.make, "booked": files.make_of}

    def sender(self, url: str | None) -> MailSender:
        """Return one that puts mails in words as the server does."""
        sender = MailSender(Outbox(self.shop.pool), url, SENDER)
        sender.composer = self.composer
        return sender

    async def follow(self) -> None:
        """Let both follow all there is."""
        while (await self.passes.step(self.tickets, "evt")).versions:
            pass
        while (await self.passes.step(self.notices, "evt", "tickets")).versions:
            pass

    async def buy(self, places: int = 1, user: str = "olga") -> str:
        """Have an order paid and booked; return its id."""
        order = await self.shop.priced(places, user)
        await self.shop.pay(order)
        await self.shop.deliver()
        await self.shop.settle()
        assert (await self.shop.state(order)).status == "confirmed"
        return order


@pytest.fixture
async def counter(database_url, tmp_path) -> AsyncIterator[Counter]:
    async with open_shop(database_url, tmp_path) as shop:
        yield Counter(shop)
