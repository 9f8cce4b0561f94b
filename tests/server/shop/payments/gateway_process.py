"""The test gateway in a process of its own, and somebody who gets its webhooks."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from server.shop.payments.gateway_provider import GatewayProvider
from server.shop.payments.provider import (
    Attempt,
    Fact,
    Forged,
    PaymentProvider,
    Stale,
    Urls,
)
from server.shop.payments.signing import secrets_of

REPOSITORY = Path(__file__).resolve().parents[4]
SECRET = "eRZ1xw4mTq0Kp7YvB2nLs9dGfHcJ6uXa"
OTHER_SECRET = "q8VbN3tYk5WmZr1LpC7xSj2HdGf4TeUo"
WAIT_S = 60.0


class GatewayProcess:
    """One gateway over one data directory; it may be started several times."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.url = ""
        self.port = 0
        self.environment = environment or {"ONSALE_GATEWAY_SECRET": SECRET}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        """Start it, at the port that it had, and return when it listens."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ONSALE_")}
        command = [sys.executable, "-m", "server", "gateway", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, "--data-dir", str(self.folder), *arguments],
            cwd=REPOSITORY,
            env=kept | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        assert line.startswith("onsale gateway is ready at "), line
        self.url = line.split()[-1]
        self.port = int(self.url.rpartition(":")[2])

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; return the status."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(how)
        status = self.process.wait(WAIT_S)
        self.process.stdout.close()
        return status

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask it for something as a shop does."""
        headers = {"Authorization": f"Bearer {SECRET}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, self.url + path, json=body) as answer,
        ):
            found = await answer.json()
            assert answer.status == 200, found
            return found

    async def behave(self, ref: str, **behaviour: Any) -> None:
        """Treat a session differently from now on."""
        await self.ask("PUT", f"/v1/sessions/{ref}/behaviour", behaviour)

    async def choose(self, url: str, outcome: str) -> tuple[int, str, str]:
        """Choose at a page; return status, where it leads, and the text."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                url, data={"outcome": outcome}, allow_redirects=False
            ) as answer,
        ):
            text = await answer.text()
            return answer.status, answer.headers.get("Location", ""), text


class Receiver:
    """Gets webhooks, reads them with a provider, and answers as a shop does."""

    def __init__(self, provider: PaymentProvider) -> None:
        self.provider = provider
        self.url = ""
        self.facts: list[Fact] = []
        """All that was believed, repeats included, in the order of arrival."""
        self.forged = 0
        self.stale = 0
        self.answers: list[int] = []
        """What to answer next, in place of 200."""
        self.raw: list[tuple[dict[str, str], bytes]] = []
        self._news = asyncio.Condition()

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        async with self._news:
            self._news.notify_all()
            self.raw.append((dict(request.headers), body))
            if self.answers:
                return web.Response(status=self.answers.pop(0))
            try:
                self.facts += self.provider.read(request.headers, body)
            except Forged:
                self.forged += 1
                return web.Response(status=400)
            except Stale:
                self.stale += 1
                return web.Response(status=400)
            return web.Response()

    async def until(self, holds: Any) -> None:
        """Wait until something holds of what came."""
        async with asyncio.timeout(WAIT_S), self._news:
            await self._news.wait_for(holds)


@asynccontextmanager
async def receiving(provider: PaymentProvider) -> AsyncIterator[Receiver]:
    """Listen for webhooks."""
    receiver = Receiver(provider)
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        receiver.url = f"http://{host}:{port}/hook"
        yield receiver
    finally:
        await runner.cleanup()


def provider_at(url: str, secret: str = SECRET, **options: Any) -> GatewayProvider:
    """Return the provider of a gateway."""
    return GatewayProvider(url, secrets_of(secret), **options)


def attempt_of(name: str, amount: int = 4500, currency: str = "EUR") -> Attempt:
    """Return an attempt that has all the time in the world."""
    return Attempt(
        attempt=name,
        order="ord_1",
        reference="K7M2QX",
        amount=amount,
        currency=currency,
        description="2 tickets, Gala",
        email="buyer@example.org",
        expires_at_ms=4_000_000_000_000,
    )


def urls_to(webhook: str) -> Urls:
    """Return addresses of a shop."""
    return Urls(
        success="http://shop.example/orders/ord_1",
        cancel="http://shop.example/orders/ord_1#cancel",
        webhook=webhook,
    )
