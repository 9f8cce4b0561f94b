"""A server in this process, on the loop and the database of the test."""

import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack
from typing import Any
from unittest import mock

import aiohttp
import pytest
from argon2 import PasswordHasher

from server.app import Server
from server.base.instance import Instance
from server.base.settings import Config
from server.ops.api import asyncapi, openapi
from server.pages import serve
from server.people.auth.passwords import passwords

ADMIN = {"email": "admin@example.org", "password": "correct horse battery"}


@dataclasses.dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any


class Client:
    """Sends requests as somebody, and reads the answers whole."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str = ""):
        self.session = session
        self.url = url
        self.token = token

    async def send(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        async with self.session.request(
            method, self.url + path, json=body, headers=sent
        ) as response:
            data = await response.read()
            if "json" in response.content_type and data:
                return Answer(response.status, response.headers, await response.json())
            return Answer(response.status, response.headers, data)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.send("GET", path, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return await self.send("POST", path, body, **headers)

    async def good(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.send(method, path, body)
        assert answer.status < 300, answer
        return answer.body

    def as_(self, token: str) -> "Client":
        return Client(self.session, self.url, token)


def quick_hasher(**costs: int) -> PasswordHasher:
    """Hash with less than it costs on purpose."""
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


MADE: dict[Any, Any] = {}
"""What is made of our sources alone, and is the same for each server of a process."""


def made_once(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return what was made of the same before."""

    def found(*given: Any) -> Any:
        key = make, repr(given)
        if key not in MADE:
            MADE[key] = make(*given)
        return MADE[key]

    return found


# Half of what it costs to start one.
SAME = [(openapi, "build"), (asyncapi, "build"), (serve, "Assets")]


async def run_server(database_url: str, **settings: Any) -> AsyncIterator[Client]:
    config = Config(
        port=0,
        admin_email=ADMIN["email"],
        admin_password=ADMIN["password"],
        **settings,
    )
    instance = Instance(
        node="test", process="test.0.0", database_url=database_url, port=config.port
    )
    with ExitStack() as stack:
        stack.enter_context(
            mock.patch.object(passwords, "PasswordHasher", quick_hasher)
        )
        for module, name in SAME:
            once = made_once(getattr(module, name))
            stack.enter_context(mock.patch.object(module, name, once))
        server = Server(config, instance)
        try:
            url = await server.start()
            async with aiohttp.ClientSession() as session:
                yield Client(session, url)
        finally:
            await server.stop()


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[Client]:
    """Somebody without a token."""
    async for client in run_server(database_url, rate_limits="off"):
        yield client


@pytest.fixture
async def limited(database_url: str) -> AsyncIterator[Client]:
    """The same, where requests are limited and proxies are believed."""
    async for client in run_server(database_url, trusted_proxies=["127.0.0.1"]):
        yield client


@pytest.fixture
async def admin(client: Client) -> Client:
    token = await client.good("POST", "/v1/auth/login", ADMIN)
    return client.as_(token["access_token"])


@pytest.fixture
async def guest(client: Client) -> Client:
    token = await client.good("POST", "/v1/auth/guest")
    return client.as_(token["access_token"])
