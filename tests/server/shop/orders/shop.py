"""A shop in this process: an event, orders, and the test gateway on its own socket.

Webhooks are delivered by hand, in whatever order a test wants.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from inventory.commands import Hold, Holding, Release
from inventory.replies import HoldingOk, HoldOk
from inventory.settings import Money, Settings
from persistence.events.catalog import Catalog
from persistence.journal.journal import PostgresJournal
from persistence.postgres.clock import DatabaseClock
from persistence.postgres.pool import Pool
from persistence.shop.money.terms import terms_of
from persistence.shop.orders.orders import NewOrder, Orders
from persistence.shop.orders.records import OrderState
from persistence.shop.orders.rows import OrderBuyer, StoredOrder
from persistence.shop.payments.gateway_file import GatewayFile
from server.base.ids import RandomIds
from server.base.metrics import Metrics
from server.live.actors.registry import EventRegistry, ask
from server.live.fanout.hub import Hub
from server.shop.orders.driving.desk import Desk
from server.shop.orders.driving.driver import Driver
from server.shop.orders.service import rules_of
from server.shop.orders.webhooks.service import WebhookService
from server.shop.payments.gateway.book import Book, Message
from server.shop.payments.gateway.handlers import make_app
from server.shop.payments.gateway_provider import GatewayProvider
from server.transport.outbox.signatures import headers_of

SECRET = b"k3Jw9sQz1Lr7Vb2Nf8Xc4Tg6Yh0Pd5Mu"
PLACES = 30
EVENT = Settings(
    name="Concert",
    sale_state="on_sale",
    starts_at_ms=4_000_000_000_000,
    prices={"GA": Money(2_000, "EUR")},
    payment="required",
    max_per_user=30,
    max_per_booking=30,
)


class Shop:
    """One event with just a capacity, and everything around its orders."""

    def __init__(
        self,
        pool: Pool,
        registry: EventRegistry,
        provider: GatewayProvider,
        book: Book,
    ) -> None:
        self.pool, self.registry, self.book = pool, registry, book
        self.provider = provider
        self.told: list[StoredOrder] = []
        self.store = Orders(pool)
        self.failed: list[str] = []
        """The event of each payment that failed."""
        self.desk = Desk(pool, self.told.append, DatabaseClock(), self.failed.append)
        self.driver = self.new_driver()
        self.webhooks = WebhookService(pool, self.desk, self.driver, provider)
        self.made = 0

    def new_driver(self) -> Driver:
        """Return another driver, as another process has."""
        clock = DatabaseClock()
        return Driver(
            self.store,
            self.desk,
            self.registry,
            self.provider,
            lambda: "http://127.0.0.1:1",
            clock.now_ms,
        )

    async def hold(self, count: int = 1, user: str = "olga") -> str:
        """Hold places; return the hold."""
        local = await self.registry.find("evt")
        reply = await ask(
            local, Hold(id=0, event="evt", areas={"GA": count}), user, False, None
        )
        assert isinstance(reply, HoldOk), reply
        return reply.hold

    async def begin(
        self, count: int = 1, user: str = "olga", total: int | None = None
    ) -> str:
        """Store an order of a new hold, which nobody drives yet; return its id."""
        return await self.begin_of(await self.hold(count, user), user, total)

    async def begin_of(
        self, hold: str, user: str = "olga", total: int | None = None
    ) -> str:
        """Store an order of a hold."""
        local = await self.registry.find("evt")
        self.made += 1
        new = NewOrder(
            order=f"ord_{self.made}",
            event="evt",
            hold=hold,
            user=user,
            organisation=None,
            reference=f"REF{self.made}",
            buyer=OrderBuyer(email="olga@example.org", name="Olga"),
            rules=rules_of(local.board.settings),
            terms=await terms_of(self.pool, "evt"),
            provider="gateway",
            seen_total=total,
            request_hash=b"",
        )
        return (await self.store.begin(new)).state.order

    async def release(self, user: str) -> None:
        """Let go of all that somebody holds."""
        local = await self.registry.find("evt")
        holding = await ask(local, Holding(id=0, event="evt"), user, False, None)
        assert isinstance(holding, HoldingOk)
        for one in holding.holds:
            command = Release(id=0, event="evt", hold=one.hold)
            await ask(local, command, user, False, None)

    async def priced(self, count: int = 1, user: str = "olga") -> str:
        """Return an order that waits to be paid."""
        order = await self.begin(count, user)
        applied = await self.driver.drive(order)
        assert applied.stored.state.step == "paying"
        return order

    async def state(self, order: str) -> OrderState:
        """Return the state of an order as it is stored."""
        return (await self.stored(order)).state

    async def stored(self, order: str) -> StoredOrder:
        """Return an order as it is stored."""
        stored = await self.store.find(order)
        assert stored is not None
        return stored

    async def ref(self, order: str) -> str:
        """Return the session of an order's newest attempt."""
        ref = (await self.state(order)).payments[-1].ref
        assert ref is not None
        return ref

    async def pay(self, order: str, outcome: Any = "pay") -> None:
        """Do on the gateway's page what a buyer does."""
        self.book.choose(await self.ref(order), outcome)

    def messages(self) -> list[Message]:
        """Return what the gateway wants to tell, and take it for sent."""
        self.book.pass_time()
        told: list[Message] = []
        while messages := self.book.messages(1_000):
            for message in messages:
                self.book.sent(message)
            told += messages
        return told

    async def deliver(self, *messages: Message) -> list[bool]:
        """Deliver webhooks in this order, those that wait where none is named."""
        answers = []
        for message in messages or self.messages():
            headers = headers_of((SECRET,), message.id, int(time.time()), message.body)
            answers.append(await self.webhooks.take("gateway", headers, message.body))
        return answers

    async def settle(self) -> None:
        """Let everything go on that goes on by itself, as if its time had come."""
        await self.driver.drain(10)
        await self.pool.fetch(
            "UPDATE orders SET driven_until = now() - interval '1 s'"
            " WHERE driven_until IS NOT NULL"
        )
        await self.driver.look()

    async def end_pay_time(self, order: str) -> None:
        """Let the time be over in which an order is paid, though not its pledge."""
        await self.pool.fetch(
            "UPDATE orders SET pay_until = now() - interval '1 s',"
            " driven_until = now() - interval '1 s' WHERE order_id = $1",
            order,
        )

    async def counts(self) -> dict[str, int]:
        """Return the places of the event by what became of them."""
        local = await self.registry.find("evt")
        row = await self.pool.fetch_one("SELECT version FROM event_head")
        assert row is not None
        assert await local.hub.reach(row["version"], 10)
        return local.board.counts()

    async def check(self) -> None:
        """Check what holds at any time: the books, and who was paid for what."""
        uneven = await self.pool.fetch(
            "SELECT order_id FROM money_entry GROUP BY order_id, posting, currency"
            " HAVING sum(amount) <> 0"
        )
        assert not uneven
        over = await self.pool.fetch(
            "SELECT p.payment_id FROM payment p JOIN refund r USING (payment_id)"
            " WHERE r.reason NOT IN ('outside', 'dispute')"
            " GROUP BY p.payment_id HAVING sum(r.amount) > p.captured"
        )
        assert not over
        unpaid = await self.pool.fetch(
            "SELECT o.order_id FROM orders o WHERE o.status = 'confirmed'"
            " AND o.total > 0 AND NOT EXISTS (SELECT FROM payment p"
            " WHERE p.payment_id = o.accepted_payment AND p.captured >= o.total)"
            " AND (o.rules #>> '{rules,pays}')::boolean"
        )
        assert not unpaid


@asynccontextmanager
async def open_shop(
    database_url: str, path: Path, settings: Settings = EVENT
) -> AsyncIterator[Shop]:
    """Open a shop for an event of so many places."""
    pool = await Pool.open(database_url)
    clock = DatabaseClock()
    journal = await PostgresJournal.open(database_url, pool, "node test", clock)
    hub = Hub(asyncio.get_running_loop())
    catalog = Catalog(pool)
    registry = EventRegistry(catalog, journal, hub, clock, RandomIds(), Metrics())
    await catalog.create_event(
        "evt", settings, capacity=PLACES, created_by="usr", request_hash=b""
    )
    file = GatewayFile(path / "gateway.sqlite")
    book = Book(file, "http://127.0.0.1:1", lambda: int(time.time() * 1_000))
    runner = web.AppRunner(make_app(book, (SECRET,)))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    provider = GatewayProvider(f"http://127.0.0.1:{port}", (SECRET,))
    shop = Shop(pool, registry, provider, book)
    try:
        yield shop
    finally:
        await shop.driver.drain(10)
        await provider.close()
        await runner.cleanup()
        file.close()
        await registry.stop(5)
        await journal.close()
        await pool.close()
