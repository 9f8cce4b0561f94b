"""Hooks of an organisation, and receivers that do what receivers do."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from persistence.people.hooks.deliveries import Deliveries, Delivery
from persistence.people.hooks.hooks import HookEdit, Hooks
from persistence.people.hooks.raising import raise_hook
from server.people.hooks.secret_box import SecretBox
from server.people.hooks.sender import HookSender
from server.people.hooks.service import HookService, HookWish, ShownHook
from tests.server.identities import LENA
from tests.server.people.house import People

SECRET = "a secret of at least thirty-two bytes"


class Receiver:
    """A machine of an organiser: it notes what it gets, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], str]] = []
        self.paths: list[str] = []
        self.answers: list[web.Response] = []
        """What to answer next, in order; then 204."""
        self.hangs = False
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.text()
        self.paths.append(request.path)
        self.got.append(({k.lower(): v for k, v in request.headers.items()}, body))
        if self.hangs:
            await asyncio.sleep(60)
        return self.answers.pop(0) if self.answers else web.Response(status=204)

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]

    def verified(self, secret: str) -> list[Any]:
        """Return what was told, as another implementation of the standard reads it."""
        return [Webhook(secret).verify(body, headers) for headers, body in self.got]


class HookDesk:
    """The hooks of `org`, and who sends for them."""

    def __init__(self, people: People, receiver: Receiver) -> None:
        self.people, self.receiver = people, receiver
        self.box = SecretBox([SECRET])
        self.deliveries = Deliveries(people.pool)
        self.service = HookService(
            Hooks(people.pool, 20), self.deliveries, self.box, private=True
        )
        self.sender = self.new_sender()

    def new_sender(self, **settings: Any) -> HookSender:
        return HookSender(
            self.deliveries, self.box, **{"private": True, "send_s": 2.0, **settings}
        )

    async def make(self, *types: Any, key: str | None = None, **more: Any) -> ShownHook:
        wish = HookWish(**{"url": f"{self.receiver.url}/a", "types": [*types], **more})
        leader = await self.people.member(LENA)
        return await self.service.create(leader, wish, key, repr(wish).encode())

    async def raise_(self, *subjects: str, type_: Any = "sale.opened") -> None:
        for subject in subjects:
            async with self.people.pool.transaction() as connection:
                await raise_hook(connection, "org", type_, {"event": subject}, subject)

    async def told(self) -> dict[str, Delivery]:
        """Return all messages, by what they are of."""
        found, _ = await self.deliveries.list_of("org", limit=200)
        return {one.subject: one for one in found}

    async def now(self) -> None:
        """Let everything be due that waits, and no hook rest or be taken."""
        await self.people.pool.fetch("UPDATE hook_delivery SET due_at = now()")
        await self.people.pool.fetch(
            "UPDATE hook SET rests_until = NULL, taken_until = NULL"
        )

    async def edit(self, hook: str, **edit: Any) -> None:
        leader = await self.people.member(LENA)
        await self.service.edit(leader, hook, HookEdit(**edit), None)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path}", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield receiver
    await runner.cleanup()


@pytest.fixture
async def desk(people: People, receiver: Receiver) -> AsyncIterator[HookDesk]:
    desk = HookDesk(people, receiver)
    yield desk
    await desk.sender.close()
