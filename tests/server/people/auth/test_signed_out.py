"""What ends in one process ends in all, also where there is no bus between them."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from server.app import Server
from server.base.instance import Instance
from server.base.settings import Config
from tests.server.conftest import ADMIN, Client

pytestmark = pytest.mark.postgres

CLOSED_S_MAX = 60.0
"""Promised are 5 s, of which it looks every `LOOK_S`; a busy machine takes longer."""


@pytest.fixture
async def elsewhere(client: Client, database_url: str):
    """A client of another process on the same database."""
    instance = Instance(
        node="other", process="other.0.0", database_url=database_url, port=0
    )
    server = Server(Config(port=0, rate_limits="off"), instance)
    try:
        yield Client(client.session, await server.start())
    finally:
        await server.stop()


async def signed_in(client: Client) -> Any:
    return await client.good("POST", "/v1/auth/login", ADMIN)


async def closed_with(
    socket: aiohttp.ClientWebSocketResponse,
) -> tuple[str, int | None]:
    """Read to the end; give the reason and the code of the close."""
    reason = ""
    async with asyncio.timeout(CLOSED_S_MAX):
        async for message in socket:
            frame = json.loads(message.data)
            reason = frame["reason"] if frame["op"] == "bye" else reason
    return reason, socket.close_code


async def test_a_session_that_ends_here_ends_elsewhere(client, elsewhere):
    one, two = await signed_in(client), await signed_in(client)
    headers = {"Authorization": f"Bearer {one['access_token']}"}
    kept = {"Authorization": f"Bearer {two['access_token']}"}
    url = f"{elsewhere.url}/v1/ws"
    async with (
        client.session.ws_connect(url, headers=headers) as socket,
        client.session.ws_connect(url, headers=kept) as other,
    ):
        await client.as_(one["access_token"]).good("POST", "/v1/auth/logout")
        assert await closed_with(socket) == ("you have been signed out", 4001)
        assert not other.closed
        await other.send_json({"op": "ping", "id": 1})
        assert (await other.receive_json())["op"] == "ok"
    assert (await elsewhere.as_(one["access_token"]).get("/v1/me")).status == 401
    assert (await elsewhere.as_(two["access_token"]).get("/v1/me")).status == 200


@pytest.mark.attack
async def test_a_guest_who_registers_loses_the_token_and_every_socket_of_it(
    client, elsewhere
):
    """Who kept a guest's socket sees nothing of the account that came of it."""
    guest = await client.good("POST", "/v1/auth/guest")
    headers = {"Authorization": f"Bearer {guest['access_token']}"}
    async with (
        client.session.ws_connect(f"{client.url}/v1/ws", headers=headers) as here,
        client.session.ws_connect(f"{elsewhere.url}/v1/ws", headers=headers) as there,
        client.session.ws_connect(f"{elsewhere.url}/v1/ws") as greeted,
    ):
        hello = {"op": "hello", "id": 1, "token": guest["access_token"]}
        await greeted.send_json(hello)
        assert (await greeted.receive_json())["op"] == "ok"
        ends = asyncio.gather(*map(closed_with, (here, there, greeted)))
        new = {"email": "olga@example.org", "password": "x" * 8, "name": "Olga"}
        made = await client.as_(guest["access_token"]).good(
            "POST", "/v1/auth/register", new
        )
        assert made["user"]["id"] == guest["user"]["id"]
        assert set(await ends) == {("you have been signed out", 4001)}
    assert (await elsewhere.as_(guest["access_token"]).get("/v1/me")).status == 401
    headers = {"Authorization": f"Bearer {made['access_token']}"}
    url = f"{elsewhere.url}/v1/ws"
    async with client.session.ws_connect(url, headers=headers) as socket:
        await socket.send_json({"op": "ping", "id": 1})
        assert (await socket.receive_json())["op"] == "ok"


async def test_a_guest_who_logs_in_loses_the_sockets_and_keeps_the_token(client):
    guest = await client.good("POST", "/v1/auth/guest")
    as_guest = client.as_(guest["access_token"])
    headers = {"Authorization": f"Bearer {guest['access_token']}"}
    async with client.session.ws_connect(
        f"{client.url}/v1/ws", headers=headers
    ) as socket:
        wrong = await as_guest.post("/v1/auth/login", ADMIN | {"password": "x" * 8})
        assert wrong.status == 401
        await socket.send_json({"op": "ping", "id": 1})
        assert (await socket.receive_json())["op"] == "ok"
        await as_guest.good("POST", "/v1/auth/login", ADMIN)
        assert await closed_with(socket) == ("you have been signed out", 4001)
    # What it holds and has booked is still to be had.
    assert (await as_guest.get("/v1/me")).status == 200
    # A token that proves nothing is no reason to refuse a password that does.
    await client.as_("nonsense").good("POST", "/v1/auth/login", ADMIN)


async def test_a_token_of_one_process_is_good_in_the_other(client, elsewhere):
    guest = await elsewhere.good("POST", "/v1/auth/guest")
    shown = await client.as_(guest["access_token"]).good("GET", "/v1/me")
    assert shown["id"] == guest["user"]["id"]
    path = "/.well-known/jwks.json"
    assert await client.good("GET", path) == await elsewhere.good("GET", path)
