"""A server that sells, and the test gateway beside it, both on sockets of their own.

They cost more than a test does: those of one file share them, and each has an event of
its own.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from persistence.shop.payments.gateway_file import GatewayFile
from server.shop.payments.gateway.book import Book
from server.shop.payments.gateway.deliveries import Deliveries
from server.shop.payments.gateway.handlers import make_app
from server.shop.payments.gateway.wire import Behaviour
from tests.server.conftest import ADMIN, Client, run_server
from tests.server.shop.orders.shop import SECRET

EVENT: dict[str, Any] = {
    "name": "Concert",
    "capacity": 20,
    "starts_at": "2036-12-31T19:00:00Z",
    "prices": {"GA": {"amount": 2000, "currency": "EUR"}},
    "payment": "required",
    "fees": {"per_order": 100},
    "tax": {"ppm": 190_000, "name": "VAT"},
}
BUYER = {"email": "olga@example.org", "name": "Olga Ivanova", "locale": "de"}


class Gateway:
    """The test gateway, which may go away and come back."""

    def __init__(self, path: Path) -> None:
        self._file = GatewayFile(path / "gateway.sqlite")
        self.book: Book
        self._runner: web.AppRunner | None = None
        self._sending: asyncio.Task[None] | None = None
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self._port = found.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Listen, at the same port each time."""
        self.book = book = Book(self._file, self.url, lambda: int(time.time() * 1_000))
        self._runner = web.AppRunner(make_app(book, (SECRET,)), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._sending = asyncio.create_task(Deliveries(book, (SECRET,)).run())

    async def stop(self) -> None:
        """Leave nobody to answer."""
        assert self._sending is not None
        assert self._runner is not None
        self._sending.cancel()
        await asyncio.wait([self._sending])
        await self._runner.cleanup()

    async def close(self) -> None:
        """Stop for good."""
        await self.stop()
        self._file.close()


class Stand:
    """A server, its gateway, and who sells there."""

    def __init__(self, nobody: Client, seller: Client, gateway: Gateway) -> None:
        self.nobody, self.seller, self.gateway = nobody, seller, gateway

    async def world(self, **settings: Any) -> "World":
        """Put an event on sale."""
        made = await self.seller.good("POST", "/v1/events", EVENT | settings)
        await self.seller.good("POST", f"/v1/events/{made['id']}/publish")
        return World(self, made["id"])

    @asynccontextmanager
    async def gateway_away(self) -> AsyncIterator[None]:
        """Have the gateway away for a while."""
        await self.gateway.stop()
        try:
            yield
        finally:
            await self.gateway.start()


class World:
    """An event on sale, and who buys and who sells."""

    def __init__(self, stand: Stand, event: str) -> None:
        self.stand, self.event = stand, event
        self.nobody, self.seller = stand.nobody, stand.seller

    async def guest(self) -> Client:
        token = await self.nobody.good("POST", "/v1/auth/guest")
        return self.nobody.as_(token["access_token"])

    async def hold(self, buyer: Client, count: int = 2) -> str:
        command = {"op": "hold", "areas": {"GA": count}}
        path = f"/v1/events/{self.event}/commands"
        return str((await buyer.good("POST", path, command))["hold"])

    async def order(self, who: Client, count: int = 2, **more: Any) -> Any:
        body = {"event": self.event, "hold": await self.hold(who, count), **more}
        return await who.good("POST", "/v1/orders", body)

    async def becomes(self, buyer: Client, order: str, status: str) -> Any:
        """Wait until an order is so, and return it."""
        async with asyncio.timeout(20):
            while True:
                found = await buyer.good("GET", f"/v1/orders/{order}")
                if found["status"] == status:
                    return found
                await asyncio.sleep(0.02)

    def treat(self, order: Any, behaviour: Behaviour) -> None:
        """Have the gateway treat the attempt of an order so."""
        ref = order["payment"]["url"].rpartition("/")[2]
        self.stand.gateway.book.treat(ref, behaviour)

    async def choose(self, order: Any, outcome: str) -> int:
        """Do on the gateway's page what a buyer does; return what it answers."""
        form, url = {"outcome": outcome}, order["payment"]["url"]
        async with self.nobody.session.post(
            url, data=form, allow_redirects=False
        ) as response:
            return response.status


@asynccontextmanager
async def standing(
    database_url: str, path: Path, **settings: Any
) -> AsyncIterator[Stand]:
    """Run a server and a gateway."""
    gateway = Gateway(path)
    await gateway.start()
    paying = {
        "payments": "gateway",
        "gateway_url": gateway.url,
        "gateway_secret": SECRET.decode(),
        "unsafe": True,
    }
    try:
        async for nobody in run_server(
            database_url, rate_limits="off", **(paying | settings)
        ):
            signed_in = await nobody.good("POST", "/v1/auth/login", ADMIN)
            yield Stand(nobody, nobody.as_(signed_in["access_token"]), gateway)
    finally:
        await gateway.close()
