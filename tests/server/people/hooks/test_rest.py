"""Hooks over REST, in a whole server: made, told, shown, sent again."""

import asyncio
from typing import Any

import pytest

from tests.server.conftest import run_server

pytestmark = pytest.mark.postgres


@pytest.fixture
async def olga(database_url):
    """Somebody who owns an organisation, where hooks may lead to this machine."""
    async for client in run_server(
        database_url, rate_limits="off", hooks_private=True, secret_key="s" * 40
    ):
        body = {
            "email": "olga@example.org",
            "password": "correct horse battery",
            "name": "Olga",
        }
        token = await client.good("POST", "/v1/auth/register", body)
        yield client.as_(token["access_token"])


async def until(client: Any, path: str, state: str) -> Any:
    found: Any = None
    for _ in range(200):
        found = await client.good("GET", path)
        if found["state"] == state:
            break
        await asyncio.sleep(0.05)
    assert found["state"] == state, found
    return found


async def test_a_hook_from_its_making_to_its_end(olga, receiver):
    made = await olga.good("POST", "/v1/organisations", {"name": "Theatre"})
    base = f"/v1/organisations/{made['id']}"
    fresh = await olga.good(
        "POST", f"{base}/hooks", {"url": f"{receiver.url}/a", "types": ["sale.closed"]}
    )
    one = f"{base}/hooks/{fresh['id']}"
    shown = await olga.get(one)
    assert shown.body == {name: fresh[name] for name in fresh if name != "secret"}
    put = await olga.post(f"{one}/test")
    assert (put.status, put.body["state"]) == (202, "due")
    delivery = f"{base}/deliveries/{put.body['id']}"
    sent = await until(olga, delivery, "sent")
    assert [at["status"] for at in sent["log"]] == [204]
    assert receiver.verified(fresh["secret"]) == [sent["body"]]
    listed = await olga.good("GET", f"{base}/deliveries?state=sent&hook={fresh['id']}")
    assert [item["id"] for item in listed["items"]] == [sent["id"]]
    assert (await olga.get(f"{base}/deliveries?state=lost")).status == 422
    again = await olga.post(f"{delivery}/replay")
    assert again.status == 202
    for _ in range(200):
        if len(receiver.got) == 2:
            break
        await asyncio.sleep(0.05)
    assert len(set(receiver.ids())) == 1
    off = await olga.good("PATCH", one, {"active": False})
    assert (off["active"], off["off"]) == (False, "by_hand")
    assert (await olga.post(f"{one}/test")).body["code"] == "hook_off"
    assert (await olga.send("DELETE", one)).status == 204
    assert (await olga.get(one)).body["code"] == "hook_not_found"
    assert (await olga.get(delivery)).body["code"] == "delivery_not_found"
    health = await olga.good("GET", "/health")
    assert health["parts"]["hooks"]["status"] == "ok"
