"""A server with the test gateway beside it, and buyers who order what they hold."""

import asyncio
import secrets
import sys
from contextlib import AsyncExitStack
from time import perf_counter
from typing import Any

import aiohttp
from msgspec import Struct

from bench import arena
from bench.children import Child, ChildError
from bench.lab import Lab
from bench.onsale import Onsale

BUYERS = 100
"""Who takes turns: one booking after the other."""

ASKED_AT_ONCE = 16
EMAIL = "bench@example.org"


class Wish(Struct, frozen=True):
    """A hold that is to become an order, and whose it is."""

    event: str
    token: str
    hold: str


class Shop:
    """Our server and our gateway, each a process of its own."""

    def __init__(self, office: Onsale, session: aiohttp.ClientSession) -> None:
        self.office = office
        self._session = session
        self._tokens: list[str] = []

    async def prepare(self) -> None:
        """Let the buyers in."""
        self._tokens = await self.office.guests(BUYERS)

    async def holds(self, event: str, count: int, first: int = 0) -> list[Wish]:
        """Hold one seat for each of so many orders."""
        labels = map(arena.label_of, range(first, first + count))
        gate = asyncio.Semaphore(ASKED_AT_ONCE)

        async def one(number: int, label: str) -> Wish:
            token = self._tokens[number % len(self._tokens)]
            command = {"op": "hold", "id": number, "seats": [label]}
            async with gate:
                path = f"/v1/events/{event}/commands"
                _, held = await self.ask("POST", path, command, token)
            return Wish(event, token, held["hold"])

        return await asyncio.gather(*(one(n, label) for n, label in enumerate(labels)))

    async def order(self, wish: Wish) -> dict[str, Any]:
        """Order what is held, as its buyer."""
        body = {"event": wish.event, "hold": wish.hold, "buyer": {"email": EMAIL}}
        _, order = await self.ask("POST", "/v1/orders", body, wish.token)
        return order

    async def pay(self, url: str) -> None:
        """Pay on the gateway's page, as a form does."""
        async with self._session.post(
            url, data={"outcome": "pay"}, allow_redirects=False
        ) as answer:
            await answer.read()
            if answer.status >= 400:
                raise ChildError(f"the gateway answered {answer.status} to a payment")

    async def confirmed(self, event: str) -> int:
        """Return how many orders of an event are confirmed."""
        path = f"/v1/events/{event}/orders?status=confirmed&limit=1&count=true"
        shown = await self.office.ask("GET", path, None)
        return int(shown["total"])

    async def ask(
        self, method: str, path: str, body: object, token: str
    ) -> tuple[float, dict[str, Any]]:
        """Ask as a buyer; return when the answer was there, and the answer."""
        async with self._session.request(
            method,
            f"http://{self.office.address}{path}",
            json=body,
            headers={"Authorization": f"Bearer {token}"},
        ) as answer:
            text = await answer.read()
            received = perf_counter()
            if answer.status >= 300:
                raise ChildError(f"{method} {path}: {answer.status} {text[:500]!r}")
            document: dict[str, Any] = await answer.json()
            return received, document


async def open_shop(stack: AsyncExitStack, lab: Lab) -> Shop:
    """Start the gateway and the server that has it, and let the buyers in."""
    secret = secrets.token_urlsafe(48)
    shared = {"ONSALE_GATEWAY_SECRET": secret}
    gateway = await Child.start(
        stack,
        "gateway",
        [
            *(sys.executable, "-m", "server", "gateway", "--port", "0"),
            *("--data-dir", str(lab.directory / "gateway")),
        ],
        env=shared,
    )
    settings = {
        **shared,
        "ONSALE_PAYMENTS": "gateway",
        "ONSALE_GATEWAY_URL": f"http://{await gateway.address()}",
        "ONSALE_UNSAFE": "1",
        "ONSALE_HOOKS_PRIVATE": "1",
    }
    office = Onsale(lab, stack, settings=settings)
    await office.start()
    # As many connections as are wanted at once: none waits for another's answer.
    connector = aiohttp.TCPConnector(limit=0)
    session = await stack.enter_async_context(
        aiohttp.ClientSession(connector=connector)
    )
    shop = Shop(office, session)
    await shop.prepare()
    return shop
